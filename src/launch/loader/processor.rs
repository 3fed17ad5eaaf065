//! Directories that a loader searches on certain processors only.

/// What a processor makes glibc's loader look into, below every directory that it searches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Directories below `glibc-hwcaps`, best first: `x86-64-v3`, `x86-64-v2` (since glibc 2.33, ld.so(8)).
    pub levels: Vec<&'static str>,
    /// Names of the older scheme, of which every combination is a path of directories (until glibc 2.36,
    /// `_dl_important_hwcaps` in elf/dl-hwcaps.c): hardware capabilities, then the platform, then `tls`.
    pub legacy: Vec<&'static str>,
    /// What `$PLATFORM` stands for where it is not the kernel's AT_PLATFORM: `haswell` or `xeon_phi` on processors of
    /// Intel (`init_cpu_features` in sysdeps/x86/cpu-features.c).
    pub platform: Option<&'static str>,
}

impl Processor {
    /// One that has all that glibc knows of for an architecture (GOARCH), as far as image authors may count on it.
    pub fn best(architecture: &str) -> Self {
        let (levels, legacy): (&[_], &[_]) = match architecture {
            "amd64" => (&["x86-64-v4", "x86-64-v3", "x86-64-v2"], &["x86_64", "avx512_1", "haswell", "tls"]),
            "386" => (&[], &["sse2", "i686", "tls"]),
            "arm" => (&[], &["vfp", "neon", "v7l", "tls"]),
            "ppc64le" => (&["power10", "power9"], &["power10", "tls"]),
            "s390x" => (&["z17", "z16", "z15", "z14", "z13"], &["z16", "tls"]),
            _ => (&[], &["tls"]),
        };
        let platform = (architecture == "amd64").then_some("haswell");
        Processor { levels: levels.to_vec(), legacy: legacy.to_vec(), platform }
    }

    /// The subdirectories in the order of the search, the directory itself (empty) last.
    pub fn subdirectories(&self) -> Vec<String> {
        let levels = self.levels.iter().map(|level| format!("glibc-hwcaps/{level}/"));
        let combination = |set: u32| {
            let named = self.legacy.iter().enumerate().rev().filter(move |(i, _)| set >> i & 1 != 0);
            named.map(|(_, name)| format!("{name}/")).collect::<String>()
        };
        levels.chain((0..1u32 << self.legacy.len().min(8)).rev().map(combination)).collect()
    }

    /// Names whose presence in a directory means that it may be searched so.
    pub const MARKS: [&'static str; 14] = [
        "neon",
        "vfp",
        "glibc-hwcaps",
        "tls",
        "x86_64",
        "haswell",
        "avx512_1",
        "xeon_phi",
        "i686",
        "i586",
        "sse2",
        "z15",
        "z16",
        "power9",
    ];

    /// The older scheme as ldconfig wrote it into the cache: bits of AT_HWCAP (sysdeps/x86/dl-hwcap.h, the kernel's
    /// arch/arm/include/uapi/asm/hwcap.h), from 48 on platforms, 63 for `tls`.
    pub fn capabilities(&self) -> u64 {
        let bit = |name: &&str| match *name {
            "sse2" => 0,
            "x86_64" => 1,
            "avx512_1" => 2,
            "vfp" => 6,
            "neon" => 12,
            "i586" => 48,
            "i686" => 49,
            "haswell" => 50,
            "xeon_phi" => 51,
            "tls" => 63,
            _ => 64,
        };
        self.legacy.iter().map(bit).filter_map(|bit| 1u64.checked_shl(bit)).fold(0, |all, bit| all | bit)
    }

    /// The place of a level among those it has.
    pub fn rank(&self, level: &[u8]) -> Option<usize> {
        self.levels.iter().position(|l| l.as_bytes() == level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_come_longest_first() {
        let (levels, legacy) = (vec!["x86-64-v2"], vec!["x86_64", "haswell", "tls"]);
        let processor = Processor { levels, legacy, platform: None };
        let expected = [
            "glibc-hwcaps/x86-64-v2/",
            "tls/haswell/x86_64/",
            "tls/haswell/",
            "tls/x86_64/",
            "tls/",
            "haswell/x86_64/",
            "haswell/",
            "x86_64/",
            "",
        ];
        assert_eq!(processor.subdirectories(), expected);
        assert_eq!(Processor::default().subdirectories(), [""]);
    }
}
