//! `ringmain.hpp`: a program that uses what it has, by both standards that it is for, and clean under the address sanitizer.

mod library;

use std::path::Path;

/// What programs that include the header may be strict about.
const STRICT: [&str; 3] = ["-Wshadow", "-Wconversion", "-Wsign-conversion"];

/// Compiles and runs the program.
fn run(standard: &str, flags: &[&str]) {
    if !library::has_cpp() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("nouns.cpp");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cpp/nouns.cpp"), &source).unwrap();
    let output = library::run(&source, standard, flags, &[]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out == "ok\n", "{}: {out}{err}", output.status);
}

#[test]
fn what_the_cpp_header_has_does_what_it_says_in_cpp_17() {
    run("-std=c++17", &STRICT);
}

#[test]
fn what_the_cpp_header_has_does_what_it_says_in_cpp_20() {
    run("-std=c++20", &STRICT);
}

#[test]
fn what_the_cpp_header_has_is_clean_under_the_address_sanitizer() {
    run("-std=c++17", &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
}
