//! The image configuration (image-spec, config.md): what the process is to be.

use std::collections::BTreeMap;

/// The part of `config` that decides how the container starts and stops. Absent and `null` fields are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub cmd: Vec<String>,
    /// `Env`, as written: `NAME=value` mostly.
    pub env: Vec<String>,
    /// `User`.
    pub user: String,
    /// `WorkingDir`.
    pub working_dir: String,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
    /// `Shell`, Docker's extension; what a shell form in a Dockerfile uses.
    pub shell: Vec<String>,
    /// `Healthcheck`, Docker's extension.
    pub healthcheck: Option<Healthcheck>,
    /// `OnBuild`, Docker's extension: instructions for the stage on top.
    pub on_build: Vec<String>,
    /// `Volumes`, the paths.
    pub volumes: Vec<String>,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
}

/// `Healthcheck` of the configuration: docker/docker-image-spec, v1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `["NONE"]`: a base image's check is switched off.
    None,
    /// `["CMD", argv...]`.
    Exec(Vec<String>),
    /// `["CMD-SHELL", text]`.
    Shell(String),
}
