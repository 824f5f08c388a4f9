//! The suites of the C, Python and Node surfaces, each with its language's own runner.

use super::count::{Counts, cargo_test, pytest, tap};
use super::log::Log;
use super::rust;
use crate::paths;
use crate::tools::{node::Node, python::Python};
use anyhow::Result;

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
    let mut command = node.node();
    command.args(["--test", "--test-reporter=tap"]).current_dir(paths::root().join("bindings/node"));
    Ok(Counts::of(&log.run(&mut command)?, tap))
}
