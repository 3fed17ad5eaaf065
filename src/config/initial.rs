//! What a new `imagelint.toml` says.

/// Where editors find the schema.
pub(super) const SCHEMA_URL: &str =
    "https://raw.githubusercontent.com/imagelint/imagelint/main/docs/imagelint.schema.json";

/// The text of a new `imagelint.toml`, which changes nothing and shows what can be said.
pub fn initial() -> String {
    format!("#:schema {SCHEMA_URL}\n{TEXT}")
}

const TEXT: &str = r#"# What imagelint is to make of its findings here. `imagelint rules` lists the rules.

# the mildest finding that makes the exit code 1: "error", "warning", "note" or "never"
fail-on = "warning"

# how bad the findings of a rule are: "error", "warning", "note" or "off"
[rules]
# shell-form-command = "note"

# findings that are known and not to be told
# [[ignore]]
# rule = "not-executable"
# path = "/opt/vendor/**"               # in these files only: of the image, or of the repository (relative)
# image = "registry.example/team/*"     # in these images only
# reason = "run by the vendor's own loader"
# until = 2030-12-31                    # the last day on which it applies

# what is different for some images, by their names without tag and digest
# [[image]]
# name = "myapp*"
# fail-on = "error"
# rules = { no-reaper = "off" }
"#;

#[cfg(test)]
mod tests {
    use crate::config::parse::parse;

    use super::{TEXT, initial};

    #[test]
    fn it_can_be_read_also_with_everything_that_it_shows() {
        assert!(parse(&initial(), "f").is_ok());
        let is_toml = |line: &&str| line.contains(" = ") || line.starts_with('[') || line.is_empty();
        let shown: Vec<_> = TEXT.lines().map(|line| line.trim_start_matches("# ")).filter(is_toml).collect();
        let config = parse(&shown.join("\n"), "f").unwrap();
        assert_eq!((config.levels.len(), config.ignores.len(), config.sections.len()), (1, 1, 1));
        assert!(config.ignores[0].until.is_some() && config.ignores[0].path.is_some());
    }
}
