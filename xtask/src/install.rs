//! `./x install`: the C surface as other programs find it: headers, libraries, pkg-config and CMake files.
//!
//! Below `--prefix`, in the usual folders, and all of it below `DESTDIR` if the environment has one, as packagers want. What is installed may
//! be moved as a whole: the files find each other.

use crate::paths;
use crate::shell::{Shell, cargo};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

/// The soname's number: programs that were linked with a library of another one do not start with this one.
const SONAME_VERSION: &str = "0";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the static library needs beside itself.
const LIBRARIES_OF_THE_SYSTEM: [&str; 4] = ["-lpthread", "-ldl", "-lm", "-lgcc_s"];

/// Options of `./x install`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to, such as /usr/local.
    #[arg(long, value_name = "DIR")]
    prefix: PathBuf,
    /// The folder of the libraries below the prefix, such as lib/x86_64-linux-gnu.
    #[arg(long, value_name = "DIR", default_value = "lib")]
    libdir: PathBuf,
    /// Libraries that are built quicker and run slower, for tests.
    #[arg(long)]
    debug: bool,
}

/// Builds and installs.
///
/// # Errors
///
/// The library cannot be built for this system, or a file cannot be written.
pub fn install(arguments: &Arguments) -> Result<ExitCode> {
    if !cfg!(target_os = "linux") {
        bail!("installing is for Linux as yet: elsewhere shared libraries have other names");
    }
    let is_below = |part: Component<'_>| matches!(part, Component::Normal(_));
    ensure!(
        arguments.libdir.components().all(is_below),
        "--libdir {}: it is a folder below the prefix, such as lib",
        arguments.libdir.display()
    );
    let prefix = paths::from_caller(&arguments.prefix);
    let place = Place {
        root: staged(std::env::var_os("DESTDIR"), &prefix),
        prefix,
        libdir: arguments.libdir.clone(),
    };
    place.fill(&build(arguments.debug)?)?;
    show!("installed below {}", place.root.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds, and writes below `root` what will lie below `prefix`.
///
/// # Errors
///
/// As [`install`].
pub fn stage(root: &Path, prefix: &Path) -> Result<()> {
    let place = Place { root: root.to_path_buf(), prefix: prefix.to_path_buf(), libdir: "lib".into() };
    place.fill(&build(false)?)
}

/// Builds both libraries, the shared one with its soname. Where they are.
fn build(is_debug: bool) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["rustc", "--lib", "--package", "ringmain-ffi"]);
    if !is_debug {
        command.arg("--release");
    }
    let soname = format!("link-arg=-Wl,-soname,libringmain.so.{SONAME_VERSION}");
    Shell::Open.run(command.args(["--", "-C", &soname]))?;
    Ok(paths::target().join(if is_debug { "debug" } else { "release" }))
}

/// The prefix below `DESTDIR`.
fn staged(destdir: Option<OsString>, prefix: &Path) -> PathBuf {
    match destdir.filter(|directory| !directory.is_empty()) {
        Some(directory) => {
            paths::from_caller(Path::new(&directory)).join(prefix.strip_prefix("/").unwrap_or(prefix))
        }
        None => prefix.to_path_buf(),
    }
}

