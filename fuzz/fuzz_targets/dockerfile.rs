//! A Dockerfile, whatever is in it: no panic in its parser, in what a build of it would come to, and in judging that.
#![no_main]

use imagelint::launch::Overrides;
use imagelint::lint::{Unbuilt, Wanted};
use imagelint::rules::RULES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let parsed = imagelint::dockerfile::parse(data);
    for instruction in &parsed.instructions {
        assert!(instruction.span.end <= data.len() && instruction.span.start <= instruction.span.end);
    }
    let wanted = Wanted { path: "-".into(), text: Some(data.to_vec()), ..Wanted::default() };
    let rules: Vec<_> = RULES.iter().collect();
    if let Ok(unbuilt) = Unbuilt::open(&wanted) {
        let _ = unbuilt.lint(None, &Overrides::default(), &rules);
    }
});
