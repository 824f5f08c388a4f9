//! The Python package: a wheel for this platform, built from the source distribution, so that this one is shown to be whole.

use super::{Arguments, Made, files, fresh, glibc};
use crate::paths;
use crate::shell::Shell;
use crate::tools::python::Python;
use anyhow::{Context, Result};
use std::path::Path;

pub fn make(directory: &Path, _: &Arguments) -> Result<Vec<Made>> {
    let environment = Python::find()?.tools(&Shell::Open)?;
    // Without a policy named, maturin looks at the symbols and names the oldest that the wheel satisfies.
    let mut build = environment.python();
    build.args([
        "-m",
        "maturin",
        "build",
        "--release",
        "--strip",
        "--sdist",
        "--compatibility",
        "pypi",
        "--out",
    ]);
    build.arg(directory).args(["--manifest-path", "bindings/python/Cargo.toml"]);
    Shell::Open.run(build.env("CARGO_TARGET_DIR", paths::target()))?;

    let wheels = files(directory, ".whl")?;
    let wheel = wheels.first().context("maturin made no wheel")?;
    let user = fresh(paths::target().join("package/use-wheel"))?;
    let mut install = environment.python();
    install.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]);
    Shell::Open.run(install.arg(&user).arg(wheel))?;
    let mut run = environment.python();
    // -I and -S: nothing but the standard library and the folder; not the package that the tests installed.
    run.args([
        "-I",
        "-S",
        "-c",
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2])",
    ]);
    run.arg(&user).arg(paths::root().join("examples/readme/snippet.py"));
    Shell::Open.run(run.current_dir(&user))?;

    let glibc = glibc::needed_by(&user.join("ringmain/_core.abi3.so"))?;
    let mut made = vec![Made { file: wheel.clone(), checked: "installed and run", glibc }];
    for file in files(directory, ".tar.gz")? {
        made.push(Made { file, checked: "the wheel is built from it", glibc: None });
    }
    Ok(made)
}
