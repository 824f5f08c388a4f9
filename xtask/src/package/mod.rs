//! `./x package`: everything that a release publishes, made on this machine and used once as its users will.
//!
//! Nothing is published here: what is made lies in `target/package`, and a table says what each file needs and how it was checked.

mod c;
mod crates;
mod glibc;
mod npm;
mod wheels;

use crate::paths;
use crate::shell::Shell;
use crate::table::Table;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Options of `./x package`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these kinds: crates, wheels, npm, c; all without.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// Take the working tree as it is, with changes that are not committed.
    #[arg(long)]
    allow_dirty: bool,
}

/// What is published in one place.
struct Kind {
    name: &'static str,
    /// Makes it below the directory.
    make: fn(&Path, &Arguments) -> Result<Vec<Made>>,
}

const KINDS: [Kind; 4] = [
    Kind { name: "crates", make: crates::make },
    Kind { name: "wheels", make: wheels::make },
    Kind { name: "npm", make: npm::make },
    Kind { name: "c", make: c::make },
];

/// A file to publish.
struct Made {
    file: PathBuf,
    /// What was done with it, for a reader.
    checked: &'static str,
    /// The oldest glibc that it runs with; nothing for sources.
    glibc: Option<glibc::Version>,
}

/// A platform of the matrix in `bindings/node/npm/platforms.json`, which is that of the wheels and of the C library as well.
#[derive(Debug, Deserialize)]
struct Platform {
    target: String,
    tested: bool,
}

/// Makes the kinds that were asked for.
///
/// # Errors
///
/// A kind does not exist, cannot be made, or does not work when it is used.
pub fn package(arguments: &Arguments) -> Result<ExitCode> {
    let kinds = asked(&arguments.kinds)?;
    let root = paths::target().join("package");
    let mut table = Table::new(&["file", "KiB", "glibc", "checked"]);
    for kind in kinds {
        eprintln!("x: {}", kind.name);
        let directory = fresh(root.join(kind.name))?;
        for made in (kind.make)(&directory, arguments).with_context(|| kind.name)? {
            let name = made.file.strip_prefix(&root).unwrap_or(&made.file).display().to_string();
            let size = std::fs::metadata(&made.file).with_context(|| name.clone())?.len();
            let glibc = made.glibc.map(|version| format!("{version}"));
            let size = crate::table::grouped(size.div_ceil(1024));
            table.row(&name, &[Some(size), glibc, Some(made.checked.to_owned())]);
        }
    }
    show!("{table}");
    show!("not built and not tested: {}", untested()?.join(", "));
    Ok(ExitCode::SUCCESS)
}

fn asked(names: &[String]) -> Result<Vec<&'static Kind>> {
    if let Some(unknown) = names.iter().find(|name| KINDS.iter().all(|kind| kind.name != **name)) {
        bail!(
            "there is no kind of package {unknown:?}; there are: {}",
            KINDS.map(|kind| kind.name).join(", ")
        );
    }
    Ok(KINDS.iter().filter(|kind| names.is_empty() || names.iter().any(|name| name == kind.name)).collect())
}

fn platforms() -> Result<Vec<Platform>> {
    let file = paths::root().join("bindings/node/npm/platforms.json");
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", paths::shown(&file)))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Targets of the matrix that no test has run on.
fn untested() -> Result<Vec<String>> {
    Ok(platforms()?.into_iter().filter(|platform| !platform.tested).map(|platform| platform.target).collect())
}

/// An empty directory.
fn fresh(directory: PathBuf) -> Result<PathBuf> {
    let cannot = || format!("cannot make {}", paths::shown(&directory));
    if directory.exists() {
        std::fs::remove_dir_all(&directory).with_context(cannot)?;
    }
    std::fs::create_dir_all(&directory).with_context(cannot)?;
    Ok(directory)
}

/// Files of a directory with this ending.
fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", paths::shown(directory)))?;
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A copy of a built library, without what only a debugger reads.
fn stripped(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy {}", paths::shown(from)))?;
    Shell::Open.run(crate::shell::program("strip").arg("--strip-debug").arg(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> String {
        std::fs::read_to_string(paths::root().join(name)).unwrap()
    }

    #[test]
    fn an_unknown_kind_is_answered_with_those_there_are() {
        assert_eq!(asked(&[]).unwrap().len(), KINDS.len());
        assert_eq!(asked(&["npm".to_owned()]).unwrap()[0].name, "npm");
        let error = asked(&["rpm".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("\"rpm\"") && error.contains("crates, wheels, npm, c"), "{error}");
    }

    #[test]
    fn every_package_has_the_version_of_the_workspace() {
        let npm: serde_json::Value = serde_json::from_str(&page("bindings/node/package.json")).unwrap();
        assert_eq!(npm["version"], VERSION);
        let python: toml::Table = page("bindings/python/pyproject.toml").parse().unwrap();
        assert_eq!(python["project"]["dynamic"][0].as_str(), Some("version"), "maturin takes Cargo's");
    }

    #[test]
    fn only_the_core_goes_to_the_registry_of_crates_with_all_that_it_asks_for() {
        let workspace: toml::Table = page("Cargo.toml").parse().unwrap();
        for member in workspace["workspace"]["members"].as_array().unwrap() {
            let member = member.as_str().unwrap();
            let manifest: toml::Table = page(&format!("{member}/Cargo.toml")).parse().unwrap();
            let package = &manifest["package"];
            let is_published = package.get("publish").and_then(toml::Value::as_bool) != Some(false);
            assert_eq!(is_published, member == "core", "{member}");
        }
        let core: toml::Table = page("core/Cargo.toml").parse().unwrap();
        for field in ["description", "license", "repository", "readme", "rust-version", "documentation"] {
            assert!(core["package"].get(field).is_some(), "{field}");
        }
        let list = |name: &str| core["package"][name].as_array().unwrap().clone();
        assert!(["keywords", "categories"].iter().all(|name| (1..=5).contains(&list(name).len())));
        assert!(list("keywords").iter().all(|word| word.as_str().unwrap().len() <= 20));
    }

    #[test]
    fn every_package_has_both_licences() {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let text = page(licence);
            for package in ["core", "bindings/python"] {
                assert_eq!(page(&format!("{package}/{licence}")), text, "{package}");
            }
        }
    }

    #[test]
    fn the_page_of_compatibility_says_which_platforms_nothing_was_tested_on() {
        let page = page("docs/compatibility.md");
        for target in untested().unwrap() {
            assert!(page.contains(&format!("`{target}`")), "{target}");
        }
        assert!(
            platforms()
                .unwrap()
                .iter()
                .any(|platform| platform.tested && platform.target == "x86_64-unknown-linux-gnu")
        );
    }
}
