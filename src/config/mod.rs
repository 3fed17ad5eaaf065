//! What a project says of its findings: `imagelint.toml`, comments beside the place, labels, and a baseline.
