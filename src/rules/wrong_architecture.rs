//! A program for another machine than the image says, and an image of which index and configuration disagree.

use crate::finding::{Because, Blame, Confidence, ExitCodes, Field, Finding, Place, Severity};
use crate::format::elf::Machine;
use crate::image::{Image, Other, Platform};
use crate::launch::{Cause, Outcome, Problem, StepKind};
use crate::rootfs::{Ino, Kind, View};
use crate::rule::{Explanation, Rule, Subject, Trouble, list, paste, paste::shell_word, quote};

/// See `rules/wrong-architecture.md`.
pub const RULE: Rule =
    Rule { name: "wrong-architecture", document: include_str!("../../rules/wrong-architecture.md"), check };

/// What engines make of an index and a configuration that disagree; measured with Docker, Podman and containerd.
const CHOICE: &str = "engines choose an image by the index, and of the configuration they warn at most";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let explained = subject.explain(RULE.name, |trouble| {
        let Cause::Exec { problem: Problem::Architecture(ino, machine), path, .. } = trouble.cause else {
            return Explanation::default();
        };
        let file = trouble.start.steps.iter().find(|step| step.ino == Some(*ino)).map_or(path, |step| &step.path);
        let explanation = explain(trouble, &file.to_string(), *ino, *machine);
        explanation.at(Some(trouble.file(file, *ino, None))).layer(trouble.layer_of(*ino))
    });
    if explained.is_empty() { disagreement(subject).into_iter().collect() } else { explained }
}

fn explain(trouble: &Trouble<'_>, file: &str, ino: Ino, machine: Machine) -> Explanation {
    let image = trouble.subject.image;
    let message = format!("{} is built for {}, {}", quote(file), built_for(machine), said(image));
    let help = "build or copy the program for the platform of the image (a Dockerfile has it as TARGETPLATFORM and \
                TARGETARCH), or build the image for the platform of the program";
    let mut explanation = Explanation::new(message, help);
    if image.configured.is_some() {
        explanation = explanation.why(CHOICE);
    }
    if let Some(copied) = copied(trouble, ino) {
        let copy = paste::is_plain(file).then(|| format!("COPY {}-$TARGETARCH {file}", name(file)));
        explanation =
            explanation.why(copied).fix_if("below `ARG TARGETARCH`, copy what is built for the platform", copy);
    }
    let explanation = explanation
        .why("where an emulator such as qemu is registered it may run all the same, and then fail on other machines");
    let platform = shell_word(&image.platform.to_string());
    let explanation =
        explanation.fix("build everything for one platform", format!("docker build --platform {platform} ."));
    match architecture(machine) {
        Some(architecture) => explanation
            .fix("or build the image for the program", format!("docker build --platform linux/{architecture} .")),
        None => explanation,
    }
}

fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn built_for(machine: Machine) -> String {
    match architecture(machine) {
        Some("arm") => machine.to_string(),
        Some(architecture) => architecture.to_owned(),
        None => format!("ELF machine {}", machine.e_machine),
    }
}

fn said(image: &Image) -> String {
    match &image.configured {
        Some(configured) => format!("the index says {}, and the configuration {configured}", image.platform),
        None => format!("the image says {}", image.platform),
    }
}

/// Which other platforms have the same file: in a layer that they share, or, of those that were followed before, by its
/// length and header.
fn copied(trouble: &Trouble<'_>, ino: Ino) -> Option<String> {
    let image = trouble.subject.image;
    let digest = &image.layers.get(trouble.layer_of(ino)?)?.digest;
    if let Some((names, number)) = platforms(image, |other| other.layers.contains(digest)) {
        return Some(format!(
            "the same file is in {names}, in a layer that they share: the build copied one binary to {number}"
        ));
    }
    let Kind::Regular { size, .. } = trouble.inode(ino)?.kind else { return None };
    let content = trouble.inode(ino)?.kind.content()?;
    let is_alike = |other: &Other| other.executed.iter().any(|(length, bytes)| *length == size && **bytes == *content);
    let (names, number) = platforms(image, is_alike)?;
    Some(format!(
        "a file of the same length and header is in {names}: the build seems to have copied one binary to {number}"
    ))
}

