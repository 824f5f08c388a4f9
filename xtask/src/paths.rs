//! Where things are: the repository, the directory of what is built, and the caller's directory.

use std::env;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> &'static Path {
    let manifest_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_directory.parent().unwrap_or(manifest_directory)
}

/// Where everything that is built goes: `target`, or what `CARGO_TARGET_DIR` says.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |directory| from_caller(directory.as_ref()))
}

/// A path that the caller gave, as seen from any directory. `./x` changes the directory and says where it was called.
pub fn from_caller(path: &Path) -> PathBuf {
    let called_from = env::var_os("X_CALLED_FROM").map(PathBuf::from).or_else(|| env::current_dir().ok());
    called_from.unwrap_or_default().join(path)
}

/// A path as a person wants to read it: relative to the repository if it is inside.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
