//! One hub directory, four programs in four languages, one after the other: C writes, Python leases, Node acks, Rust
//! verifies.

use super::count::Counts;
use super::log::Log;
use super::rust;
use crate::shell::{cargo, program};
use crate::tools::{node::Node, python::Python};
use crate::{c, paths};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

const PROGRAMS: &str = "tests/cross_language";

/// A test per language; the first that fails ends it, because the others build on it.
pub fn suite(log: &mut Log) -> Result<Counts> {
    let directory = paths::target().join("cross-language");
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    let mut sum = Counts::default();
    for (name, program) in [
        ("C writes", c_program as fn(&Path, &mut Log) -> Result<Command>),
        ("Python leases", python_program),
        ("Node acks", node_program),
        ("Rust verifies", rust_program),
    ] {
        let mut command = program(&directory, log)?;
        let ran = log.run(command.arg(directory.join("hub"))).and_then(|output| output.check());
        log.say(&match &ran {
            Ok(()) => format!("ok - {name}"),
            Err(error) => format!("not ok - {name}: {error:#}"),
        })?;
        sum = sum + Counts::one(ran.is_ok());
        if ran.is_err() {
            break;
        }
    }
    Ok(sum)
}

fn c_program(directory: &Path, log: &mut Log) -> Result<Command> {
    log.run(cargo().args(["build", "--release", "--package", "ringmain-ffi"]))?.check()?;
    let built = directory.join("write");
    c::compile(&format!("{PROGRAMS}/write.c"), &built, &log.shell()?)?;
    Ok(program(built))
}

fn python_program(_: &Path, log: &mut Log) -> Result<Command> {
    let mut command = Python::find()?.prepare(&log.shell()?)?.python();
    command.arg(paths::root().join(PROGRAMS).join("lease.py"));
    Ok(command)
}

fn node_program(_: &Path, log: &mut Log) -> Result<Command> {
    let node = Node::find()?;
    node.prepare(&log.shell()?)?;
    let mut command = node.node();
    // Run from the examples' package, which is where the name `ringmain` resolves.
    let source = std::fs::read_to_string(paths::root().join(PROGRAMS).join("ack.mjs"))?;
    command
        .current_dir(paths::root().join("examples"))
        .args(["--input-type=module", "--eval"])
        .arg(source)
        .arg("--");
    Ok(command)
}

fn rust_program(_: &Path, log: &mut Log) -> Result<Command> {
    let mut build = cargo();
    build.args(["build", "--workspace", "--bin", "cross-language"]).args(rust::FEATURES);
    log.run(&mut build)?.check()?;
    Ok(program(paths::target().join("debug/cross-language")))
}
