//! The suites of the C, Python and Node surfaces, each with its language's own runner.

use super::count::{Counts, cargo_test, pytest, tap};
use super::log::Log;
use super::rust;
use crate::paths;
use crate::tools::{node::Node, python::Python};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// The header, and the C programs, which the crate's own tests compile and run.
pub fn c_suite(log: &mut Log) -> Result<Counts> {
    let mut command = rust::test();
    command.args(["--package", "ringmain-ffi"]);
    Ok(Counts::of(&log.run(&mut command)?, cargo_test))
}

/// pytest in `.venv`, on the package as a user installs it.
pub fn python_suite(log: &mut Log) -> Result<Counts> {
    let environment = Python::find()?.prepare(&log.shell()?)?;
    let mut command = environment.python();
    command.args(["-m", "pytest", "--color=no"]).current_dir(paths::root().join("bindings/python"));
    Ok(Counts::of(&log.run(&mut command)?, pytest))
}

/// Node's own runner on the package as a user installs it.
pub fn node_suite(log: &mut Log) -> Result<Counts> {
    let node = Node::find()?;
    node.prepare(&log.shell()?)?;
    let package = paths::root().join("bindings/node");
    let mut command = node.node();
    command
        .args(["--test", "--test-reporter=tap", "--test-timeout=300000"])
        .args(test_files(&package.join("test"))?)
        .current_dir(&package);
    Ok(Counts::of(&log.run(&mut command)?, tap))
}

/// The files are named, because what Node takes for a test without names differs from version to version.
fn test_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if [".test.js", ".test.mjs", ".test.cjs"].iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "no file of {} is named *.test.js", directory.display());
    files.sort();
    Ok(files)
}
