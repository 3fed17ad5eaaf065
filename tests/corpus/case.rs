//! The directory that IMAGELINT_CORPUS names, as cases.
//!
//! `entrypoints/ID.sh` is the script. `entrypoints.tsv` has a line for each ID, its columns named in the first: `repo`,
//! `path`, `label`. `contexts/ID.Dockerfile` is the Dockerfile around it, `contexts/ID/` the build's context, and
//! `contexts/ID.place` has two lines: where in the context the script lies, and where the Dockerfile.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// One script and what is around it.
pub struct Case {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub origin: String,
    /// What a human says of it.
    pub label: String,
    /// The script.
    pub text: Vec<u8>,
    /// The Dockerfile, if there is one.
    pub dockerfile: Option<String>,
    /// Where the script lies in the context.
    pub place: String,
    /// Where the Dockerfile lies.
    pub beside: String,
    /// The context: paths, whether they are executable, contents.
    pub context: Vec<(String, bool, Vec<u8>)>,
}

/// All cases of a directory, by name.
pub fn all(directory: &Path) -> Vec<Case> {
    let rows = rows(&fs::read_to_string(directory.join("entrypoints.tsv")).unwrap_or_default());
    let mut scripts: Vec<PathBuf> =
        fs::read_dir(directory.join("entrypoints")).unwrap().flatten().map(|e| e.path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|e| e == "sh"));
    scripts.sort();
    scripts.iter().map(|path| case(directory, path, &rows)).collect()
}

fn rows(table: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = table.lines().map(|l| l.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    lines
        .map(|row| {
            let named: BTreeMap<String, String> = head.iter().cloned().zip(row).collect();
            (named.get("id").cloned().unwrap_or_default(), named)
        })
        .collect()
}

fn case(directory: &Path, script: &Path, rows: &BTreeMap<String, BTreeMap<String, String>>) -> Case {
    let id = script.file_stem().unwrap().to_string_lossy().into_owned();
    let row = rows.get(&id).cloned().unwrap_or_default();
    let of = |name: &str| row.get(name).cloned().unwrap_or_default();
    let contexts = directory.join("contexts");
    let place = fs::read_to_string(contexts.join(format!("{id}.place"))).unwrap_or_default();
    let mut lines = place.lines().map(str::to_owned);
    let mut context = Vec::new();
    gather(&contexts.join(&id), "", &mut context);
    Case {
        origin: format!("{}/{}", of("repo"), of("path")),
        label: of("label"),
        text: fs::read(script).unwrap(),
        dockerfile: fs::read(contexts.join(format!("{id}.Dockerfile")))
            .ok()
            .map(|b| String::from_utf8_lossy(&b).into()),
        place: lines.next().unwrap_or_else(|| "entrypoint.sh".to_owned()),
        beside: lines.next().unwrap_or_default(),
        context,
        id,
    }
}

fn gather(directory: &Path, below: &str, out: &mut Vec<(String, bool, Vec<u8>)>) {
    let mut entries: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            gather(&entry.path(), &path, out);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            out.push((path, meta.permissions().mode() & 0o111 != 0, bytes));
        }
    }
}
