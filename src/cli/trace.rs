//! `imagelint trace`: how an image starts.

use clap::Args;
use imagelint::lint::Lint;
use imagelint::report::trace::Trace;
use imagelint::report::{Style, tree};

use super::options::{Format, Look, Looked, Show};
use super::output::{self, Result};
use super::{Exit, target};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    pub(super) show: Show<Format>,
}

/// Follows every image and writes what was found.
pub fn run(typed: Typed) -> Result<Exit> {
    let Typed { look, show } = typed;
    let style = output::style(show.color, show.detail());
    let plain = Style { detail: show.detail(), ..Style::PLAIN };
    let (mut files, mut gap) = (vec![String::new(); show.report.len()], "");
    target::check(show.report.iter().map(|file| file.path.as_path()), &look.images()?)?;
    let exit = look.each(&[], &show, |looked| {
        // An object a line is a launch, so that of the others only standard error tells.
        let Ok(Looked { lint, .. }) = looked else { return Ok(Exit::CouldNotLook) };
        output::print(&written(lint, show.format, &style, gap))?;
        for (file, text) in show.report.iter().zip(&mut files) {
            text.push_str(&written(lint, file.format, &plain, gap));
        }
        gap = "\n";
        Ok(Exit::Clean)
    })?;
    for (file, text) in show.report.iter().zip(&files) {
        target::write(&file.path, text)?;
    }
    Ok(exit)
}

fn written(lint: &Lint, format: Format, style: &Style, gap: &str) -> String {
    match format {
        Format::Text => format!("{gap}{}", tree::write(&lint.subject(), style)),
        Format::Json => Trace::of(&lint.subject()).line(),
    }
}
