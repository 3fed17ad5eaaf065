//! Names that someone who mistyped may have meant.

/// The longest name of which it is asked; nobody mistypes a longer one, and the question takes its square.
const LONGEST: usize = 80;

/// `did you mean `x` or `y`?`, if something is like `name`.
pub fn question<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near: Vec<_> = nearest(name, names).iter().map(|name| format!("`{name}`")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// Up to three of `names` that are like `name`, the likest first.
pub fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let mut near: Vec<_> = names.into_iter().map(|n| (distance(name, n), n)).collect();
    near.retain(|(distance, n)| *distance <= n.len() / 3 || (name.len() >= 4 && n.contains(name)));
    near.sort();
    near.into_iter().take(3).map(|(_, n)| n).collect()
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
        assert_eq!(nearest("comand-not-found", names), ["command-not-found"]);
        assert_eq!(nearest("shebang", names), ["missing-shebang"]);
        assert!(nearest("zzz", names).is_empty());
        assert!(nearest(&"x".repeat(1 << 20), names).is_empty());
        assert_eq!(question("shebang", names).as_deref(), Some("did you mean `missing-shebang`?"));
    }
}
