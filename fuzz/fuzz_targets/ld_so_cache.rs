//! /etc/ld.so.cache, whatever is in it: no panic, and look-ups end.
#![no_main]

use imagelint::format::ld_so_cache::Cache;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(cache) = Cache::parse(data) else { return };
    let rank = |level: &[u8]| level.strip_prefix(b"x86-64-v").map(|_| level.len());
    for name in ["libc.so.6", "lib10.so.2", ""] {
        for accepted in [[0x303, 3], [3, 1]] {
            let _ = cache.lookup(name.into(), &accepted, rank, 1 << 63 | 3);
        }
        let _ = cache.has_variants(name.into());
    }
});
