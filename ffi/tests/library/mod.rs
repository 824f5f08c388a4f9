//! Builds libringmain as a C program gets it: cargo builds no cdylib or staticlib for a test of itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Where the libraries are, with `ringmain_test_panic` in them.
pub struct Library {
    /// libringmain.so.
    pub shared: PathBuf,
    /// libringmain.a.
    #[allow(dead_code, reason = "not every test links it")]
    pub archive: PathBuf,
}

/// The libraries, built once per test binary, in the target directory of the test itself.
pub fn built() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--lib", "--package", "ringmain-ffi", "--features", "test-panic"])
            .arg("--target-dir")
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(cargo.status.success(), "cargo build: {}", String::from_utf8_lossy(&cargo.stderr));
        let directory = target.join("debug");
        Library { shared: directory.join("libringmain.so"), archive: directory.join("libringmain.a") }
    })
}

/// Compiles a program as a user would, by its language, and runs it where its source is.
#[allow(dead_code, reason = "not every test has programs of its own")]
pub fn run(source: &Path, standard: &str, flags: &[&str], arguments: &[&Path]) -> Output {
    let is_c = source.extension().is_some_and(|extension| extension == "c");
    let directory = source.parent().unwrap();
    let program = directory.join("program");
    let output = Command::new(compiler(is_c))
        .args([standard, "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .arg("-I")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("include"))
        .args(flags)
        .arg(source)
        .arg(&built().shared)
        .args(["-lpthread", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
    Command::new(&program).args(arguments).current_dir(directory).output().unwrap()
}

/// The compiler of C or of C++ that the user has chosen, or the usual one.
fn compiler(is_c: bool) -> String {
    let (variable, usual) = if is_c { ("CC", "cc") } else { ("CXX", "c++") };
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

/// Whether there is a compiler of C++; says so if there is none.
#[allow(dead_code, reason = "not every test is of C++")]
pub fn has_cpp() -> bool {
    let compiler = compiler(false);
    let found = Command::new(&compiler).arg("--version").output().is_ok();
    if !found {
        println!("SKIPPED: there is no {compiler}");
    }
    found
}
