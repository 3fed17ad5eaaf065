//! USER names nobody.

use crate::finding::{Field, Finding, Place};
use crate::launch::{Cause, UserError};
use crate::rule::{Explanation, Rule, Subject, paste, quote};

/// See `rules/user-not-found.md`.
pub const RULE: Rule = Rule { name: "user-not-found", document: include_str!("../../rules/user-not-found.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        if let Cause::NoSuchUser { wrapper, error } = trouble.cause {
            return wrapped(wrapper, error);
        }
        let Cause::User(error) = trouble.cause else { return Explanation::default() };
        let user = &trouble.launch.process.user;
        let place = Place::Config { field: Field::User, index: None };
        explain(user, error).at(Some(place))
    })
}

fn explain(user: &str, error: &UserError) -> Explanation {
    match error {
        UserError::UnknownUser { name, passwd } => {
            let where_ = if *passwd {
                "which is not in the image's `/etc/passwd`"
            } else {
                "but the image has no `/etc/passwd`"
            };
            let shown = name.trim();
            let odd = if shown == name { "" } else { "; mind the blank or carriage return in it" };
            let explanation = Explanation::new(
                format!("USER names {}, {where_}", quote(name)),
                format!("add the user, or name it by number, which need not be in `/etc/passwd`{odd}"),
            );
            by_number(explanation, shown, *passwd)
        }
        UserError::UnknownGroup { name, group } => {
            let where_ =
                if *group { "which is not in the image's `/etc/group`" } else { "but the image has no `/etc/group`" };
            Explanation::new(
                format!("USER names the group {}, {where_}", quote(name)),
                "add the group, or name it by number, which need not be in `/etc/group`",
            )
            .fix_if("by number", by_group_number(user))
            .fix_if("add the group (Debian, Ubuntu)", with_name("RUN groupadd --system", name.trim()))
            .fix_if("add the group (Alpine)", with_name("RUN addgroup -S", name.trim()))
        }
        UserError::OutOfRange(number) => Explanation::new(
            format!("USER names the number {}, which is outside 0 to 2147483647", quote(number)),
            "take a number in that range",
        )
        .fix("a number in the range", "USER 10001:10001"),
        UserError::TooManyParts(text) => Explanation::new(
            format!("USER is {}, with more than one colon", quote(text)),
            "write `USER user` or `USER user:group`",
        ),
    }
}

/// `gosu ghost app`.
fn wrapped(wrapper: &[u8], error: &UserError) -> Explanation {
    let (what, file) = match error {
        UserError::UnknownUser { name, .. } => (format!("the user {}", quote(name)), "/etc/passwd"),
        UserError::UnknownGroup { name, .. } => (format!("the group {}", quote(name)), "/etc/group"),
        UserError::OutOfRange(text) | UserError::TooManyParts(text) => {
            (format!("the user {}", quote(text)), "/etc/passwd")
        }
    };
    let message = format!("{} is to become {what}, which is not in the image's `{file}`", quote(wrapper));
    Explanation::new(message, "add the user and the group to the image")
}

/// The user as it is, with a group that needs no name.
fn by_group_number(user: &str) -> Option<String> {
    let user = user.split(':').next().filter(|user| !user.is_empty()).unwrap_or("0");
    paste::is_plain(user).then(|| format!("USER {user}:10001"))
}

/// `command` with a name that useradd(8) takes.
fn with_name(command: &str, name: &str) -> Option<String> {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c));
    (first && rest).then(|| format!("{command} {name}"))
}

fn by_number(explanation: Explanation, name: &str, passwd: bool) -> Explanation {
    let number = if name == "root" { "0:0" } else { "10001:10001" };
    let explanation = explanation.fix("by number", format!("USER {number}"));
    match passwd {
        true => explanation
            .fix_if("add the user (Debian, Ubuntu)", with_name("RUN useradd --system --uid 10001", name))
            .fix_if("add the user (Alpine)", with_name("RUN adduser -S -u 10001", name)),
        false => explanation.fix("bring the user along", "COPY --from=build /etc/passwd /etc/group /etc/"),
    }
}
