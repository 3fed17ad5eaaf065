//! Names that someone who mistyped may have meant.

use imagelint::rule::Rule;
use imagelint::rules::RULES;

use super::output::{Complaint, Result};

/// The rule of that name.
pub fn rule(name: &str) -> Result<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name).ok_or_else(|| unknown(name))
}

/// The error for a name that no rule has.
pub fn unknown(name: &str) -> Complaint {
    let near = nearest(name, RULES.iter().map(|rule| rule.name));
    let help = match near.as_slice() {
        [] => "`imagelint rules` lists all rules".to_owned(),
        near => format!("did you mean {}? `imagelint rules` lists all rules", near.join(" or ")),
    };
    Complaint::new(format!("there is no rule `{name}`")).help(help)
}

/// Up to three of `names` that are like `name`, the likest first.
fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut near: Vec<_> = names.map(|n| (distance(name, n), n)).collect();
    near.retain(|(distance, n)| *distance <= n.len() / 3 || (name.len() >= 4 && n.contains(name)));
    near.sort();
    near.into_iter().take(3).map(|(_, n)| format!("`{n}`")).collect()
}

/// How many characters must be inserted, removed or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, d) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("é", "e", 1)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn what_was_meant() {
        let names = ["not-executable", "path-not-found", "command-not-found", "missing-shebang"];
        assert_eq!(nearest("comand-not-found", names.into_iter()), ["`command-not-found`"]);
        assert_eq!(nearest("shebang", names.into_iter()), ["`missing-shebang`"]);
        assert!(nearest("zzz", names.into_iter()).is_empty());
    }
}