/// The others of which `is_one` holds and this one, and how to call all of them.
fn platforms(image: &Image, is_one: impl Fn(&Other) -> bool) -> Option<(String, &'static str)> {
    let others = image.others.iter().filter(|other| is_one(other)).map(|other| &other.platform);
    let names: Vec<String> = others.chain([&image.platform]).map(Platform::to_string).collect();
    match names.len() {
        1 => None,
        2 => Some((list(&names), "both")),
        _ => Some((list(&names), "all of them")),
    }
}

/// Index and configuration disagree, and the program is not to blame.
fn disagreement(subject: &Subject<'_>) -> Option<Finding> {
    let (index, configured) = (&subject.image.platform, subject.image.configured.as_ref()?);
    let is_variant = index.is_variant_of(configured);
    // What is built for less than the index promises runs there as well.
    if is_variant && configured.variant < index.variant {
        return None;
    }
    let program = program(subject).map(|(path, machine)| format!("; {} is built for {machine}", quote(path)));
    let message = format!("the index says `{index}`, and the configuration `{configured}`");
    let because = |message: String| Because { message, place: None };
    let build = format!("docker buildx build --platform {} .", shell_word(&index.to_string()));
    Some(Finding {
        rule: RULE.name,
        severity: if is_variant { Severity::Note } else { Severity::Warning },
        confidence: if is_variant { Confidence::Possible } else { Confidence::Certain },
        message: message + &program.unwrap_or_default(),
        help: "let one tool write both: build the image for the platform that the index names".to_owned(),
        exit_codes: ExitCodes::default(),
        place: Place::Config { field: Field::Architecture, index: None },
        because: [Some(CHOICE.to_owned()), effect(subject, is_variant)].into_iter().flatten().map(because).collect(),
        layer: None,
        fixes: paste::fix("build it for that platform", build).into_iter().collect(),
        blame: Blame::default(),
        suppression: None,
    })
}

/// What comes of it, if that is known.
fn effect(subject: &Subject<'_>, is_variant: bool) -> Option<String> {
    let platform = &subject.image.platform;
    let starts = subject.launch.current().iter().all(|start| matches!(start.outcome, Outcome::Runs));
    match (is_variant, starts) {
        (true, _) => Some(format!("the program may need instructions that {platform} does not have")),
        (false, true) => Some(format!("it starts on {platform} all the same")),
        (false, false) => None,
    }
}

/// The program that gets control, and its machine.
fn program(subject: &Subject<'_>) -> Option<(String, Machine)> {
    let steps = &subject.launch.current().first()?.steps;
    let step = steps.iter().rfind(|step| step.kind != StepKind::Loader && step.ino.is_some())?;
    let head = View::new(subject.image, subject.rootfs).read(step.ino?, 0, crate::format::elf::HEADER).ok()?;
    Some((step.path.to_string(), Machine::of(&head)?))
}

/// GOARCH of an ELF machine (elf(5), `e_machine`).
fn architecture(machine: Machine) -> Option<&'static str> {
    Some(match (machine.e_machine, machine.is_64, machine.is_big_endian) {
        (3 | 6, ..) => "386",
        (62, ..) => "amd64",
        (40, ..) => "arm",
        (183, ..) => "arm64",
        (21, _, false) => "ppc64le",
        (21, _, true) => "ppc64",
        (22, ..) => "s390x",
        (243, true, _) => "riscv64",
        (258, ..) => "loong64",
        (8, true, false) => "mips64le",
        (8, true, true) => "mips64",
        (8, false, false) => "mipsle",
        (8, false, true) => "mips",
        _ => return None,
    })
}
