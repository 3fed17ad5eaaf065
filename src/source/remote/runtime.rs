//! The one runtime of the clients, which are asynchronous; nobody outside sees it.

use std::future::Future;
use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// One thread does all that waits for the network; layers are decompressed elsewhere.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let new = Builder::new_multi_thread().worker_threads(1).thread_name("network").enable_all().build()?;
    Ok(RUNTIME.get_or_init(|| new))
}

/// Waits for what a client does; from any thread but those of the runtime.
///
/// # Errors
/// The operating system gives no thread.
pub(super) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    Ok(runtime()?.block_on(future))
}

/// Lets the runtime do something beside what waits for it.
///
/// # Errors
/// As [`block_on`].
pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    drop(runtime()?.spawn(future));
    Ok(())
}
