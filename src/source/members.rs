//! The members of an archive by name, links among them followed.
//!
//! `docker save` before version 25 stores a layer that two images share once, and a symbolic link
//! `../<id>/layer.tar` in its other places.

use std::collections::HashMap;

/// More hops than any archive has; a loop ends here.
const HOPS: usize = 40;

/// Members by cleaned name; a later member of the same name replaces an earlier one, as unpacking would.
#[derive(Debug)]
pub struct Members<T> {
    by_name: HashMap<String, Node<T>>,
}

#[derive(Debug)]
enum Node<T> {
    Is(T),
    Link(String),
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Members { by_name: HashMap::new() }
    }
}

impl<T> Members<T> {
    /// Adds a file.
    pub fn insert(&mut self, name: &str, value: T) {
        self.by_name.insert(clean(name), Node::Is(value));
    }

    /// Adds a symbolic link; its target counts from the directory it is in.
    pub fn symlink(&mut self, name: &str, target: &str) {
        let name = clean(name);
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        let target = if target.starts_with('/') { clean(target) } else { clean(&format!("{parent}/{target}")) };
        self.by_name.insert(name, Node::Link(target));
    }

    /// Adds a hard link; its target counts from the archive's root.
    pub fn hardlink(&mut self, name: &str, target: &str) {
        self.by_name.insert(clean(name), Node::Link(clean(target)));
    }

    /// The file of that name, through links.
    pub fn get(&self, name: &str) -> Option<&T> {
        let mut name = clean(name);
        for _ in 0..HOPS {
            match self.by_name.get(&name)? {
                Node::Is(value) => return Some(value),
                Node::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// All files by all their names, links among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.by_name.keys().filter_map(|name| Some((name.as_str(), self.get(name)?)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// `./a//b/../c` is `a/c`; `..` at the root stays there. For names inside archives, where no directory is a link.
pub fn clean(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (name, cleaned) in [("./a", "a"), ("/a//b", "a/b"), ("a/../../b", "b"), ("", ""), ("a/./b/", "a/b")] {
            assert_eq!(clean(name), cleaned);
        }
    }

    #[test]
    fn links_are_followed_and_loops_end() {
        let mut members = Members::default();
        members.insert("./one/layer.tar", 1);
        members.symlink("two/layer.tar", "../one/layer.tar");
        members.hardlink("three/layer.tar", "two/layer.tar");
        members.symlink("a", "b");
        members.symlink("b", "a");
        members.symlink("out", "../../../one/layer.tar");
        assert_eq!(members.get("three/layer.tar"), Some(&1));
        assert_eq!(members.get("out"), Some(&1));
        assert_eq!(members.get("a"), None);
        assert_eq!(members.get("none"), None);
    }
}
