//! A program for another machine than the image says.

use crate::finding::Finding;
use crate::format::elf::Machine;
use crate::launch::{Cause, Problem};
use crate::rule::{Explanation, Rule, Subject, Trouble, paste::shell_word, quote};

/// See `rules/wrong-architecture.md`.
pub const RULE: Rule =
    Rule { name: "wrong-architecture", document: include_str!("../../rules/wrong-architecture.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::Exec { problem: Problem::Architecture(ino, machine), path, .. } = trouble.cause else {
            return Explanation::default();
        };
        let file = trouble.start.steps.iter().find(|step| step.ino == Some(*ino)).map_or(path, |step| &step.path);
        let explanation = explain(trouble, &file.to_string(), *machine);
        explanation.at(Some(trouble.file(file, *ino, None))).layer(trouble.layer_of(*ino))
    })
}

fn explain(trouble: &Trouble<'_>, file: &str, machine: Machine) -> Explanation {
    let platform = &trouble.subject.image.platform;
    let architecture = architecture(machine);
    let built = architecture.map_or_else(|| format!("ELF machine {}", machine.e_machine), str::to_owned);
    let message = format!("{} is built for {built}, the image says {platform}", quote(file));
    let help = "build or copy the program for the platform of the image (a Dockerfile has it as TARGETPLATFORM and \
                TARGETARCH), or build the image for the platform of the program";
    let explanation = Explanation::new(message, help)
        .why("where an emulator such as qemu is registered it may run all the same, and then fail on other machines");
    let platform = shell_word(&platform.to_string());
    let explanation =
        explanation.fix("build everything for one platform", format!("docker build --platform {platform} ."));
    match architecture {
        Some(architecture) => explanation
            .fix("or build the image for the program", format!("docker build --platform linux/{architecture} .")),
        None => explanation,
    }
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
