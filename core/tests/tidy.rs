//! The house rules that a reader of this code relies on, checked by reading the sources of the core.
//!
//! Each rule is a function from a file to its violations, and each has a test that shows it a violation: a rule that
//! cannot fail guards nothing.
//!
//! - Floors: imports point downward only, by way of the crate's root too; the queue and the stream never import each
//!   other.
//! - Every `unsafe` block and impl has a `SAFETY` comment, every atomic operation an `ORDERING:` comment (or, for a
//!   counter that nobody decides by, a `STATISTIC:` comment) at most 12 lines above it and in the same function; one
//!   comment may cover several operations. Orderings are written in full, so that the rule sees them. Compiler
//!   fences are exempt: each is the cheap half of a barrier, and the dear half is explained.
//! - Atomics come from `sync` only, so that the models see them.
//! - Each fault in `docs/peer-faults.md` has a test that exists.
//! - Every file says first what it is; none is named for being of use to others.
//! - Nothing unfinished, and no path of the machine that it was written on.
//!
//! Tests are exempt from all but the last two.

mod tidy {
    pub mod source;
}

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use tidy::source::{Line, Source, read, read_all, reexports};

/// The floors from the ground up. A module may import from those below it; on the ground all know each other.
///
/// `instrumented` is no module of the core: it is what `loom-tests` puts below `sync` for ThreadSanitizer, as it puts
/// loom and shuttle there.
const FLOORS: &[&[&str]] = &[
    &["instrumented", "sync", "clock", "durability", "error", "limits", "name", "message", "notice"],
    &["ring"],
    &["storage"],
    &["log"],
    &["journal"],
    &["queue", "stream"],
    &["hub"],
];

/// How far above its operation a comment may be.
const COMMENT_LINES_MAX: usize = 12;

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The module that a name in the crate's root is, or comes from.
fn origin(name: &str) -> Option<String> {
    static ROOT: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let root = ROOT.get_or_init(|| reexports(&read("src/lib.rs")));
    if floor(name).is_some() { Some(name.to_owned()) } else { root.get(name).cloned() }
}

fn imports_point_downward(file: &Source) -> Vec<String> {
    let Some(here) = file.module() else { return Vec::new() };
    let Some(height) = floor(here) else { return vec![file.at(0, format!("module {here} has no floor"))] };
    let mut found = Vec::new();
    for (index, name) in file.imports() {
        let there = origin(&name);
        let height_there = there.as_deref().and_then(floor);
        let is_below = height_there.is_some_and(|other| other < height || other == 0);
        let allowed = is_below || there.as_deref() == Some(here);
        if !allowed {
            found.push(file.at(index, format!("{here} imports {name}, which does not lie below it")));
        }
    }
    found
}

fn unsafe_is_justified(file: &Source) -> Vec<String> {
    let wants = |line: &Line| line.has_word("unsafe") && (line.code.contains('{') && !line.has_word("fn"));
    file.uncommented(wants, &["SAFETY:"], "unsafe without a SAFETY comment")
}

fn orderings_are_explained(file: &Source) -> Vec<String> {
    let names = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"].map(|name| format!("Ordering::{name}"));
    let wants = |line: &Line| {
        names.iter().any(|name| line.code.contains(name.as_str())) && !line.has_word("compiler_fence")
    };
    let mut found = file.uncommented(
        wants,
        &["ORDERING:", "STATISTIC:"],
        "an atomic operation without an ORDERING comment",
    );
    let hides = |line: &Line| {
        ["atomic::Ordering::", "Ordering::{", "Ordering::*"].iter().any(|h| line.code.contains(h))
    };
    let imported = |line: &Line| line.code.contains("use ") && hides(line);
    found.extend(file.matches(imported, "orderings are written in full, as Ordering::Acquire"));
    found
}

fn atomics_come_from_sync(file: &Source) -> Vec<String> {
    if file.module() == Some("sync") {
        return Vec::new();
    }
    let wants = |line: &Line| {
        ["std::sync::atomic", "core::sync::atomic", "loom::"].iter().any(|door| line.code.contains(door))
    };
    file.matches(wants, "atomics are imported from crate::sync only")
}

