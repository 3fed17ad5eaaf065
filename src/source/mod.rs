//! Where the bytes come from; the only place that touches disk and sockets.

pub mod decode;
pub mod verify;
