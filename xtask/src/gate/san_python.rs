//! The Python suite under AddressSanitizer: the compiled half of the package, and all that it is made of, in an ordinary
//! interpreter that has the sanitizer's runtime loaded before anything else.
//!
//! The interpreter allocates by malloc meanwhile, so that its objects are looked after too. Leaks are left to the tests that
//! count: an interpreter leaks by design.

use super::program::Build;
use crate::paths;
use crate::shell::program;
use crate::test::count::{Counts, pytest};
use crate::test::log::Log;
use crate::tools::{output_of, python::Python};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "bindings/python";

/// What a program does that the sanitizer must report: it reads a byte that was given back.
const PLANTED: &str = "import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
place = libc.malloc(8)
libc.free(place)
ctypes.string_at(place, 8)";

/// Runs the suite, and a program that must be reported. The line to show, and the counts.
///
/// # Errors
///
/// Something could not be built, or there is no Python.
pub fn suite(log: &mut Log) -> Result<(String, Counts)> {
    let Some(runtime) = runtime()? else {
        return Ok((
            "python: skipped: the C compiler comes without libasan".to_owned(),
            Counts { skipped: 1, ..Counts::default() },
        ));
    };
    let site = lay_out(&build(log)?)?;
    let environment = Python::find()?.prepare(&log.shell()?)?;
    let under = |command: &mut Command| {
        command
            .env("LD_PRELOAD", &runtime)
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .env("PYTHONMALLOC", "malloc")
            .env("PYTHONPATH", &site)
            .current_dir(paths::root().join(PACKAGE));
    };
    let mut planted = environment.python();
    under(planted.args(["-c", PLANTED]));
    let output = planted.output().context("cannot start Python")?;
    let is_reported = String::from_utf8_lossy(&output.stderr).contains("heap-use-after-free");
    log.say(&format!("a planted bug is {}", if is_reported { "reported" } else { "NOT reported" }))?;

    let mut tests = environment.python();
    // The types are the same, and nothing of ours runs when they are checked.
    let arguments = ["-m", "pytest", "--color=no", "-p", "no:cacheprovider", "--ignore=tests/test_typing.py"];
    under(tests.args(arguments));
    let counts = Counts::of(&log.run(&mut tests)?, pytest) + Counts::one(is_reported);
    let Counts { passed, failed, .. } = counts;
    Ok((format!("python: {passed} passed, {failed} failed; 1 planted bug"), counts))
}

/// The compiled half, with the sanitizer's checks in all of it.
fn build(log: &mut Log) -> Result<PathBuf> {
    let (mut command, directory) = Build { features: &[], sanitizer: Some("address") }.cargo("build")?;
    command.args(["--package", "ringmain-python"]);
    log.run(&mut command)?.check()?;
    let library = directory.join("debug").join("libringmain_python.so");
    let bytes = std::fs::read(&library).with_context(|| format!("cannot read {}", paths::shown(&library)))?;
    let is_checked = bytes.windows(14).any(|window| window == b"__asan_report_");
    ensure!(is_checked, "{} was compiled without the sanitizer", paths::shown(&library));
    Ok(library)
}

/// The package as it is installed, in a folder of its own.
fn lay_out(library: &Path) -> Result<PathBuf> {
    let site = paths::target().join("san-python");
    let package = site.join("ringmain");
    if site.exists() {
        std::fs::remove_dir_all(&site)?;
    }
    let mut folders = vec![(paths::root().join(PACKAGE).join("python/ringmain"), package.clone())];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(&from)? {
            let path = entry?.path();
            let target = to.join(path.file_name().unwrap_or_default());
            if path.is_dir() {
                folders.push((path, target));
            } else if path.extension().is_some_and(|extension| extension == "py") {
                std::fs::copy(&path, target)?;
            }
        }
    }
    std::fs::copy(library, package.join("_core.abi3.so"))?;
    Ok(site)
}

/// The sanitizer's runtime as a library that can be loaded first.
fn runtime() -> Result<Option<String>> {
    let path = output_of(program("cc").arg("-print-file-name=libasan.so"))?;
    // A compiler that does not have it says its name only.
    Ok(Path::new(&path).is_absolute().then_some(path))
}