/// Name and target of each link beside the shared library.
fn links() -> [(&'static str, String); 2] {
    let soname = format!("libringmain.so.{SONAME_VERSION}");
    [("libringmain.so.0", format!("libringmain.so.{VERSION}")), ("libringmain.so", soname)]
}

struct Place {
    /// Where things are written.
    root: PathBuf,
    /// Where they will be.
    prefix: PathBuf,
    /// Below either.
    libdir: PathBuf,
}

impl Place {
    fn fill(&self, built: &Path) -> Result<()> {
        for (name, content) in self.files(built)? {
            self.write(&name, &content)?;
        }
        for (link, target) in links() {
            self.link(&self.libdir.join(link), &target)?;
        }
        Ok(())
    }

    /// Every file, by its name below the root.
    fn files(&self, built: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let read = |path: PathBuf| {
            std::fs::read(&path).with_context(|| format!("cannot read {}", paths::shown(&path)))
        };
        let include = paths::root().join("ffi/include");
        let cmake = self.libdir.join("cmake/ringmain");
        Ok(vec![
            ("include/ringmain.h".into(), read(include.join("ringmain.h"))?),
            ("include/ringmain.hpp".into(), read(include.join("ringmain.hpp"))?),
            (self.libdir.join(format!("libringmain.so.{VERSION}")), read(built.join("libringmain.so"))?),
            (self.libdir.join("libringmain.a"), read(built.join("libringmain.a"))?),
            (self.libdir.join("pkgconfig/ringmain.pc"), self.pkg_config().into_bytes()),
            (cmake.join("ringmainConfig.cmake"), self.cmake().into_bytes()),
            (cmake.join("ringmainConfigVersion.cmake"), cmake_version().into_bytes()),
        ])
    }

    fn write(&self, name: &Path, content: &[u8]) -> Result<()> {
        let path = self.root.join(name);
        let directory = path.parent().unwrap_or(&self.root);
        let cannot = || format!("cannot write {}", path.display());
        std::fs::create_dir_all(directory).with_context(cannot)?;
        // A program that has the old one open keeps it.
        let new = path.with_extension("new");
        std::fs::write(&new, content).with_context(cannot)?;
        std::fs::rename(&new, &path).with_context(cannot)
    }

    fn link(&self, name: &Path, target: &str) -> Result<()> {
        let path = self.root.join(name);
        if path.symlink_metadata().is_ok() {
            std::fs::remove_file(&path).with_context(|| format!("cannot replace {}", path.display()))?;
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(target, &path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        #[cfg(not(unix))]
        let _ = target;
        Ok(())
    }

    fn pkg_config(&self) -> String {
        format!(
            "prefix={}\n\
             libdir=${{prefix}}/{}\n\
             includedir=${{prefix}}/include\n\
             \n\
             Name: Ringmain\n\
             Description: Embeddable task queues and event streams\n\
             Version: {VERSION}\n\
             Cflags: -I${{includedir}}\n\
             Libs: -L${{libdir}} -lringmain\n\
             Libs.private: {}\n",
            self.prefix.display(),
            self.libdir.display(),
            LIBRARIES_OF_THE_SYSTEM.join(" "),
        )
    }

    /// Finds the prefix from where it is itself.
    fn cmake(&self) -> String {
        let up = "/..".repeat(self.libdir.components().count() + 2);
        let libdir = self.libdir.display();
        let needed = LIBRARIES_OF_THE_SYSTEM.map(|library| &library[2..]).join(";");
        format!(
            r#"# Targets: ringmain::ringmain, the shared library; ringmain::ringmain_static.
get_filename_component(RINGMAIN_PREFIX "${{CMAKE_CURRENT_LIST_DIR}}{up}" ABSOLUTE)
if(NOT TARGET ringmain::ringmain)
  add_library(ringmain::ringmain SHARED IMPORTED)
  set_target_properties(ringmain::ringmain PROPERTIES
    IMPORTED_LOCATION "${{RINGMAIN_PREFIX}}/{libdir}/libringmain.so.{VERSION}"
    IMPORTED_SONAME "libringmain.so.{SONAME_VERSION}"
    INTERFACE_INCLUDE_DIRECTORIES "${{RINGMAIN_PREFIX}}/include")
  add_library(ringmain::ringmain_static STATIC IMPORTED)
  set_target_properties(ringmain::ringmain_static PROPERTIES
    IMPORTED_LOCATION "${{RINGMAIN_PREFIX}}/{libdir}/libringmain.a"
    INTERFACE_INCLUDE_DIRECTORIES "${{RINGMAIN_PREFIX}}/include"
    INTERFACE_LINK_LIBRARIES "{needed}")
endif()
"#
        )
    }
}

/// Before 1.0 a program takes any patch of the minor version that it asks for, and no other.
fn cmake_version() -> String {
    let minor = VERSION.rsplit_once('.').map_or(VERSION, |(minor, _)| minor);
    let pattern = minor.replace('.', "\\\\.");
    format!(
        r#"set(PACKAGE_VERSION "{VERSION}")
if(PACKAGE_FIND_VERSION AND (PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR NOT PACKAGE_FIND_VERSION MATCHES "^{pattern}(\\.|$)"))
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_staged_lies_below_destdir_and_speaks_of_the_prefix() {
        let root = staged(Some("/stage".into()), Path::new("/usr"));
        assert_eq!(root, Path::new("/stage/usr"));
        assert_eq!(staged(None, Path::new("/usr")), Path::new("/usr"));
        let place = Place { root, prefix: "/usr".into(), libdir: "lib/x86_64-linux-gnu".into() };
        assert!(place.pkg_config().contains("prefix=/usr\nlibdir=${prefix}/lib/x86_64-linux-gnu\n"));
        assert!(place.cmake().contains("${CMAKE_CURRENT_LIST_DIR}/../../../..\""));
    }

    #[test]
    fn the_soname_has_the_major_version() {
        assert_eq!(VERSION.split('.').next(), Some(SONAME_VERSION));
        assert_eq!(links()[0].0, format!("libringmain.so.{SONAME_VERSION}"));
    }
}
