//! The Python and Node environments: found, made from pinned versions, and kept until what they are made of changes.

pub mod node;
pub mod python;
pub mod stamp;

use crate::shell::program;
use anyhow::{Result, bail};
use stamp::Stamp;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a native half is built from, beside the folder of its own.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", ".cargo", "bindings/surface", "core"];

/// A stamp of a native half: of all that it is built from, and of the compiler.
///
/// # Errors
///
/// A source cannot be read, or there is no compiler.
pub fn native_stamp(file: PathBuf, package: &str) -> Result<Stamp> {
    let mut stamp = Stamp::new(file);
    stamp.text(&output_of(program("rustc").arg("--version"))?);
    stamp.sources(&SOURCES)?;
    stamp.sources(&[package])?;
    Ok(stamp)
}

/// What a program prints, trimmed; an error if it is missing or fails.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{}: {}", crate::shell::name(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;
    use crate::test::rust;
    use std::collections::BTreeSet;

    fn manifest(name: &str) -> toml::Table {
        std::fs::read_to_string(paths::root().join(name)).unwrap().parse().unwrap()
    }

    #[test]
    fn a_native_half_is_built_anew_when_any_crate_of_ours_below_it_changes() {
        let ours = manifest("Cargo.toml")["workspace"]["dependencies"].as_table().unwrap().clone();
        for package in [python::PACKAGE, node::PACKAGE, "bindings/surface"] {
            let manifest = manifest(&format!("{package}/Cargo.toml"));
            for (name, dependency) in manifest["dependencies"].as_table().unwrap() {
                let path = dependency.get("path").or_else(|| ours.get(name)?.get("path"));
                let folder = path.map(|path| path.as_str().unwrap().replace("../", "bindings/"));
                assert!(folder.is_none_or(|folder| SOURCES.contains(&folder.as_str())), "{package}: {name}");
            }
        }
    }

    /// Package and features of everything that the core is compiled with, where these are built.
    fn below_the_core(edges: &str, selection: &[&str]) -> BTreeSet<String> {
        let tree = |edges: &str, format: &str, selection: &[&str]| {
            let mut command = crate::shell::cargo();
            command.args(["tree", "--locked", "--prefix", "none", "--no-dedupe", "--edges", edges]);
            output_of(command.args(["--format", format]).args(selection)).unwrap()
        };
        let core = tree("normal,build", "{p};", &["--package", "ringmain", "--features", "cron"]);
        let built = tree(edges, "{p}; {f}", selection);
        let is_below = |line: &&str| core.lines().any(|package| line.starts_with(package));
        built.lines().filter(is_below).map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn the_core_is_compiled_once_for_all_surfaces_and_once_for_all_tests() {
        let released = |package| below_the_core("normal,build", &["--package", package]);
        let python = released("ringmain-python");
        assert!(python.iter().any(|line| line.starts_with("ringmain v")), "{python:?}");
        assert_eq!(python, released("ringmain-node"));
        assert_eq!(python, released("ringmain-ffi"));
        let tested =
            |selection: &[&str]| below_the_core("normal,build,dev", &[selection, &rust::FEATURES].concat());
        assert_eq!(tested(&["--workspace"]), tested(&["--package", "ringmain-ffi"]));
    }
}
