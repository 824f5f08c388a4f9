//! `./x bench node`: the Node surface against what its users have now.

use crate::paths;
use crate::shell::{Shell, program};
use crate::tools::node::Node;
use crate::tools::stamp::Stamp;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::ExitCode;

const SUITE: &str = "benches/rivals/node";
const PACKAGE: &str = "bindings/node";

/// Runs the suite.
///
/// # Errors
///
/// It cannot be built or started.
pub fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    let node = Node::find()?;
    install_rivals()?;
    let shell = Shell::Open;
    shell.say("building the Node package")?;
    let mut build = node.node();
    build.args(["build.js", "release"]).current_dir(paths::root().join(PACKAGE));
    shell.run(build.env("CARGO_TARGET_DIR", paths::target()))?;
    let mut suite = node.node();
    suite
        .arg("--expose-gc")
        .arg(paths::root().join(SUITE).join("suite.js"))
        .arg("--out")
        .arg(paths::target().join("bench"))
        .args(arguments);
    let status = suite.status().context("cannot start node")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Installs what the lock file names, unless it is there.
fn install_rivals() -> Result<()> {
    let home = paths::root().join(SUITE);
    let mut stamp = Stamp::new(home.join("node_modules").join("installed.stamp"));
    stamp.sources(&["benches/rivals/node/package.json", "benches/rivals/node/package-lock.json"])?;
    if stamp.is_current() {
        return Ok(());
    }
    let shell = Shell::Open;
    shell.say("installing what the Node package is compared with")?;
    // Not `ci`: it insists on the optional packages of other platforms, which the lock file of this one does not name.
    let install = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    shell.run(program("npm").args(install).current_dir(&home))?;
    stamp.keep()
}
