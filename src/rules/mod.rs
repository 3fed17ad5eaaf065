//! The rules: one file each, with the same name as its document.

use crate::rule::Rule;

mod argument_too_long;
mod arguments_in_one_string;
mod background_main_process;
mod broken_exec_form;
mod byte_order_mark;
mod capability_not_granted;
mod carriage_return_in_shebang;
mod command_not_found;
mod dead_instruction;
mod default_disposition_as_pid_1;
mod healthcheck_not_runnable;
mod init_not_first;
mod interpreter_not_executable;
mod interpreter_not_found;
mod is_a_directory;
mod library_not_found;
mod loader_not_found;
mod missing_exec;
mod missing_shebang;
mod no_reaper;
mod not_a_program;
mod not_executable;
mod nothing_to_run;
mod path_not_found;
mod permission_denied_for_user;
mod pipeline_as_main_process;
mod refused_layer;
mod script_command_not_found;
mod shebang_arguments;
mod shell_form_command;
mod shell_not_found;
mod shell_syntax_error;
mod shell_syntax_in_exec_form;
mod signal_not_forwarded;
mod stops_without_telling;
mod symbol_version_not_found;
mod trap_blocked_by_foreground_child;
mod unusable_stop_signal;
mod user_not_found;
mod wait_for_sleeping_forever;
mod workdir_unusable;
mod wrapper_arguments;
mod wrong_architecture;

pub use broken_exec_form::in_build as broken_exec_forms;
pub use dead_instruction::in_build as dead_instructions;
pub use path_not_found::in_build as path_not_copied;
pub use shell_form_command::possible as possible_shell_form;

/// Rules whose findings hold as well where it is known of some directories only that they hold more than is seen.
pub const OF_MOST: &[&str] = &["interpreter-not-found", "path-not-found", "shell-not-found", "workdir-unusable"];

/// Rules whose findings hold where not all of an image is known.
pub const OF_PARTS: &[&str] = &[
    "arguments-in-one-string",
    "background-main-process",
    "broken-exec-form",
    "byte-order-mark",
    "carriage-return-in-shebang",
    "command-not-found",
    "dead-instruction",
    "healthcheck-not-runnable",
    "is-a-directory",
    "missing-exec",
    "missing-shebang",
    "not-a-program",
    "not-executable",
    "nothing-to-run",
    "permission-denied-for-user",
    "pipeline-as-main-process",
    "script-command-not-found",
    "shebang-arguments",
    "shell-form-command",
    "shell-syntax-error",
    "shell-syntax-in-exec-form",
    "signal-not-forwarded",
    "stops-without-telling",
    "trap-blocked-by-foreground-child",
    "unusable-stop-signal",
    "wait-for-sleeping-forever",
    "wrapper-arguments",
];

/// All rules, by name.
pub const RULES: &[Rule] = &[
    argument_too_long::RULE,
    arguments_in_one_string::RULE,
    background_main_process::RULE,
    broken_exec_form::RULE,
    byte_order_mark::RULE,
    capability_not_granted::RULE,
    carriage_return_in_shebang::RULE,
    command_not_found::RULE,
    dead_instruction::RULE,
    default_disposition_as_pid_1::RULE,
    healthcheck_not_runnable::RULE,
    init_not_first::RULE,
    interpreter_not_executable::RULE,
    interpreter_not_found::RULE,
    is_a_directory::RULE,
    library_not_found::RULE,
    loader_not_found::RULE,
    missing_exec::RULE,
    missing_shebang::RULE,
    no_reaper::RULE,
    not_a_program::RULE,
    not_executable::RULE,
    nothing_to_run::RULE,
    path_not_found::RULE,
    permission_denied_for_user::RULE,
    pipeline_as_main_process::RULE,
    refused_layer::RULE,
    script_command_not_found::RULE,
    shebang_arguments::RULE,
    shell_form_command::RULE,
    shell_not_found::RULE,
    shell_syntax_error::RULE,
    shell_syntax_in_exec_form::RULE,
    signal_not_forwarded::RULE,
    stops_without_telling::RULE,
    symbol_version_not_found::RULE,
    trap_blocked_by_foreground_child::RULE,
    unusable_stop_signal::RULE,
    user_not_found::RULE,
    wait_for_sleeping_forever::RULE,
    workdir_unusable::RULE,
    wrapper_arguments::RULE,
    wrong_architecture::RULE,
];
