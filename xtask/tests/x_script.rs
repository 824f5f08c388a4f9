//! What `./x` says when tools are missing, on a machine made of fake ones.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// Programs that answer as those of a machine on which everything is there. The fake cargo prints what it was asked.
const COMPLETE: [(&str, &str); 7] = [
    ("cargo", "echo cargo \"$@\" in \"$PWD\" from \"$X_CALLED_FROM\""),
    ("rustc", "echo 'rustc 1.95.0 (f2d3ce0bd 2026-03-21)'"),
    ("cc", "exit 0"),
    ("c++", "exit 0"),
    ("python3", "exit 0"),
    ("node", "exit 0"),
    ("npm", "exit 0"),
];

/// Runs `./x` on a machine where one tool is another than in [`COMPLETE`]; `None` for missing.
fn x(arguments: &[&str], change: Option<(&str, Option<&str>)>) -> Output {
    let directory = tempfile::tempdir().unwrap();
    for (name, body) in COMPLETE {
        let body = match change {
            Some((changed, body)) if changed == name => body,
            _ => Some(body),
        };
        if let Some(body) = body {
            let file = directory.path().join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("x");
    Command::new("/bin/sh")
        .arg(script)
        .args(arguments)
        .env("PATH", directory.path())
        .current_dir("/")
        .output()
        .unwrap()
}

#[track_caller]
fn refused(arguments: &[&str], change: (&str, Option<&str>), said: &[&str]) {
    let output = x(arguments, Some(change));
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(output.stdout.is_empty(), "cargo was called");
    for word in said {
        assert!(words.contains(word), "{word:?} is not in {words:?}");
    }
}

#[test]
fn everything_there_hands_over_to_cargo_in_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = x(&["run", "--input", "a file"], None);
    let words = String::from_utf8_lossy(&output.stdout);
    assert_eq!(words, format!("cargo xtask run --input a file in {} from /\n", root.display()));
    assert!(output.status.success());
}

#[test]
fn a_missing_tool_is_named_with_the_way_to_install_it() {
    refused(&["run"], ("cargo", None), &["cargo", "rustup"]);
    refused(&["run"], ("rustc", None), &["rustc", "rustup"]);
    refused(&["run"], ("cc", None), &["cc", "apt-get install gcc"]);
    refused(&["test"], ("python3", None), &["python3", "apt-get install python3 python3-venv"]);
    refused(&["test"], ("node", None), &["node", "apt-get install nodejs npm"]);
    refused(&["test"], ("npm", None), &["npm", "apt-get install npm"]);
    refused(&["fuzz"], ("c++", None), &["c++", "apt-get install g++"]);
}

#[test]
fn a_tool_that_is_too_old_or_incomplete_is_named_too() {
    refused(&["run"], ("rustc", Some("echo 'rustc 1.70.0 (x)'")), &["1.70.0", "1.89"]);
    let old_python = r#"case "$2" in *version_info*) exit 1 ;; esac"#;
    refused(&["test"], ("python3", Some(old_python)), &["older than 3.11"]);
    let no_venv = r#"case "$2" in *venv*) exit 1 ;; esac"#;
    refused(&["test"], ("python3", Some(no_venv)), &["venv", "python3-venv"]);
    refused(&["test"], ("node", Some("exit 1")), &["older than 20"]);
    let no_rustfmt = r#"case "$1" in fmt) exit 1 ;; esac"#;
    refused(&["check"], ("cargo", Some(no_rustfmt)), &["rustfmt", "rustup component add"]);
}

#[test]
fn the_run_goes_on_without_python_or_node_unless_it_is_strict() {
    for tool in ["python3", "node", "npm"] {
        assert!(x(&["run"], Some((tool, None))).status.success(), "{tool}");
        refused(&["run", "--strict"], (tool, None), &[tool]);
    }
    assert!(x(&["check"], Some(("python3", None))).status.success());
}
