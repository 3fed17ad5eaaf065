//! Which rules are not to be told, and why, as comments and labels say it.

use super::ignores::Notice;

/// The most rules that are taken from one list.
const MOST: usize = 100;

/// What was said, and what of it cannot be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The rules; none without a reason.
    pub rules: Vec<&'static str>,
    /// Why.
    pub reason: String,
    /// What is wrong, and what to do about it.
    pub broken: Vec<(String, String)>,
}

impl Words {
    /// Of a list of names and a reason; `form` is how they are written.
    pub fn new(list: &str, reason: &str, form: &str) -> Self {
        let mut words = Words { reason: reason.trim().to_owned(), ..Words::default() };
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).take(MOST).collect();
        for name in &names {
            match super::rule(name) {
                Ok(rule) => words.rules.push(rule),
                Err(help) => words.broken.push((format!("there is no rule `{name}` to ignore"), help)),
            }
        }
        if names.is_empty() {
            words.broken.push(("this ignore names no rule".to_owned(), format!("write {form}")));
        } else if words.reason.is_empty() {
            words.rules.clear();
            words.broken.push(("this ignore gives no reason and is void".to_owned(), format!("write {form}")));
        }
        words
    }

    /// What cannot be understood at all.
    pub fn broken(message: impl Into<String>, help: impl Into<String>) -> Self {
        Words { broken: vec![(message.into(), help.into())], ..Words::default() }
    }

    /// What is wrong, as said of `place`.
    pub fn notices(&self, place: &str) -> impl Iterator<Item = Notice> {
        self.broken.iter().map(move |(message, help)| Notice::new(place, message).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn a_reason_and_known_rules_are_required() {
        let said = |list, reason| {
            let words = Words::new(list, reason, "FORM");
            let broken: Vec<_> = words.broken.into_iter().map(|(message, help)| format!("{message}; {help}")).collect();
            (words.rules, broken.join("\n"))
        };
        assert_eq!(said("no-reaper, missing-exec", " x "), (vec!["no-reaper", "missing-exec"], String::new()));
        assert_eq!(said("no-reaper", " "), (vec![], "this ignore gives no reason and is void; write FORM".to_owned()));
        assert_eq!(said(" , ", "x"), (vec![], "this ignore names no rule; write FORM".to_owned()));
        let (rules, broken) = said("no-reaper,mising-exec", "x");
        assert_eq!(rules, ["no-reaper"]);
        assert!(broken.contains("`mising-exec`") && broken.contains("did you mean `missing-exec`?"), "{broken}");
    }
}
