//! Builds libringmain as a C program gets it: cargo builds no cdylib or staticlib for a test of itself.

use std::path::{Path, PathBuf};
use std::process::Command;
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
