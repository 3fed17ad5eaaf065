//! imagelint
fn main() {}
