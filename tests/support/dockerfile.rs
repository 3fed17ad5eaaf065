//! The subset of the Dockerfile language that fixtures and examples use; anything else is an error, so that a
//! fixture never means something else to a real builder.

use std::collections::BTreeMap;

/// An instruction, with the texts of its here-documents by name.
#[derive(Debug)]
pub struct Instruction {
    pub name: String,
    /// Everything after the name, continuation lines joined.
    pub rest: String,
    pub heredocs: BTreeMap<String, String>,
}

/// Splits a Dockerfile into instructions.
pub fn parse(text: &str) -> Result<Vec<Instruction>, String> {
    let mut lines = text.split('\n');
    let mut out = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let mut line = line.trim_end().to_owned();
        while let Some(head) = line.strip_suffix('\\') {
            line = format!("{head}{}", lines.next().ok_or("a continuation at the end")?.trim_end());
        }
        let (name, rest) = line.trim_start().split_once(char::is_whitespace).unwrap_or((&line, ""));
        let mut heredocs = BTreeMap::new();
        for word in rest.split_whitespace().filter_map(|w| w.strip_prefix("<<")) {
            if name.eq_ignore_ascii_case("COPY") {
                heredocs.insert(word.trim_matches(['\'', '"']).to_owned(), body(&mut lines, word)?);
            }
        }
        out.push(Instruction { name: name.to_uppercase(), rest: rest.trim().to_owned(), heredocs });
    }
    Ok(out)
}

fn body<'a>(lines: &mut impl Iterator<Item = &'a str>, word: &str) -> Result<String, String> {
    let end = word.trim_matches(['\'', '"']);
    let mut text = String::new();
    for line in lines.by_ref() {
        if line == end {
            // Without quotes around its name a builder expands variables in a here-document.
            if end == word && text.contains('$') {
                return Err(format!("<<{word} holds `$`: write <<'{word}'"));
            }
            return Ok(text);
        }
        text.push_str(line);
        text.push('\n');
    }
    Err(format!("<<{word} does not end"))
}

/// `--name=value` flags in front, and what follows.
pub fn flags(rest: &str) -> (BTreeMap<&str, &str>, &str) {
    let (mut flags, mut rest) = (BTreeMap::new(), rest);
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, tail) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.insert(name, value);
        rest = tail.trim_start();
    }
    (flags, rest)
}

/// Exec form if it is a JSON array of strings, else shell form.
pub fn command(rest: &str, shell: &[String]) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => words,
        Err(_) => shell.iter().cloned().chain([rest.to_owned()]).collect(),
    }
}

/// `A=b C="d e"`, or the old `A b`; `$NAME` is replaced by what `known` has.
pub fn assignments(rest: &str, known: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    let first = rest.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        let (name, value) = rest.split_once(' ').ok_or("ENV without a value")?;
        return Ok(vec![(name.to_owned(), expand(value.trim(), known))]);
    }
    words(rest)
        .into_iter()
        .map(|(word, literal)| {
            let (name, value) = word.split_once('=').ok_or(format!("`{word}` has no ="))?;
            let value = if literal { value.to_owned() } else { expand(value, known) };
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// Words, and whether single quotes keep them as they are.
fn words(text: &str) -> Vec<(String, bool)> {
    let (mut out, mut word, mut quote, mut literal) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                literal |= c == '\'';
            }
            (None, ' ' | '\t') if !word.is_empty() => {
                out.push((std::mem::take(&mut word), std::mem::take(&mut literal)))
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        out.push((word, literal));
    }
    out
}

/// Replaces `$NAME` and `${NAME}`.
pub fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some(pair) => pair,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        out.push_str(known.get(name).map_or("", String::as_str));
        rest = tail;
    }
    out + rest
}
