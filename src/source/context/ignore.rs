//! `.dockerignore` (Dockerfile reference, *.dockerignore file*; moby/patternmatcher).

use std::fs;
use std::io::Read;
use std::path::Path;

use bstr::{BStr, ByteSlice};
use globset::{GlobBuilder, GlobMatcher};

use crate::error::{Error, Result};

/// Longer files are refused.
const MAX_LENGTH: u64 = 1 << 20;

/// Patterns, each with whether it takes files in again.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Vec<(GlobMatcher, bool)>,
}

impl Ignore {
    /// Reads `<Dockerfile>.dockerignore`, else the `.dockerignore` of the context.
    ///
    /// # Errors
    /// It is there and cannot be read, or is none.
    pub fn read(root: &Path, dockerfile: &Path) -> Result<Self> {
        let mut own = dockerfile.as_os_str().to_owned();
        own.push(".dockerignore");
        for path in [Path::new(&own).to_path_buf(), root.join(".dockerignore")] {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let what = || format!("`{}`", path.display());
            if !metadata.is_file() {
                return Err(Error::new(what(), "it is no regular file"));
            }
            let mut text = Vec::new();
            let read = fs::File::open(&path).and_then(|file| file.take(MAX_LENGTH + 1).read_to_end(&mut text));
            if read.map_err(|e| Error::new(what(), e))? as u64 > MAX_LENGTH {
                return Err(Error::new(what(), "it is longer than 1 MiB"));
            }
            return Ok(Self::parse(&text));
        }
        Ok(Ignore::default())
    }

    fn parse(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with(b"#"));
        Ignore { patterns: lines.filter_map(|line| pattern(line.to_str_lossy().trim())).collect() }
    }

    /// Whether a file is left out: the last pattern decides that matches it, or a directory that it lies in.
    pub fn excludes(&self, path: &BStr) -> bool {
        let matches = |glob: &GlobMatcher| {
            let ends = path.find_iter(b"/").chain([path.len()]);
            ends.map(|end| path.get(..end).unwrap_or_default()).any(|part| glob.is_match(part.to_path_lossy()))
        };
        self.patterns.iter().rev().find(|(glob, _)| matches(glob)).is_some_and(|(_, again)| !again)
    }
}

fn pattern(line: &str) -> Option<(GlobMatcher, bool)> {
    let (line, again) = line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
    let clean = crate::source::context::cleaned(line)?;
    let glob = GlobBuilder::new(&clean).literal_separator(true).backslash_escape(true).build().ok()?;
    Some((glob.compile_matcher(), again))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore = Ignore::parse(b"# comment\n*.md\n!README.md\n/build/\n**/node_modules\ntemp?\n\nx/*.log\n");
        for (path, excluded) in [
            ("a.md", true),
            ("docs/a.md", false),
            ("README.md", false),
            ("build/x/y", true),
            ("src/build/x", false),
            ("a/b/node_modules/c", true),
            ("tempa/x", true),
            ("temp", false),
            ("x/1.log", true),
            ("x/y/1.log", false),
        ] {
            assert_eq!(ignore.excludes(path.into()), excluded, "{path}");
        }
        let all = Ignore::parse(b"*\n!entrypoint.sh\n!conf\n");
        assert!(!all.excludes("entrypoint.sh".into()) && !all.excludes("conf/a".into()) && all.excludes("a".into()));
    }
}
