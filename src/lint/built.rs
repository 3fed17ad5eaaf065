//! An image together with what it was built from: findings are blamed on instructions and files of the repository.

use std::sync::Arc;

use super::{Lint, Unbuilt};
use crate::blame::Built;
use crate::dockerfile::Build;
use crate::error::{Error, Result};
use crate::finding::{Blame, Finding, Place};
use crate::image::{Image, Record};

/// The annotation that names the base image (image-spec, annotations.md).
const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// What an image was built from, as far as it is at hand.
pub struct Origin {
    /// The Dockerfile, and its context.
    pub dockerfile: Option<Unbuilt>,
    /// The base image.
    pub base: Option<Image>,
}

impl Lint {
    /// Blames the findings on what the image was built from. What keeps it from telling more is returned, in sentences.
    ///
    /// # Errors
    /// The Dockerfile has no such stage.
    pub fn blame(&mut self, origin: &Origin) -> Result<Vec<String>> {
        self.dockerfile = origin.dockerfile.as_ref().map(|dockerfile| Arc::clone(&dockerfile.file));
        let mut findings = std::mem::take(&mut self.findings);
        let told = match &origin.dockerfile {
            Some(dockerfile) => self.on_lines(&mut findings, dockerfile, origin.base.as_ref()),
            None => Ok(self.on_base(&mut findings, origin.base.as_ref())),
        };
        self.findings = findings;
        let mut told = told?;
        told.extend(origin.base.as_ref().and_then(|base| self.is_not_on(base)));
        Ok(told)
    }

    fn on_lines(&self, findings: &mut [Finding], from: &Unbuilt, base: Option<&Image>) -> Result<Vec<String>> {
        let base = base.filter(|base| self.image.record.begins_with(&base.record));
        let attested = self.image.record.provenance.as_ref();
        let mut parsed = from.parsed.clone();
        for (name, value) in attested.into_iter().flat_map(|attested| &attested.arguments) {
            parsed.given.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let built = attested.and_then(|attested| attested.target.as_deref());
        let target = from.target.as_deref().or_else(|| built.filter(|target| parsed.base_of(Some(target)).is_some()));
        let plan = parsed.plan(&from.file.text, target, base.map(|base| &base.configuration));
        let plan = plan.ok_or_else(|| Error::new("the Dockerfile", "it has no such stage"))?;
        let context = from.context.clone();
        let build = Build { file: Arc::clone(&from.file), parsed: &parsed, plan: &plan, context };
        let subject = self.subject();
        let built = Built::new(&build, &subject, base);
        findings.iter_mut().for_each(|finding| built.blame(finding));
        let is_open = |finding: &Finding| finding.blame.source.is_none() && finding.blame.inherited != Some(true);
        let squashed = built.is_squashed() && findings.iter().any(is_open);
        let squashed = squashed.then(|| {
            "layers of the image were squashed: which instruction made a file is known only where its bytes tell"
                .to_owned()
        });
        let why = |trouble| format!("which line made which layer of the image is not known: {trouble}");
        let other = built.trouble().and_then(|_| self.is_of_another_text(from));
        Ok(built.trouble().map(why).into_iter().chain(other).chain(squashed).collect())
    }

    /// What is attested has the Dockerfile, and it is another one.
    fn is_of_another_text(&self, from: &Unbuilt) -> Option<String> {
        let files = &self.image.record.provenance.as_ref()?.files;
        let (name, _) = files.first()?;
        let is_same = files.iter().any(|(_, text)| *text == from.file.text);
        (!is_same).then(|| {
            format!(
                "the image's provenance has the `{name}` that it was built from, and `{}` is not that text",
                from.file.path
            )
        })
    }

    /// Without a Dockerfile it is known at least what the base brings.
    fn on_base(&self, findings: &mut [Finding], base: Option<&Image>) -> Vec<String> {
        let below = base.filter(|base| self.image.record.begins_with(&base.record)).map(|base| base.layers.len());
        let Some(below) = below else { return Vec::new() };
        for finding in findings {
            let is_below = |layer: Option<usize>| layer.map(|layer| layer < below);
            let layer = match finding.place {
                Place::Layer { index } => Some(index),
                Place::File { layer, .. } => layer,
                Place::Config { .. } => None,
            };
            let (inherited, layer_inherited) = (is_below(layer), is_below(finding.layer));
            finding.blame = Blame { inherited, layer_inherited, ..Blame::default() };
        }
        Vec::new()
    }

    fn is_not_on(&self, base: &Image) -> Option<String> {
        let Record { annotations, .. } = &self.image.record;
        if self.image.record.begins_with(&base.record) {
            return None;
        }
        let named = annotations.get(BASE_NAME).or_else(|| self.image.configuration.labels.get(BASE_NAME));
        let named = named.map(|name| format!("; it says that its base is `{name}`")).unwrap_or_default();
        Some(format!(
            "the first layers of the image are not those of `{}`, so that is not its base{named}",
            base.reference
        ))
    }
}
