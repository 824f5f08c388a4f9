//! C programs against the committed header and the static library.

use crate::paths;
use crate::shell::{Shell, program};
use anyhow::Result;
use std::path::Path;

/// Compiles one C file of the repository into a program. The library must be built in release already.
///
/// # Errors
///
/// There is no C compiler, or it finds fault.
pub fn compile(source: &str, program_path: &Path, shell: &Shell) -> Result<()> {
    if let Some(directory) = program_path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    shell.run(
        program("cc")
            .args(["-O2", "-Wall", "-Wextra", "-I", "ffi/include", "-o"])
            .arg(program_path)
            .arg(source)
            .arg(paths::target().join("release").join("libringmain.a"))
            .args(["-lpthread", "-ldl", "-lm"]),
    )
}
