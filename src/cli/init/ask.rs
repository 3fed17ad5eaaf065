//! Questions on a terminal, where no flag has answered them.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use super::part::Part;
use crate::cli::output::{Complaint, Result};

/// Whether somebody is there to be asked.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for each part.
pub fn parts(top: &Path) -> Result<Vec<Part>> {
    asked(top, &mut io::stdin().lock(), &mut io::stderr().lock())
        .map_err(|e| Complaint::new(format!("could not ask: {e}")))
}

fn asked(top: &Path, answers: &mut impl BufRead, questions: &mut impl Write) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    for part in Part::ALL {
        let usual = fits(part, top);
        write!(questions, "{} [{}] ", question(part), if usual { "Y/n" } else { "y/N" })?;
        questions.flush()?;
        let mut answer = String::new();
        if answers.read_line(&mut answer)? == 0 {
            writeln!(questions)?;
            return Ok(Vec::new());
        }
        if is_yes(&answer, usual) {
            parts.push(part);
        }
    }
    Ok(parts)
}

fn question(part: Part) -> &'static str {
    match part {
        Part::Config => "A configuration, imagelint.toml?",
        Part::Hook => "A hook, so that git refuses to push a Dockerfile with a defect?",
        Part::Github => "A workflow for GitHub Actions?",
        Part::Gitlab => "A job for GitLab CI?",
    }
}

/// What most people would answer here.
fn fits(part: Part, top: &Path) -> bool {
    match part {
        Part::Config | Part::Hook => true,
        Part::Github => top.join(".github").is_dir(),
        Part::Gitlab => top.join(".gitlab").is_dir() || top.join(".gitlab-ci.yml").is_file(),
    }
}

fn is_yes(answer: &str, usual: bool) -> bool {
    match answer.trim().to_lowercase().as_str() {
        "" => usual,
        answer => answer == "y" || answer == "yes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(top: &Path, answers: &str) -> (Vec<Part>, String) {
        let mut questions = Vec::new();
        let parts = asked(top, &mut answers.as_bytes(), &mut questions).unwrap();
        (parts, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn what_is_answered_is_written() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join(".github")).unwrap();
        for (answers, parts) in [
            ("\n\n\n\n", &[Part::Config, Part::Hook, Part::Github][..]),
            ("n\nYES\nno\ny\n", &[Part::Hook, Part::Gitlab]),
            ("what\n\nn\n\n", &[Part::Hook]),
            ("y\ny\n", &[]), // the terminal is gone: nothing is decided
        ] {
            assert_eq!(answered(scratch.path(), answers).0, parts, "{answers:?}");
        }
        let (_, questions) = answered(scratch.path(), "\n\n\n\n");
        assert_eq!((questions.matches("[Y/n]").count(), questions.matches("[y/N]").count()), (3, 1));
    }
}
