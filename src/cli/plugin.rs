//! `docker imagelint`: the program under the name of a plugin of Docker's command line.
//!
//! Docker runs `docker-imagelint docker-cli-plugin-metadata` to learn what it is, and then hands over its own command line
//! whole: `docker-imagelint imagelint ARGS…` (docker/cli, cli-plugins/manager).

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use super::output::Complaint;

const FILE_NAME: &str = "docker-imagelint";
const NAME: &str = "imagelint";
/// As what it is typed.
const SHOWN: &str = "docker imagelint";
const METADATA: &str = "docker-cli-plugin-metadata";

/// What a command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// What the plugin is: JSON.
    Metadata(String),
    /// The usual things, under this name.
    Usual(Vec<OsString>),
}

/// Takes off what Docker puts around the arguments.
pub fn asked(mut arguments: Vec<OsString>) -> Result<Asked, Complaint> {
    let own = arguments.first().and_then(|path| Path::new(path).file_name());
    if own.is_none_or(|name| name != FILE_NAME) {
        return Ok(Asked::Usual(arguments));
    }
    if arguments.get(1).is_some_and(|argument| argument == METADATA) {
        return Ok(Asked::Metadata(metadata()));
    }
    match arguments.iter().position(|argument| argument == NAME) {
        Some(1) => drop(arguments.splice(..2, [SHOWN.into()])),
        // `docker help imagelint …`
        Some(2) if arguments.get(1).is_some_and(|argument| argument == "help") => {
            drop(arguments.splice(..3, [SHOWN.into(), "help".into()]));
        }
        // `docker --context other imagelint …`
        Some(2..) => return Err(options_of_docker()),
        _ => {}
    }
    Ok(Asked::Usual(arguments))
}

fn options_of_docker() -> Complaint {
    Complaint::new("options that stand before `imagelint` are docker's, and cannot be followed")
        .help("name the daemon by DOCKER_HOST or DOCKER_CONTEXT, and its directory by DOCKER_CONFIG")
}

fn metadata() -> String {
    let metadata = json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "imagelint",
        "Version": env!("CARGO_PKG_VERSION"),
        "ShortDescription": "Predict how an image starts and stops",
    });
    format!("{metadata}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(arguments: &[&str]) -> Vec<String> {
        match asked(arguments.iter().map(OsString::from).collect()) {
            Ok(Asked::Usual(arguments)) => arguments.into_iter().map(|a| a.into_string().unwrap()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_docker_adds_is_taken_off() {
        assert_eq!(
            usual(&["/p/docker-imagelint", "imagelint", "check", "imagelint"]),
            ["docker imagelint", "check", "imagelint"]
        );
        assert_eq!(usual(&["docker-imagelint", "help", "imagelint", "check"]), ["docker imagelint", "help", "check"]);
        assert_eq!(usual(&["docker-imagelint", "--version"]), ["docker-imagelint", "--version"]);
        assert_eq!(usual(&["imagelint", "imagelint"]), ["imagelint", "imagelint"]);
        assert_eq!(usual(&["imagelint", METADATA]), ["imagelint", METADATA]);
        assert_eq!(usual(&[]), [""; 0]);
        let options = ["docker-imagelint", "--context", "other", "imagelint", "app"].map(OsString::from);
        assert!(asked(options.to_vec()).is_err());
        assert!(matches!(asked(vec![FILE_NAME.into(), METADATA.into()]), Ok(Asked::Metadata(_))));
    }
}
