//! The published source of loom with our patch: stock loom does not see the races of stamps and indices.

use super::{MODELS, files_below, read, write};
use crate::{paths, shell};
use anyhow::{Context, Result, bail, ensure};
use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the patch was written for.
const VERSION: &str = "0.7.2";
const CHECKSUM: &str = "419e0dc8046cb947daa77eb95ae174acfbddb7673b4151f56d1eed8e93fbfaca";

/// Puts the patched source where the models' manifest expects it.
///
/// # Errors
///
/// The published source is not the one that the patch was written for, or cannot be had.
pub fn prepare() -> Result<()> {
    check_lock(&read(&paths::root().join("Cargo.lock"))?)?;
    let published = find()?;
    let patch = read(&paths::root().join(MODELS.folder).join("loom.patch"))?;
    let mut sources = BTreeMap::new();
    for file in files_below(&published.join("src"))?.into_iter().chain([published.join("Cargo.toml")]) {
        let name = file.strip_prefix(&published)?.to_string_lossy().into_owned();
        sources.insert(name, read(&file)?);
    }
    apply(&mut sources, &patch)?;
    let folder = MODELS.generated().join(format!("loom-{VERSION}"));
    for (name, text) in sources {
        write(&folder.join(name), &text)?;
    }
    Ok(())
}

/// Cargo has compared what it downloaded with the checksum of the lock file; this compares that with ours.
fn check_lock(lock: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("Cargo.lock is damaged")?;
    let locked = lock.package.into_iter().find(|package| package.name == "loom");
    let locked = locked.context("Cargo.lock has no loom, which xtask/Cargo.toml names")?;
    ensure!(
        locked.version == VERSION && locked.checksum.as_deref() == Some(CHECKSUM),
        "{}/loom.patch is for loom {VERSION} with checksum {CHECKSUM}, but Cargo.lock has {} with {}: \
         renew the patch, or the lock",
        MODELS.folder,
        locked.version,
        locked.checksum.as_deref().unwrap_or("none")
    );
    Ok(())
}

/// Where cargo keeps the published source, fetched if need be.
fn find() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        manifest_path: PathBuf,
    }
    let mut command = shell::cargo();
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", &host()?]);
    // What `xtask/Cargo.toml` names loom for. Nothing is compiled.
    command.env("RUSTFLAGS", "--cfg ringmain_loom").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let output = command.output().context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cannot fetch loom {VERSION}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let loom = metadata.packages.into_iter().find(|package| package.name == "loom");
    let manifest = loom.context("cargo metadata does not name loom")?.manifest_path;
    Ok(manifest.parent().map(Path::to_owned).unwrap_or_default())
}

/// The triple of this machine.
///
/// # Errors
///
/// The compiler does not say.
pub fn host() -> Result<String> {
    let output = shell::program("rustc").arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// Applies a patch to texts by their names.
fn apply(sources: &mut BTreeMap<String, String>, patch: &str) -> Result<()> {
    let mut count = 0;
    for file in PatchSet::parse(patch, ParseOptions::unidiff()) {
        let file = file.context("the patch is damaged")?;
        let FileOperation::Modify { original, .. } = file.operation().strip_prefix(1) else {
            bail!("the patch does more than modify files")
        };
        let source =
            sources.get_mut(&*original).with_context(|| format!("{original} is not in the crate"))?;
        let changes = file.patch().as_text().context("the patch is not text")?;
        *source = diffy::apply(source, changes)
            .with_context(|| format!("{original} is not what the patch was written for"))?;
        count += 1;
    }
    ensure!(count > 0, "the patch is empty");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "a comment\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n";

    fn patched(text: &str) -> Result<String> {
        let mut sources = BTreeMap::from([("src/a.rs".to_owned(), text.to_owned())]);
        apply(&mut sources, PATCH)?;
        Ok(sources.remove("src/a.rs").unwrap())
    }

    #[test]
    fn a_patch_is_applied_to_the_text_that_it_was_written_for() {
        assert_eq!(patched("one\ntwo\nthree\n").unwrap(), "one\nzwei\nthree\n");
        let error = format!("{:#}", patched("one\nthree\n").unwrap_err());
        assert!(error.contains("src/a.rs"), "{error}");
        assert!(apply(&mut BTreeMap::new(), PATCH).is_err());
        assert!(apply(&mut BTreeMap::new(), "").is_err());
    }

    #[test]
    fn another_version_or_checksum_is_refused() {
        let lock = |version: &str, checksum: &str| {
            format!("[[package]]\nname = \"loom\"\nversion = \"{version}\"\nchecksum = \"{checksum}\"\n")
        };
        check_lock(&lock(VERSION, CHECKSUM)).unwrap();
        let error = check_lock(&lock("0.7.3", CHECKSUM)).unwrap_err().to_string();
        assert!(error.contains("0.7.3") && error.contains(VERSION), "{error}");
        assert!(check_lock(&lock(VERSION, "0")).is_err());
        assert!(check_lock("package = []").is_err());
    }

    #[test]
    fn the_lock_of_this_repository_is_the_one_that_the_patch_is_for() {
        check_lock(&read(&paths::root().join("Cargo.lock")).unwrap()).unwrap();
    }
}
