//! `imagelint.toml` as it is written. The descriptions here are what editors show.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

/// What imagelint is to make of its findings in this project.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "imagelint.toml"))]
pub(super) struct File {
    /// The mildest finding that makes the exit code 1; `warning` if it is not set.
    pub fail_on: Option<FailOn>,
    /// How bad the findings of a rule are.
    #[cfg_attr(test, schemars(schema_with = "super::schema::levels"))]
    pub rules: BTreeMap<Spanned<String>, Level>,
    /// Findings that are known and not to be told.
    pub ignore: Vec<Ignore>,
    /// What is different for some images; of several that match, the later ones win.
    pub image: Vec<Section>,
}

/// Findings that are known and not to be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Ignore {
    /// The rule.
    #[cfg_attr(test, schemars(schema_with = "super::schema::rule"))]
    pub rule: Spanned<String>,
    /// Only findings in files like this, such as `/opt/vendor/**`: an absolute path is one in the image, any other one
    /// in the repository.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub path: Option<Spanned<String>>,
    /// Only images with a name like this, without tag and digest, such as `registry.example/team/*`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub image: Option<Spanned<String>>,
    /// Why.
    #[cfg_attr(test, schemars(with = "String", length(min = 1)))]
    pub reason: Spanned<String>,
    /// The last day on which it applies (UTC), such as 2026-12-31, without quotes.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::date"))]
    pub until: Option<Spanned<Datetime>>,
}

/// What is different for some images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Section {
    /// Images with a name like this, without tag and digest, such as `myapp*`; `*` does not match `/`, `**` does.
    #[cfg_attr(test, schemars(with = "String"))]
    pub name: Spanned<String>,
    /// The mildest finding that makes the exit code 1.
    pub fail_on: Option<FailOn>,
    /// How bad the findings of a rule are.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::levels"))]
    pub rules: BTreeMap<Spanned<String>, Level>,
}

/// How bad the findings of a rule are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Level {
    /// The rule is not asked.
    Off,
    /// Notes.
    Note,
    /// Warnings.
    Warning,
    /// Errors.
    Error,
}

/// The mildest finding that makes the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FailOn {
    /// Any.
    Note,
    /// A warning or an error.
    Warning,
    /// An error.
    Error,
    /// None.
    Never,
}