fn files_say_what_they_are(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !file.lines.first().is_some_and(|line| line.text.starts_with("//!")) {
        found.push(file.at(0, "the file does not begin with a module header".into()));
    }
    let stem = Path::new(&file.path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if ["util", "utils", "helper", "helpers", "misc", "common", "part2"].contains(&stem.as_str()) {
        found.push(file.at(0, format!("a file named {stem} says for whom it is, not what")));
    }
    found
}

fn nothing_is_unfinished(file: &Source) -> Vec<String> {
    let wants = |line: &Line| ["todo!", "unimplemented!", "dbg!"].iter().any(|m| line.code.contains(m));
    file.matches(wants, "unfinished")
}

fn no_machine_paths(file: &Source) -> Vec<String> {
    let places = ["home", "root", "work", "Users"].map(|place| format!("/{place}/"));
    let wants = |line: &Line| places.iter().any(|place| line.text.contains(place));
    file.matches(wants, "a path of somebody's machine")
}

/// The rows of a table, `| B1 | fault | where | `file`: `test`, `test` |`, that name no test, or one that is not there.
fn faults_have_tests(table: &str) -> Vec<&str> {
    let is_tested = |row: &&str| {
        let (mut file, mut exist) = (String::new(), Vec::new());
        for quoted in row.split('`').skip(1).step_by(2) {
            if quoted.ends_with(".rs") {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(quoted);
                file = std::fs::read_to_string(path).unwrap_or_default();
            } else {
                exist.push(file.contains(&format!("fn {quoted}()")));
            }
        }
        row.contains(" yet: ") || (!exist.is_empty() && exist.iter().all(|exists| *exists))
    };
    table.lines().filter(|row| row.starts_with("| B") && !is_tested(row)).collect()
}

/// Applies a rule to every file below `folder` of the core.
fn check(folder: &str, rule: impl Fn(&Source) -> Vec<String>) {
    let files = read_all(folder);
    assert!(files.len() > 5, "the rule saw only {} files below {folder}", files.len());
    let found: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn imports_of_the_core_point_downward() {
    check("src", imports_point_downward);
}

#[test]
fn every_unsafe_block_of_the_core_is_justified() {
    check("src", unsafe_is_justified);
}

#[test]
fn every_ordering_of_the_core_is_explained() {
    check("src", orderings_are_explained);
}

#[test]
fn the_core_takes_atomics_from_one_door() {
    check("src", atomics_come_from_sync);
}

#[test]
fn every_file_of_the_core_says_what_it_is() {
    check("src", files_say_what_they_are);
    check("tests", files_say_what_they_are);
}

#[test]
fn nothing_in_the_core_is_unfinished() {
    check("src", nothing_is_unfinished);
}

#[test]
fn no_machine_path_is_in_the_core() {
    check("src", no_machine_paths);
    check("tests", no_machine_paths);
}

#[test]
fn each_fault_of_a_peer_has_a_test_that_exists() {
    let table =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/peer-faults.md")).unwrap();
    assert!(table.matches("\n| B").count() > 40, "the table is there");
    assert_eq!(faults_have_tests(&table), [""; 0]);
}

/// How many violations a rule sees in a file of this text.
fn seen(rule: impl Fn(&Source) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&Source::new(path, text)).len()
}

#[test]
fn the_floor_rule_catches_imports_that_do_not_point_downward() {
    let floors = |path: &str, text: &str| seen(imports_point_downward, path, text);
    assert_eq!(floors("src/log/open.rs", "use crate::hub::Hub;"), 1);
    assert_eq!(floors("src/log/open.rs", "use crate::{error::Error, journal::{Journal, log}, hub};"), 2);
    assert_eq!(floors("src/log/open.rs", "use crate::{\n    error::Error,\n    queue,\n};"), 1);
    assert_eq!(floors("src/queue/mod.rs", "use crate::stream::Stream;"), 1);
    assert_eq!(floors("src/stream/read.rs", "fn f() { crate::queue::g() }"), 1);
    assert_eq!(floors("src/ring/mpmc.rs", "use super::super::log::Log;"), 1);
    assert_eq!(floors("src/storage/mod.rs", "use super::log::Log;"), 1);
    assert_eq!(floors("src/ring/mpmc.rs", "use crate::{Error, Hub};"), 1);
    assert_eq!(floors("src/ring/mpmc.rs", "use crate::Unheard;"), 1);
    assert_eq!(floors("src/gadget.rs", "fn f() {}"), 1);
    assert_eq!(floors("src/storage/mod.rs", "#[cfg(test)]\nmod tests;\nuse crate::hub::Hub;"), 1);

    assert_eq!(
        floors("src/hub/mod.rs", "use crate::{queue::Queue, stream, error::{Error, Result}, hub::open};"),
        0
    );
    assert_eq!(floors("src/log/open.rs", "use crate::storage::Storage; use super::log::x; // crate::hub"), 0);
    assert_eq!(floors("src/log/open.rs", "//! [`crate::hub`]\nconst A: &str = \"crate::hub\";"), 0);
    assert_eq!(
        floors("src/log/mod.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::hub::Hub;\n}"),
        0
    );
    assert_eq!(floors("src/log/tests.rs", "use crate::hub::Hub;"), 0);
    assert_eq!(floors("src/lib.rs", "pub use crate::hub::Hub;"), 0);
}

#[test]
fn the_safety_rule_catches_an_unsafe_block_without_a_word() {
    let bare = "fn f() {\n    unsafe { g() }\n}";
    assert_eq!(seen(unsafe_is_justified, "src/a.rs", bare), 1);
    assert_eq!(seen(unsafe_is_justified, "src/a.rs", "unsafe impl Send for A {}"), 1);
    assert_eq!(seen(unsafe_is_justified, "src/a.rs", "// SAFETY: f\nfn f() {\n    unsafe { g() }\n}"), 1);
    assert_eq!(seen(unsafe_is_justified, "src/a.rs", "fn f() {\n    // SAFETY: h\n    unsafe { g() }\n}"), 0);
    assert_eq!(seen(unsafe_is_justified, "src/a.rs", "/// # Safety\nunsafe fn f() {}\n// unsafe {"), 0);
}

#[test]
fn the_ordering_rule_catches_an_atomic_operation_without_a_word() {
    let rule = |text: &str| seen(orderings_are_explained, "src/a.rs", text);
    let far = "\n".repeat(COMMENT_LINES_MAX + 1);
    assert_eq!(rule("fn f() { X.load(Ordering::Relaxed); }"), 1);
    assert_eq!(rule("use std::sync::atomic::Ordering::{Acquire, Release};"), 1);
    assert_eq!(rule("use crate::sync::Ordering::*;"), 1);
    assert_eq!(
        rule(
            "fn f() {\n    // ORDERING: x\n    X.load(Ordering::Relaxed);\n}\nfn g() {\n    X.load(Ordering::Relaxed);\n}"
        ),
        1
    );
    assert_eq!(rule(&format!("fn f() {{\n// ORDERING: x\n{far}X.load(Ordering::Relaxed);\n}}")), 1);
    assert_eq!(rule("fn f() {\n    let c = \"// ORDERING: \";\n    X.load(Ordering::Relaxed);\n}"), 1);

    assert_eq!(
        rule(
            "fn f() {\n    // ORDERING: both\n    X.load(Ordering::Relaxed);\n    Y.load(Ordering::Relaxed);\n}"
        ),
        0
    );
    assert_eq!(rule("fn f() {\n    // STATISTIC: sends\n    X.fetch_add(1, Ordering::Relaxed);\n}"), 0);
    assert_eq!(rule("const LEVEL: Durability = Durability::Relaxed;"), 0);
    assert_eq!(rule("use crate::sync::{AtomicU64, Ordering}; // Ordering::Relaxed"), 0);
}

#[test]
fn the_door_rule_catches_atomics_from_elsewhere() {
    let rule = |path: &str, text: &str| seen(atomics_come_from_sync, path, text);
    assert_eq!(rule("src/log/mod.rs", "use std::sync::atomic::AtomicU64;"), 1);
    assert_eq!(rule("src/log/mod.rs", "fn f() { core::sync::atomic::fence(o) }"), 1);
    assert_eq!(rule("src/log/mod.rs", "use loom::thread;"), 1);
    assert_eq!(rule("src/sync/barrier.rs", "use std::sync::atomic::AtomicU64;"), 0);
    assert_eq!(
        rule("src/log/mod.rs", "#[cfg(test)]\nmod tests {\n    use std::sync::atomic::AtomicU64;\n}"),
        0
    );
}

#[test]
fn the_file_rule_catches_a_file_without_header_or_with_an_empty_name() {
    assert_eq!(seen(files_say_what_they_are, "src/log/mod.rs", "use std::io;\n//! late"), 1);
    assert_eq!(seen(files_say_what_they_are, "src/log/mod.rs", ""), 1);
    assert_eq!(seen(files_say_what_they_are, "src/log/utils.rs", "//! Things."), 1);
    assert_eq!(seen(files_say_what_they_are, "src/log/open.rs", "//! Opens a log."), 0);
}

#[test]
fn the_unfinished_rule_catches_what_was_left_open() {
    for text in ["fn f() { todo!() }", "fn f() { unimplemented!(\"later\") }", "fn f() { dbg!(x); }"] {
        assert_eq!(seen(nothing_is_unfinished, "src/a.rs", text), 1);
    }
    assert_eq!(seen(nothing_is_unfinished, "src/a.rs", "// todo!() is refused"), 0);
}

#[test]
fn the_path_rule_catches_paths_of_a_machine_in_comments_and_strings() {
    let path = ["", "home", "me", "data"].join("/");
    assert_eq!(seen(no_machine_paths, "src/a.rs", &format!("// see {path}")), 1);
    assert_eq!(seen(no_machine_paths, "src/a.rs", &format!("const A: &str = \"{path}\";")), 1);
    assert_eq!(seen(no_machine_paths, "src/a.rs", "const A: &str = \"/dev/null\";"), 0);
}

#[test]
fn the_fault_rule_catches_a_fault_without_a_test() {
    let row = |test: &str| faults_have_tests(&format!("| B1 | it broke | peer#1 | {test} |")).len();
    let here = "the_fault_rule_catches_a_fault_without_a_test";
    assert_eq!((row(""), row("`core/tests/tidy.rs`: `not_there`"), row(&format!("`{here}`"))), (1, 1, 1));
    assert_eq!(
        (row(&format!("`core/tests/tidy.rs`: `{here}`")), row("not applicable yet: no bridge")),
        (0, 0)
    );
}
