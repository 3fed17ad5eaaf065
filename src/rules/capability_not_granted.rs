//! A file capability that containers are not given.

use crate::finding::Finding;
use crate::launch::{Cause, Problem};
use crate::rule::{Explanation, Rule, Subject, list, paste::shell_word, quote};

/// See `rules/capability-not-granted.md`.
pub const RULE: Rule =
    Rule { name: "capability-not-granted", document: include_str!("../../rules/capability-not-granted.md"), check };

/// Names of the capabilities, by number (linux/capability.h).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::Exec { problem: Problem::Capability(ino, bits), path, .. } = trouble.cause else {
            return Explanation::default();
        };
        let file = trouble.start.steps.iter().find(|step| step.ino == Some(*ino)).map_or(path, |step| &step.path);
        let names: Vec<&str> = NAMES.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, n)| *n).collect();
        let quoted: Vec<String> = names.iter().map(|n| quote(format!("cap_{n}"))).collect();
        let add =
            |option: &str| names.iter().map(|n| format!("{option}{}", n.to_uppercase())).collect::<Vec<_>>().join(" ");
        let message = format!("{} has the file capability {}, which engines do not grant", quote(file), list(&quoted));
        let upper: Vec<String> = names.iter().map(|n| format!("\"{}\"", n.to_uppercase())).collect();
        Explanation::new(message, "remove the file capability, or grant it when the container is started")
            .why("the kernel refuses a program whose effective file capabilities are outside the bounding set (EPERM)")
            .at(Some(trouble.file(file, *ino, None)))
            .layer(trouble.layer_of(*ino))
            .fix("remove it in the image", format!("RUN setcap -r {}", shell_word(&file.to_string())))
            .fix("grant it: docker, podman", format!("docker run {} IMAGE", add("--cap-add=")))
            .fix("grant it: Kubernetes", format!("securityContext: {{capabilities: {{add: [{}]}}}}", upper.join(", ")))
    })
}
