//! The Node packages: the one that users name, and the native half for this platform.

use super::{Arguments, Made, files, fresh, glibc, stripped};
use crate::paths;
use crate::shell::{Shell, program};
use crate::tools::node::Node;
use anyhow::{Context, Result, ensure};
use std::path::Path;

pub fn make(directory: &Path, _: &Arguments) -> Result<Vec<Made>> {
    let package = paths::root().join("bindings/node");
    let node = Node::find()?;
    node.prepare(&Shell::Open)?;
    let unpacked = fresh(paths::target().join("package/use-npm/node_modules"))?;
    Shell::Open.run(node.node().arg(package.join("npm/pack.js")).arg(&unpacked).current_dir(&package))?;
    let mut made = Vec::new();
    for entry in std::fs::read_dir(&unpacked)? {
        let folder = entry?.path();
        let addon = folder.join("ringmain.node");
        let mut glibc = None;
        if addon.exists() {
            stripped(&package.join("ringmain.node"), &addon)?;
            glibc = glibc::needed_by(&addon)?;
        }
        let mut pack = program("npm");
        pack.args(["pack", "--silent", "--pack-destination"]).arg(directory).current_dir(&folder);
        Shell::Open.run(&mut pack)?;
        // What npm took, and not what lies in the folder, is what the example runs with.
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let packed = files(directory, ".tgz")?
            .into_iter()
            .find(|file| made.iter().all(|made: &Made| made.file != *file))
            .with_context(|| format!("npm packed no {name}"))?;
        let mut unpack = program("tar");
        unpack.arg("-xzf").arg(&packed).args(["--strip-components", "1", "-C"]);
        Shell::Open.run(unpack.arg(fresh(folder.clone())?))?;
        ensure!(folder.join("LICENSE-MIT").exists(), "{name} has no licence");
        made.push(Made { file: packed, checked: "unpacked and run", glibc });
    }
    let user = unpacked.parent().unwrap_or(&unpacked);
    let example = user.join("snippet.mjs");
    std::fs::copy(paths::root().join("examples/readme/snippet.mjs"), &example)?;
    Shell::Open.run(node.node().arg(&example).current_dir(user))?;
    Ok(made)
}
