//! `--output-dir`: a report of its own for each image, under a name that is the same for every build of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::ValueEnum;
use imagelint::report::{Report, Style, typed_name};
use sha2::{Digest, Sha256};

use super::options::Findings;
use super::output::{Complaint, Result};
use super::target;

/// `[FORMAT=]DIR`.
#[derive(Clone, Debug)]
pub struct OutputDir {
    format: Findings,
    path: PathBuf,
}

/// The reports on their way, by what was typed for their images.
pub struct Reports {
    style: Style,
    output: OutputDir,
    files: BTreeMap<String, File>,
}

struct File {
    path: PathBuf,
    report: Report,
    text: String,
}

/// The longest name but for its ending: the longest that Linux takes is 255 bytes, and a temporary file has a longer
/// one than the file that it becomes.
const NAME_MAX: usize = 200;

/// What was typed; without a format it is SARIF.
pub fn parse(typed: &str) -> std::result::Result<OutputDir, String> {
    let of = |(format, path)| Some((Findings::from_str(format, false).ok()?, path));
    let (format, path) = typed.split_once('=').and_then(of).unwrap_or((Findings::Sarif, typed));
    if path.is_empty() {
        Err("write DIR, or FORMAT=DIR, such as json=reports".to_owned())
    } else {
        Ok(OutputDir { format, path: path.into() })
    }
}

impl OutputDir {
    /// Empty reports for `images`.
    ///
    /// # Errors
    /// Two images would have one file.
    pub fn reports(self, images: &[String], style: Style) -> Result<Reports> {
        let mut reports = Reports { style, output: self, files: BTreeMap::new() };
        for image in images {
            reports.file(image)?;
        }
        Ok(reports)
    }

    fn file(&self, image: &str) -> PathBuf {
        self.path.join(format!("{}.{}", file_name(image), extension(self.format)))
    }
}

impl Reports {
    /// Where they are written to.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.values().map(|file| file.path.as_path())
    }

    /// Lets `write` add to the report of `image`.
    ///
    /// # Errors
    /// Another image has that file.
    pub fn add(&mut self, image: &str, write: impl FnOnce(&mut Report) -> String) -> Result<()> {
        let file = self.file(image)?;
        let text = write(&mut file.report);
        file.text.push_str(&text);
        Ok(())
    }

    fn file(&mut self, image: &str) -> Result<&mut File> {
        let path = self.output.file(image);
        let other = self.files.iter().find(|(other, file)| file.path == path && *other != image);
        if let Some((other, _)) = other {
            let what = format!("two images have one report: `{other}` and `{image}` go to `{}`", path.display());
            let help = "readers would take them for one image; lint them one after the other, into two directories";
            return Err(Complaint::new(what).help(help));
        }
        let report = || Report::new(self.output.format.into(), self.style);
        Ok(self.files.entry(image.to_owned()).or_insert_with(|| File { path, report: report(), text: String::new() }))
    }

    /// Writes all.
    ///
    /// # Errors
    /// Something could not be written.
    pub fn write(&self) -> Result<()> {
        let directory = &self.output.path;
        fs::create_dir_all(directory).map_err(|error| unmakable(directory, &error))?;
        self.files
            .values()
            .try_for_each(|file| target::write(&file.path, &format!("{}{}", file.text, file.report.finish())))
    }
}

fn unmakable(directory: &Path, error: &io::Error) -> Complaint {
    Complaint::new(format!("could not make the directory `{}`: {error}", directory.display()))
}

fn extension(format: Findings) -> &'static str {
    match format {
        Findings::Text | Findings::Github => "txt",
        Findings::Json | Findings::Gitlab => "json",
        Findings::Sarif => "sarif",
        Findings::Junit => "xml",
        Findings::Markdown => "md",
    }
}

/// The image's name as a file's: letters, digits, `.`, `_` and `-`; what is too long, or hidden by its first dot, is
/// made another name.
fn file_name(image: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = typed_name(image).chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() || name.len() > NAME_MAX {
        let hash: String = Sha256::digest(image).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return format!("{}{hash}", name.get(..NAME_MAX / 2).unwrap_or("image-"));
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_no_way_out() {
        for (image, name) in [
            ("myapp:latest", "myapp"),
            ("registry.example:5000/team/app@sha256:00", "registry.example_5000_team_app"),
            ("../../etc/passwd", "etc_passwd"),
            ("oci:.hidden:v1", "hidden"),
            ("/tmp/x/image.tar", "image.tar"),
            ("-", "stdin"),
            ("a b/\u{1b}é\n", "a_b____"),
        ] {
            assert_eq!(file_name(image), name, "{image:?}");
        }
        assert!(file_name("...").starts_with("image"));
        let (one, other) = (file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
        assert!(one != other && one.len() <= NAME_MAX);
    }

    #[test]
    fn a_directory_may_have_any_name() {
        let of = |typed| parse(typed).map(|dir| (dir.format, dir.path));
        assert_eq!(of("out"), Ok((Findings::Sarif, "out".into())));
        assert_eq!(of("junit=out"), Ok((Findings::Junit, "out".into())));
        assert_eq!(of("a=b"), Ok((Findings::Sarif, "a=b".into())));
        assert!(of("").is_err() && of("json=").is_err());
    }
}
