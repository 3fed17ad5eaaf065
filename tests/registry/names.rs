//! What is no name of an image says so.

use imagelint::source::places::Access;
use imagelint::source::remote::registry::ask_within;

use crate::make;
use crate::play::{FAST, absent};

#[test]
fn what_is_no_name_is_told() {
    let why = absent(ask_within("App", &Access::default(), FAST));
    assert_eq!(why, "`App` is not the name of an image: names are in lower case");
    let error = make::error(make::open("registry:a b"));
    assert!(error.contains("`a b` is not the name of an image"), "{error}");
}
