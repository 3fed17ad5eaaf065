//! Patterns in `${name#pattern}` and its kind: `*` and `?`, no brackets (`convertShellPatternToRegex`).

enum Item {
    Star,
    Any,
    Char(char),
}

/// Patterns of values longer than this are not tried: the time grows with the product.
const MAX_LENGTH: usize = 1 << 14;

/// Comparisons that a replacement may take.
const MAX_WORK: usize = 1 << 26;

fn items(pattern: &str) -> Result<Vec<Item>, String> {
    let (mut items, mut chars) = (Vec::new(), pattern.chars().peekable());
    while let Some(c) = chars.next() {
        items.push(match c {
            '*' => Item::Star,
            '?' => Item::Any,
            '\\' if matches!(chars.peek(), Some('}' | '/')) => continue,
            '\\' => match chars.next() {
                Some(c @ ('*' | '?' | '\\')) => Item::Char(c),
                other => {
                    let shown = other.map(String::from).unwrap_or_default();
                    return Err(format!("invalid pattern ({pattern}) in substitution: invalid escape '\\{shown}'"));
                }
            },
            c => Item::Char(c),
        });
    }
    Ok(items)
}

/// How many characters at the start of `text` match: the fewest, or the most.
fn matched(items: &[Item], text: &[char], most: bool) -> Option<usize> {
    // where a match of the items so far may end
    let mut ends = vec![false; text.len() + 1];
    *ends.first_mut()? = true;
    for item in items {
        let mut next = vec![false; ends.len()];
        let mut open = false;
        for (at, is_end) in ends.iter().enumerate() {
            open |= is_end;
            match item {
                Item::Star => {
                    if let Some(slot) = next.get_mut(at) {
                        *slot = open;
                    }
                    open &= text.get(at) != Some(&'\n');
                }
                Item::Any | Item::Char(_) => {
                    let c = text.get(at);
                    let fits = match item {
                        Item::Char(wanted) => c == Some(wanted),
                        _ => c.is_some_and(|c| *c != '\n'),
                    };
                    if let Some(slot) = next.get_mut(at + 1).filter(|_| *is_end && fits) {
                        *slot = true;
                    }
                }
            }
        }
        ends = next;
    }
    if most { ends.iter().rposition(|end| *end) } else { ends.iter().position(|end| *end) }
}

fn chars(value: &str) -> Result<Vec<char>, String> {
    if value.len() > MAX_LENGTH {
        return Err("a value is too long for a pattern".to_owned());
    }
    Ok(value.chars().collect())
}

/// `${name#word}`, or `${name##…}` if the word begins with `#`.
pub fn cut_start(word: &str, value: &str) -> Result<String, String> {
    let (word, most) = word.strip_prefix('#').map_or((word, false), |rest| (rest, true));
    let text = chars(value)?;
    let cut = matched(&items(word)?, &text, most).unwrap_or(0);
    Ok(text.into_iter().skip(cut).collect())
}

/// `${name%word}`, or `${name%%…}` if the word begins with `%`.
pub fn cut_end(word: &str, value: &str) -> Result<String, String> {
    let (word, most) = word.strip_prefix('%').map_or((word, false), |rest| (rest, true));
    let mut items = items(word)?;
    items.reverse();
    let text: Vec<char> = chars(value)?.into_iter().rev().collect();
    let cut = matched(&items, &text, most).unwrap_or(0);
    Ok(text.into_iter().skip(cut).collect::<Vec<_>>().into_iter().rev().collect())
}

/// `${name/pattern/with}`, or all of them; the longest match at each place.
pub fn replace(pattern: &str, value: &str, with: &str, all: bool) -> Result<String, String> {
    let (items, text) = (items(pattern)?, chars(value)?);
    if items.len().saturating_mul(text.len()).saturating_mul(text.len()) > MAX_WORK {
        return Err("a value is too long for a pattern".to_owned());
    }
    let (mut result, mut at) = (String::new(), 0);
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or_default();
        match matched(&items, rest, true) {
            Some(length) => {
                result.push_str(with);
                at += length;
                if !all {
                    break;
                }
                if length == 0 {
                    result.extend(text.get(at));
                    at += 1;
                }
            }
            None => {
                result.extend(rest.first());
                at += 1;
            }
        }
    }
    result.extend(text.get(at..).unwrap_or_default());
    Ok(result)
}
