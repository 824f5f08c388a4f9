//! Compiles C programs as a user would, against the shared and the static library, and runs them.

mod library;

use ringmain::{Message, Retry};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// Time enough for anything that comes at all.
const WAIT: Duration = Duration::from_secs(20);

const WARNINGS: [&str; 4] = ["-std=c99", "-Wall", "-Wextra", "-Werror"];

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> &'static Path {
    package().parent().unwrap()
}

fn compiler() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// The sources of the C tests.
fn test_sources() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(package().join("tests/c")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "c")).collect()
}

/// Compiles and links a program against one of the libraries.
fn compile(sources: &[PathBuf], library: &Path, flags: &[&str], program: &Path) -> Output {
    Command::new(compiler())
        .args(WARNINGS)
        .args(flags)
        .arg("-g")
        .arg("-I")
        .arg(package().join("include"))
        .args(sources)
        .arg(library)
        // What the static library needs; the shared one brings it.
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(program)
        .output()
        .unwrap()
}

fn check(what: &str, output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("--- {what}\n{out}{err}");
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
}

/// Compiles the C tests with one of the libraries and runs them in an empty directory.
fn run_c_tests(what: &str, library: &Path, flags: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("c_tests");
    check(&format!("{what}: compile"), &compile(&test_sources(), library, flags, &program));
    let output = Command::new(&program).arg(directory.path()).output().unwrap();
    check(what, &output);
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    let count: u32 = last.strip_suffix(" passed, 0 failed").and_then(|count| count.parse().ok()).unwrap_or(0);
    assert!(count >= 20, "{what}: {last:?}");
}

#[test]
fn c_programs_work_with_the_shared_library() {
    run_c_tests("shared", &library::built().shared, &[]);
}

#[test]
fn c_programs_work_with_the_static_library() {
    run_c_tests("static", &library::built().archive, &[]);
}

#[test]
fn c_programs_and_misuse_are_clean_under_the_address_sanitizer() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("empty.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let probe = directory.path().join("probe");
    let linked = compile(&[source], &library::built().archive, &["-fsanitize=address"], &probe);
    if !linked.status.success() {
        println!("skipped: {} does not link -fsanitize=address: {linked:?}", compiler());
        return;
    }
    run_c_tests(
        "address sanitizer",
        &library::built().archive,
        &["-fsanitize=address", "-fno-omit-frame-pointer"],
    );
}

#[test]
fn c_programs_and_misuse_leak_nothing_under_valgrind() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: there is no valgrind on this machine");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("c_tests");
    check("valgrind: compile", &compile(&test_sources(), &library::built().shared, &[], &program));
    // What statics still reach at the end is no leak. The optimizer may branch on bytes that nobody wrote where the outcome does not
    // depend on them, which valgrind cannot tell from a fault: that is left to the sanitizers.
    let output = Command::new("valgrind")
        .args([
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect",
            "--show-leak-kinds=definite,indirect",
            "--undef-value-errors=no",
        ])
        .arg("--fair-sched=yes")
        .arg(&program)
        .arg(directory.path())
        .output()
        .unwrap();
    check("valgrind", &output);
}

#[test]
fn the_header_is_usable_from_cpp() {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if Command::new(&compiler).arg("--version").output().is_err() {
        println!("skipped: there is no {compiler}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("use.cpp");
    let program = directory.path().join("use");
    let text =
        "#include \"ringmain.h\"\nint main() { ringmain_hub hub = 0; return ringmain_hub_memory(&hub); }\n";
    std::fs::write(&source, text).unwrap();
    let mut command = Command::new(compiler);
    command
        .args(["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(package().join("include"));
    command.arg(&source).arg(&library::built().shared).arg("-o").arg(&program);
    check("c++: compile", &command.output().unwrap());
    check("c++", &Command::new(&program).output().unwrap());
}

#[test]
fn the_snippet_of_the_readme_runs_as_written() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("snippet");
    let source = root().join("examples/readme/snippet.c");
    check("snippet: compile", &compile(&[source], &library::built().shared, &[], &program));
    let output = Command::new(&program).output().unwrap();
    check("snippet", &output);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "N14228 is late\n");
}

#[test]
fn the_c_step_of_the_flights_pipeline_counts_what_rust_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let hub_directory = directory.path().join("hub");
    write_flights(&hub_directory).unwrap();
    let program = directory.path().join("flights_c");
    let source = root().join("examples/flights/c/main.c");
    check("flights: compile", &compile(&[source], &library::built().shared, &[], &program));

    // Twice: it changes nothing.
    for _ in 0..2 {
        let output = Command::new(&program).arg(&hub_directory).output().unwrap();
        check("flights", &output);
        let line = String::from_utf8(output.stdout).unwrap();
        let counts = concat!(
            r#"{"step":"c","records":3000,"dead":2,"dead_failures":4,"#,
            r#""carriers":{"AA":1500,"UA":1500},"seconds":"#
        );
        assert!(line.starts_with(counts) && line.ends_with("}\n") && line.lines().count() == 1, "{line}");
        let people = String::from_utf8(output.stderr).unwrap();
        assert!(people.contains("3000 records, 300 of them cancelled"), "{people}");
        assert!(
            people.contains("failed: no arrival delay") && people.contains("rejected: no tail"),
            "{people}"
        );
    }
    let missing = Command::new(&program).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}

/// A small hub as the steps before leave it.
fn write_flights(directory: &Path) -> ringmain::Result<()> {
    let hub = ringmain::Hub::open(directory)?;
    let stream = hub.stream("flights").partitions(4).open()?;
    let keys: Vec<String> = (0..3000).map(|row| format!("N{}", row % 97)).collect();
    let messages: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(row, key)| {
            let value: &[u8] = if row % 10 == 0 { br#"{"dep_delay":null}"# } else { br#"{"dep_delay":60}"# };
            Message::new(value).key(key).header("carrier", if row % 2 == 0 { b"UA" } else { b"AA" })
        })
        .collect();
    stream.append_batch(&messages)?;

    let retry = Retry { base: Duration::ZERO, ..Retry::default() };
    let queue = hub.queue("rebook").dead_letter("rebook.dead").max_failures(3).retry(retry).open()?;
    queue.send(Message::new(b"always fails"))?;
    for _ in 0..3 {
        queue.receive(WAIT)?.expect("it is retried").fail("no arrival delay")?;
    }
    queue.send(Message::new(b"rejected after a failure"))?;
    queue.receive(WAIT)?.expect("it was sent").fail("no tail yet")?;
    queue.receive(WAIT)?.expect("it is retried").reject("no tail")?;
    hub.close(WAIT)
}
