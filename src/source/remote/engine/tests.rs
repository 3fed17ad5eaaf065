//! Engines that answer oddly.
