//! The C library: what `./x install` writes, as an archive to be unpacked below /usr/local or elsewhere.

use super::{Arguments, Made, VERSION, fresh, glibc, stripped};
use crate::install;
use crate::paths;
use crate::shell::{Shell, program};
use anyhow::{Context, Result};
use std::path::Path;

pub fn make(directory: &Path, _: &Arguments) -> Result<Vec<Made>> {
    let name = format!("ringmain-{VERSION}-{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let used = fresh(paths::target().join("package/use-c"))?;
    let root = used.join(&name);
    install::stage(&root, Path::new("/usr/local"))?;
    let shared = root.join("lib").join(format!("libringmain.so.{VERSION}"));
    let whole = used.join("whole");
    for library in [&shared, &root.join("lib/libringmain.a")] {
        std::fs::rename(library, &whole).with_context(|| format!("no {}", paths::shown(library)))?;
        stripped(&whole, library)?;
    }
    std::fs::remove_file(&whole)?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        std::fs::copy(paths::root().join(licence), root.join(licence))?;
    }

    let example = used.join("snippet");
    let mut compile = program("cc");
    compile.arg("-o").arg(&example).arg("examples/readme/snippet.c").arg("-I").arg(root.join("include"));
    compile.arg("-L").arg(root.join("lib")).arg("-lringmain");
    Shell::Open.run(&mut compile)?;
    Shell::Open.run(program(&example).env("LD_LIBRARY_PATH", root.join("lib")).current_dir(&used))?;

    let file = directory.join(format!("{name}.tar.gz"));
    let mut archive = program("tar");
    archive.args(["--owner=0", "--group=0", "-czf"]).arg(&file).arg("-C").arg(&used).arg(&name);
    Shell::Open.run(&mut archive)?;
    Ok(vec![Made { file, checked: "compiled against and run", glibc: glibc::needed_by(&shared)? }])
}
