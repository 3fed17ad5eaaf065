//! Where a finding is to be mended: the instruction of the Dockerfile, or the file of the repository, that caused it.
