//! The ignores of `imagelint.toml`.

use super::date::Date;
use super::ignores::{Notice, Use};
use super::settings::{Config, Ignore};
use crate::finding::{Finding, Place, Position};

/// The ignores, and which of them were of use.
#[derive(Debug, Default)]
pub(super) struct Configured {
    name: String,
    valid: Vec<(Ignore, Use)>,
    expired: Vec<(Ignore, Date)>,
}

impl Configured {
    pub fn new(config: &Config, today: Date) -> Self {
        let mut configured = Configured { name: config.name.clone(), ..Configured::default() };
        for ignore in &config.ignores {
            match ignore.until {
                Some(until) if until < today => configured.expired.push((ignore.clone(), until)),
                _ => configured.valid.push((ignore.clone(), Use::Untried)),
            }
        }
        configured
    }

    /// Notes that the image was looked at with these rules.
    pub fn look(&mut self, reference: &str, rules: &[&str]) {
        let of_image = |ignore: &Ignore| ignore.image.as_ref().is_none_or(|image| image.matches_image(reference));
        for (ignore, used) in &mut self.valid {
            if rules.contains(&ignore.rule) && of_image(ignore) {
                used.tried();
            }
        }
    }

    /// Why the finding is not to be told.
    pub fn reason(&mut self, finding: &Finding, reference: &str) -> Option<String> {
        let mut reason = None;
        for (ignore, used) in self.valid.iter_mut().filter(|(ignore, _)| matches(ignore, finding, reference)) {
            *used = Use::Used;
            reason.get_or_insert_with(|| ignore.reason.clone());
        }
        reason
    }

    /// What is of no use; `complete` if all images were looked at that were asked for.
    pub fn notices(&self, complete: bool) -> impl Iterator<Item = Notice> {
        let place = |ignore: &Ignore| {
            let Position { line, column } = ignore.at;
            format!("{}:{line}:{column}", self.name)
        };
        let expired = self.expired.iter().map(move |(ignore, until)| {
            Notice::new(&place(ignore), &format!("the ignore of `{}` expired after {until}", ignore.rule))
                .help("mend what it is about, or give it a later day")
        });
        let unused = self.valid.iter().filter(move |(_, used)| complete && *used == Use::Unused);
        expired.chain(unused.map(move |(ignore, _)| {
            let notice = Notice::new(&place(ignore), &format!("the ignore of `{}` matches nothing", ignore.rule));
            match ignore.image {
                Some(_) => notice.help("remove it"),
                None => notice.help("remove it; if it is for another image, name that with `image`"),
            }
        }))
    }
}

fn matches(ignore: &Ignore, finding: &Finding, reference: &str) -> bool {
    let Ignore { rule, path, image, .. } = ignore;
    *rule == finding.rule
        && image.as_ref().is_none_or(|image| image.matches_image(reference))
        && path.as_ref().is_none_or(|path| paths(finding).any(|of| path.matches_path(of)))
}

/// The files that a finding is about: in the image, and in the repository.
fn paths(finding: &Finding) -> impl Iterator<Item = &[u8]> {
    let image = match &finding.place {
        Place::File { path, .. } => Some(path.as_slice()),
        Place::Config { .. } | Place::Layer { .. } => None,
    };
    let sources = [&finding.blame.source, &finding.blame.instruction];
    image.into_iter().chain(sources.into_iter().flatten().map(|source| source.file.path.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ignores::tests::{finding, in_file, mended_in};
    use crate::config::parse::parse;

    fn configured(text: &str) -> Configured {
        let text: String = text.split('|').map(|ignore| format!("[[ignore]]\nreason = 'x'\n{ignore}\n")).collect();
        Configured::new(&parse(&text, "f").unwrap(), Date::today())
    }

    fn notices(configured: &Configured, complete: bool) -> Vec<String> {
        configured.notices(complete).map(|notice| format!("{}: {}", notice.place, notice.message)).collect()
    }

    #[test]
    fn rule_image_and_path_must_all_match() {
        let entry = in_file("no-reaper", "/opt/vendor/entry.sh");
        let source = mended_in("no-reaper", "docker/entry.sh");
        for (ignore, finding, matches) in [
            ("rule = 'no-reaper'", &finding("no-reaper"), true),
            ("rule = 'no-reaper'", &finding("missing-exec"), false),
            ("rule = 'no-reaper'\nimage = 'app'", &finding("no-reaper"), true),
            ("rule = 'no-reaper'\nimage = 'web'", &finding("no-reaper"), false),
            ("rule = 'no-reaper'\npath = '/opt/vendor/**'", &entry, true),
            ("rule = 'no-reaper'\npath = '/opt/*'", &entry, false),
            ("rule = 'no-reaper'\npath = '/opt/vendor/**'\nimage = 'web'", &entry, false),
            ("rule = 'no-reaper'\npath = '**'", &finding("no-reaper"), false),
            ("rule = 'no-reaper'\npath = 'docker/*.sh'", &source, true),
            ("rule = 'no-reaper'\nuntil = 9999-12-31", &entry, true),
            ("rule = 'no-reaper'\nuntil = 2026-01-31", &entry, false),
        ] {
            assert_eq!(configured(ignore).reason(finding, "app:1").is_some(), matches, "{ignore}");
        }
    }

    #[test]
    fn an_ignore_is_unused_only_where_it_could_have_been_of_use() {
        let text = "rule = 'no-reaper'|rule = 'no-reaper'\nimage = 'web'|rule = 'missing-exec'|\
                    rule = 'not-executable'|rule = 'no-reaper'\nuntil = 2026-01-31";
        let mut configured = configured(text);
        configured.look("app", &["no-reaper", "not-executable"]);
        assert!(configured.reason(&finding("not-executable"), "app").is_some());
        let expired = "f:16:8: the ignore of `no-reaper` expired after 2026-01-31";
        let unused = "f:3:8: the ignore of `no-reaper` matches nothing";
        assert_eq!(notices(&configured, true), [expired, unused]);
        assert_eq!(notices(&configured, false), [expired]);
        configured.look("web", &["no-reaper"]);
        assert!(configured.reason(&finding("no-reaper"), "web").is_some());
        assert_eq!(notices(&configured, true), [expired]);
    }

    #[test]
    fn the_last_day_counts() {
        let config = parse("[[ignore]]\nreason = 'x'\nrule = 'no-reaper'\nuntil = 2026-11-22", "f").unwrap();
        let on = |year, month, day| {
            let today = toml::value::Date { year, month, day }.into();
            Configured::new(&config, today).reason(&finding("no-reaper"), "app").is_some()
        };
        assert!(on(2026, 11, 21) && on(2026, 11, 22) && !on(2026, 11, 23) && !on(2027, 1, 1));
    }
}
