//! Node: the packages of `bindings/node` from its lock file, and its addon.

use super::stamp::Stamp;
use super::{native_stamp, output_of};
use crate::paths;
use crate::shell::{Shell, program};
use anyhow::{Result, anyhow, ensure};
use std::path::Path;
use std::process::Command;

/// Where the package is.
pub const PACKAGE: &str = "bindings/node";
/// The examples are a package that depends on the first, so that they import it by its name.
const EXAMPLES: &str = "examples";
/// The oldest major version that works.
const MAJOR_MIN: u32 = 20;

/// A Node that is new enough.
#[derive(Debug)]
pub struct Node {
    version: String,
}

impl Node {
    /// Looks for `node` and `npm`.
    ///
    /// # Errors
    ///
    /// One is missing, or Node is too old.
    pub fn find() -> Result<Self> {
        let version = output_of(program("node").arg("--version"))
            .map_err(|_| anyhow!("node is missing; on Debian: apt-get install nodejs npm"))?;
        let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
        ensure!(major.unwrap_or(0) >= MAJOR_MIN, "node is {version}, {MAJOR_MIN} or later is needed");
        output_of(program("npm").arg("--version"))
            .map_err(|_| anyhow!("npm is missing; on Debian: apt-get install npm"))?;
        Ok(Self { version })
    }

    /// Installs the tools and builds the addon, each unless it is up to date.
    ///
    /// # Errors
    ///
    /// A package cannot be installed, or the addon cannot be built.
    pub fn prepare(&self, shell: &Shell) -> Result<()> {
        self.install(PACKAGE, shell)?;
        self.install(EXAMPLES, shell)?;
        let package = paths::root().join(PACKAGE);
        let modules = package.join("node_modules");
        if !self.addon_stamp(&modules)?.is_current() || !has_addon(&package)? {
            shell.say("building the Node package")?;
            let mut build = program("npm");
            build.args(["run", "build"]).current_dir(&package).env("CARGO_TARGET_DIR", paths::target());
            shell.run(&mut build)?;
            // Taken anew: a build may write files beside the sources.
            self.addon_stamp(&modules)?.keep()?;
        }
        Ok(())
    }

    /// Installs what a directory's lock file names.
    fn install(&self, directory: &str, shell: &Shell) -> Result<()> {
        let path = paths::root().join(directory);
        let modules = path.join("node_modules");
        let mut stamp = Stamp::new(modules.join("install.stamp"));
        stamp.text(&self.version);
        stamp.sources(&[&format!("{directory}/package.json"), &format!("{directory}/package-lock.json")])?;
        if stamp.is_current() {
            return Ok(());
        }
        shell.say(&format!("installing the Node packages of {directory}"))?;
        // The package's own scripts would build it: that is the next step, with its own stamp.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        shell.run(program("npm").args(arguments).current_dir(&path))?;
        // A package without dependencies has no such directory.
        std::fs::create_dir_all(&modules)?;
        stamp.keep()
    }

    fn addon_stamp(&self, modules: &Path) -> Result<Stamp> {
        let mut stamp = native_stamp(modules.join("addon.stamp"), PACKAGE)?;
        stamp.text(&self.version);
        Ok(stamp)
    }

    /// Node, to be run in the repository.
    pub fn node(&self) -> Command {
        program("node")
    }
}

fn has_addon(package: &Path) -> Result<bool> {
    let mut entries = std::fs::read_dir(package)?;
    Ok(entries.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "node"))))
}
