//! How long a registry is waited for, and how often it is asked again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Bounds of time, so that nothing waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, its TLS handshake included.
    pub connect: Duration,
    /// For the next byte.
    pub idle: Duration,
    /// For a document, or the begin of a blob, with all attempts.
    pub total: Duration,
    /// Before the second attempt; twice as long before each further one.
    pub pause: Duration,
    /// Attempts in all.
    pub attempts: u32,
    /// The longest `Retry-After` that is waited for.
    pub retry_after: Duration,
    /// For a credential helper, which may ask its user something.
    pub helper: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(90),
            pause: Duration::from_millis(500),
            attempts: 4,
            retry_after: Duration::from_secs(15),
            helper: Duration::from_secs(60),
        }
    }
}

/// Blobs that come more slowly than this, in bytes a second, are given up; what the reader takes its time for does not
/// count.
const SLOWEST: u64 = 16 << 10;

impl Patience {
    /// Before attempt `attempt + 1`: twice the last pause, less up to half of it, so that many who failed together do not
    /// come again together.
    pub(super) fn before(&self, attempt: u32) -> Duration {
        let pause = self.pause.saturating_mul(1 << attempt.saturating_sub(1).min(10));
        // The only source of chance in the standard library.
        let chance = RandomState::new().build_hasher().finish() % 512;
        pause.saturating_sub(pause.saturating_mul(chance as u32) / 1024)
    }

    /// The longest that a blob of `size` bytes may keep its reader waiting.
    pub(super) fn for_blob(&self, size: u64) -> Duration {
        self.total.saturating_add(Duration::from_secs(size / SLOWEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_less_up_to_half() {
        let patience = Patience { pause: Duration::from_secs(1), ..Patience::default() };
        for (attempt, secs) in [(1, 1), (2, 2), (3, 4)] {
            for _ in 0..99 {
                let pause = patience.before(attempt);
                assert!(pause <= Duration::from_secs(secs) && pause > Duration::from_secs(secs) / 2, "{pause:?}");
            }
        }
    }
}
