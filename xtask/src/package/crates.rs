//! The crate: only the core is published for Rust.

use super::{Arguments, Made, VERSION};
use crate::paths;
use crate::shell::{Shell, cargo};
use anyhow::{Context, Result};
use std::path::Path;

/// `cargo package`, which unpacks what it made and builds that.
pub fn make(directory: &Path, arguments: &Arguments) -> Result<Vec<Made>> {
    let mut command = cargo();
    command.args(["package", "--package", "ringmain", "--features", "cron"]);
    if arguments.allow_dirty {
        command.arg("--allow-dirty");
    }
    Shell::Open.run(&mut command)?;
    let name = format!("ringmain-{VERSION}.crate");
    let made = paths::target().join("package").join(&name);
    let file = directory.join(name);
    std::fs::copy(&made, &file).with_context(|| format!("cannot copy {}", paths::shown(&made)))?;
    Ok(vec![Made { file, checked: "unpacked and built", glibc: None }])
}
