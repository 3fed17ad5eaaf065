//! What the user typed for IMAGE: parsed, without any I/O.
