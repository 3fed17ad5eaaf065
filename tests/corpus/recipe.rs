//! What the Dockerfile around a script says, read simply: the last ENTRYPOINT, CMD, USER and WORKDIR, every ENV, and what
//! COPY and ADD take from the context. Stages and build arguments are not told apart.

use std::collections::BTreeMap;

/// What bases set.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The reading.
#[derive(Default)]
pub struct Recipe {
    /// ENTRYPOINT
    pub entrypoint: Vec<String>,
    /// CMD
    pub cmd: Vec<String>,
    /// ENV
    pub env: BTreeMap<String, String>,
    /// USER
    pub user: String,
    /// WORKDIR
    pub workdir: String,
    /// Sources and target of each COPY and ADD that takes from the context.
    pub copies: Vec<(Vec<String>, String)>,
    /// All of its text, for guesses at the distribution.
    pub text: String,
    arguments: BTreeMap<String, String>,
}

/// Words of shell form or of `a=b "c d"`, quotes removed.
fn words(text: &str) -> Vec<String> {
    let (mut out, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(c), true),
            (None | Some('"'), '\\') => word.extend(chars.next()),
            (None, c) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        out.push(word);
    }
    out
}

/// Instructions, their lines joined.
fn instructions(text: &str) -> Vec<String> {
    let (mut out, mut joined) = (Vec::new(), String::new());
    let mut here: Option<String> = None;
    for line in text.lines() {
        if let Some(end) = &here {
            if line.trim() == end {
                here = None;
            }
            continue;
        }
        if line.trim_start().starts_with('#') || (joined.is_empty() && line.trim().is_empty()) {
            continue;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(head) => joined.push_str(&format!("{head} ")),
            None => {
                joined.push_str(line.trim_end());
                let end = joined.split_once("<<").map(|(_, e)| e.split_whitespace().next().unwrap_or_default());
                here = end.map(|e| e.trim_matches(['-', '"', '\'']).to_owned()).filter(|e| !e.is_empty());
                out.push(std::mem::take(&mut joined));
            }
        }
    }
    out
}

impl Recipe {
    /// Reads a Dockerfile.
    pub fn read(text: &str) -> Self {
        let mut recipe = Recipe { text: text.to_owned(), ..Recipe::default() };
        recipe.env.insert("PATH".into(), PATH.into());
        for line in instructions(text) {
            let line = line.trim_start();
            let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            recipe.instruction(&name.to_uppercase(), rest.trim());
        }
        recipe
    }

    fn instruction(&mut self, name: &str, rest: &str) {
        match name {
            "FROM" => (self.entrypoint, self.cmd, self.user) = Default::default(),
            "ENTRYPOINT" => (self.entrypoint, self.cmd) = (self.command(rest), Vec::new()),
            "CMD" => self.cmd = self.command(rest),
            "USER" => self.user = words(&self.expand(rest)).concat(),
            "WORKDIR" => {
                let next = self.expand(rest);
                self.workdir = if next.starts_with('/') { next } else { format!("{}/{next}", self.workdir) };
            }
            "ARG" => {
                if let Some((name, value)) = rest.split_once('=') {
                    let value = words(&self.expand(value)).join(" ");
                    self.arguments.insert(name.to_owned(), value);
                }
            }
            "ENV" => self.set(rest),
            "COPY" | "ADD" => self.copy(rest),
            _ => {}
        }
    }

    fn set(&mut self, rest: &str) {
        let first = rest.split_whitespace().next().unwrap_or_default();
        if !first.contains('=') {
            let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let value = words(&self.expand(value)).join(" ");
            self.env.insert(name.to_owned(), value);
            return;
        }
        for word in words(rest) {
            if let Some((name, value)) = word.split_once('=') {
                let value = self.expand(value);
                self.env.insert(name.to_owned(), value);
            }
        }
    }

    fn copy(&mut self, rest: &str) {
        if rest.contains("--from=") || rest.contains("<<") {
            return;
        }
        let mut rest = rest;
        while let Some(flag) = rest.strip_prefix("--") {
            rest = flag.split_once(char::is_whitespace).map_or("", |(_, r)| r.trim_start());
        }
        let rest = self.expand(rest);
        let mut words = serde_json::from_str::<Vec<String>>(&rest).unwrap_or_else(|_| words(&rest));
        let Some(target) = words.pop() else { return };
        let target = if target.starts_with('/') { target } else { format!("{}/{target}", self.workdir) };
        self.copies.push((words, target));
    }

    /// Exec form if it is a JSON array of strings, else shell form.
    fn command(&self, rest: &str) -> Vec<String> {
        let shell = |rest: &str| vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()];
        serde_json::from_str::<Vec<String>>(rest).unwrap_or_else(|_| shell(rest))
    }

    fn expand(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            let (name, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
                Some(pair) => pair,
                None => after.split_at(after.find(end).unwrap_or(after.len())),
            };
            let (name, otherwise) = name.split_once(":-").unwrap_or((name, ""));
            out.push_str(self.env.get(name).or(self.arguments.get(name)).map_or(otherwise, String::as_str));
            rest = tail;
        }
        out + rest
    }
}
