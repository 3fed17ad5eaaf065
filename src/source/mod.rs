//! Where the bytes come from; the only place that touches disk and sockets.
