//! Dockerfiles, as BuildKit reads them: instructions with the bytes that they stand in.
