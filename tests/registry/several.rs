//! Several images in one call: what they have in common is asked for once, also where nothing is kept.

use std::process::Command;

use serde_json::Value;

use crate::make::add_image;
use crate::play::App;

#[test]
fn layers_that_images_share_are_asked_for_once_in_a_call() {
    let mut app = App::new();
    let other = add_image(&mut app.store, "amd64", "/bin/other");
    let (base, server) = (app.layer(), app.serve(|_| None));
    let names =
        [app.digest(), other["digest"].as_str().unwrap()].map(|d| format!("registry:{}/app@{d}", server.host()));
    let lint = |names: &[String]| -> Vec<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.env_clear().env("HOME", "/nonexistent").args(["--no-cache", "--format", "json"]).args(names);
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["images"].as_array().map(Vec::len), Some(names.len()), "{report}");
        report["images"].as_array().unwrap().clone()
    };
    let asked = || server.asked_for(&format!("/v2/app/blobs/{base}")).len();
    let together = lint(&names);
    assert_eq!(asked(), 1);
    let apart = names.each_ref().map(|name| lint(std::slice::from_ref(name))).concat();
    assert_eq!((together, asked()), (apart, 3));
}
