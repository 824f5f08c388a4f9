//! What `./x install` leaves behind is what a C or C++ program needs: the examples are compiled against nothing else, by hand, by pkg-config
//! and by CMake, with the shared and the static library, and run.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What each example prints.
const EXPECTED: [(&str, &str); 4] = [
    ("queue", "dead: bounces\n"),
    ("stream", "read 3, 2 of them of N14228\nbilled 3, 0 to go\n"),
    ("poll", "received 100\n"),
    ("worker", "complaint: nothing at offset 1\n3 done, 0 to go\n"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn check(what: &str, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The prefix that everything was installed below, staged as a packager does and then moved there, once for all tests.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, prefix) = PREFIX.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let (stage, prefix) = (directory.path().join("stage"), directory.path().join("usr"));
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--package", "xtask", "--", "install", "--debug", "--prefix"]);
        cargo.arg(&prefix).env("DESTDIR", &stage).current_dir(root());
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
        check("install", &cargo.output().unwrap());
        assert!(!prefix.exists(), "everything goes below DESTDIR");
        std::fs::rename(stage.join(prefix.strip_prefix("/").unwrap()), &prefix).unwrap();
        (directory, prefix)
    });
    prefix
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("SKIPPED: there is no {program} on this machine");
    }
    found
}

/// Each example with its compiler and the standards that it is written in.
fn examples() -> Vec<(PathBuf, &'static str, &'static str, &'static str)> {
    let mut examples = Vec::new();
    for (name, expected) in EXPECTED {
        examples.push((root().join(format!("examples/c/{name}.c")), "gcc", "-std=c11", expected));
        for standard in ["-std=c++17", "-std=c++20"] {
            examples.push((root().join(format!("examples/cpp/{name}.cpp")), "g++", standard, expected));
        }
    }
    examples
}

/// Compiles all examples with these flags and runs them.
fn compile_and_run(what: &str, flags: &[String]) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program");
    for (source, compiler, standard, expected) in examples() {
        if !has(compiler) {
            continue;
        }
        let what = format!("{what}: {} {standard}", source.display());
        let mut command = Command::new(compiler);
        command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(&source).args(flags);
        check(&what, &command.args(["-lpthread", "-o"]).arg(&program).output().unwrap());
        let output = Command::new(&program).env("LD_LIBRARY_PATH", prefix().join("lib")).output().unwrap();
        let printed = check(&what, &output);
        assert!(printed.ends_with(expected), "{what}: {printed}");
    }
}

/// What pkg-config says.
fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).args(arguments).arg("ringmain");
    let words = check("pkg-config", &command.output().unwrap());
    words.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_files_and_links_are_where_they_belong() {
    let lib = prefix().join("lib");
    for name in ["../include/ringmain.h", "../include/ringmain.hpp", "libringmain.a", "pkgconfig/ringmain.pc"]
    {
        assert!(lib.join(name).is_file(), "{name}");
    }
    let target = |link: &str| std::fs::read_link(lib.join(link)).unwrap();
    assert_eq!(target("libringmain.so"), Path::new("libringmain.so.0"));
    assert_eq!(
        target("libringmain.so.0"),
        Path::new(&format!("libringmain.so.{}", env!("CARGO_PKG_VERSION")))
    );
    let listing = Command::new("readelf").arg("-d").arg(lib.join("libringmain.so")).output().unwrap();
    let listing = check("readelf", &listing);
    assert!(
        listing.lines().any(|line| line.contains("SONAME") && line.contains("[libringmain.so.0]")),
        "{listing}"
    );
}

#[test]
fn the_examples_compile_with_the_shared_library_and_run() {
    let prefix = prefix().display();
    compile_and_run(
        "shared",
        &[format!("-I{prefix}/include"), format!("-L{prefix}/lib"), "-lringmain".into()],
    );
}

#[test]
fn the_examples_compile_with_the_static_library_and_run() {
    let prefix = prefix().display();
    let archive = format!("{prefix}/lib/libringmain.a");
    let flags = [format!("-I{prefix}/include"), archive, "-ldl".into(), "-lm".into(), "-lgcc_s".into()];
    compile_and_run("static", &flags);
}

#[test]
fn the_examples_compile_with_what_pkg_config_says() {
    if has("pkg-config") {
        assert_eq!(pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
        compile_and_run("pkg-config", &pkg_config(&["--cflags", "--libs"]));
        assert!(pkg_config(&["--libs", "--static"]).contains(&"-ldl".to_owned()));
    }
}

#[test]
fn the_examples_compile_with_cmake_and_another_minor_version_is_refused() {
    if !has("cmake") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path();
    let configure = |version: &str| {
        let text = format!(
            "cmake_minimum_required(VERSION 3.10)\n\
             project(examples C CXX)\n\
             set(CMAKE_CXX_STANDARD 17)\n\
             find_package(Threads REQUIRED)\n\
             find_package(ringmain {version} REQUIRED)\n\
             foreach(name queue stream poll worker)\n\
             add_executable(c_${{name}} {root}/examples/c/${{name}}.c)\n\
             target_link_libraries(c_${{name}} ringmain::ringmain Threads::Threads)\n\
             add_executable(cpp_${{name}} {root}/examples/cpp/${{name}}.cpp)\n\
             target_link_libraries(cpp_${{name}} ringmain::ringmain_static Threads::Threads)\n\
             endforeach()\n",
            root = root().display()
        );
        std::fs::write(project.join("CMakeLists.txt"), text).unwrap();
        let build = project.join(format!("build{version}"));
        let mut cmake = Command::new("cmake");
        cmake.arg("-S").arg(project).arg("-B").arg(&build);
        cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
        (cmake.output().unwrap(), build)
    };
    for version in ["9.0", "0.0", "0.10"] {
        assert!(!configure(version).0.status.success(), "it took version {version}");
    }
    for version in ["0.1", ""] {
        check("cmake", &configure(version).0);
    }
    let build = project.join("build");
    check("cmake --build", &Command::new("cmake").arg("--build").arg(&build).output().unwrap());
    for (name, expected) in EXPECTED {
        for language in ["c", "cpp"] {
            let output = Command::new(build.join(format!("{language}_{name}"))).output().unwrap();
            assert!(check(name, &output).ends_with(expected), "{language} {name}");
        }
    }
}

/// To write it anew: `RINGMAIN_BLESS=1 cargo test -p ringmain-ffi --test install symbols`.
#[test]
fn the_installed_library_exports_the_committed_list_of_symbols() {
    let mut nm = Command::new("nm");
    let listing = check(
        "nm",
        &nm.args(["-D", "--defined-only"]).arg(prefix().join("lib/libringmain.so")).output().unwrap(),
    );
    let symbols: BTreeSet<&str> =
        listing.lines().map(|line| line.split_whitespace().last().unwrap_or_default()).collect();
    let made: String = symbols.iter().flat_map(|symbol| [symbol, "\n"]).collect();
    let path = root().join("ffi/symbols.txt");
    if std::env::var_os("RINGMAIN_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let committed: BTreeSet<&str> = committed.lines().collect();
    let (gone, new) = (committed.difference(&symbols), symbols.difference(&committed));
    let (gone, new): (Vec<_>, Vec<_>) = (gone.collect(), new.collect());
    assert!(
        gone.is_empty() && new.is_empty(),
        "ffi/symbols.txt: no longer there: {gone:?}, not listed: {new:?}; a symbol that is gone breaks programs; \
         run with RINGMAIN_BLESS=1 to write the list anew"
    );
}
