//! What is exported: every function goes through the guard, and header, sources and shared library agree on the list.

mod library;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The exported functions in a source text, each with what is wrong with its body, if anything.
fn exported(source: &str) -> Vec<(String, Option<&'static str>)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("extern \"C\" fn ") {
        let public = rest[..at].lines().last().is_some_and(|line| line.trim_start().starts_with("pub "));
        let exported =
            rest[..at].lines().rev().nth(1).is_some_and(|line| line.trim() == "#[unsafe(no_mangle)]");
        rest = &rest[at + "extern \"C\" fn ".len()..];
        let name = rest.split('(').next().unwrap_or_default().to_owned();
        let body = &rest[rest.find("{\n").unwrap_or(0) + 1..rest.find("\n}\n").unwrap_or(rest.len())];
        let fault = if !name.starts_with("ringmain_") {
            Some("its name does not start with ringmain_")
        } else if !(public && exported) {
            Some("it is not `pub` right after `#[unsafe(no_mangle)]`")
        } else if !is_one_call_of_the_guard(body.trim()) {
            Some("its body is not one call of entry or infallible")
        } else {
            None
        };
        found.push((name, fault));
    }
    found
}

fn is_one_call_of_the_guard(body: &str) -> bool {
    let body = body.trim_start_matches(|c: char| c.is_whitespace());
    // A comment of what is in it may stand before it.
    let body = match body.strip_prefix("//").and_then(|comment| comment.split_once('\n')) {
        Some((_, rest)) => return is_one_call_of_the_guard(rest),
        None => body.strip_prefix("guard::").unwrap_or(body),
    };
    let Some(arguments) = ["entry(", "infallible("].iter().find_map(|guard| body.strip_prefix(guard)) else {
        return false;
    };
    let mut depth = 1;
    for (at, character) in arguments.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1 == arguments.len();
        }
    }
    false
}

fn sources() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect()
}

fn names_in_sources() -> BTreeSet<String> {
    sources().iter().flat_map(|(_, text)| exported(text)).map(|(name, _)| name).collect()
}

#[test]
fn every_exported_function_goes_through_the_guard() {
    let mut count = 0;
    for (path, text) in sources() {
        assert_eq!(
            text.matches("no_mangle").count(),
            exported(&text).len(),
            "{path}: an export that is no function?"
        );
        for (name, fault) in exported(&text) {
            assert_eq!(fault, None, "{path}: {name}");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} exported functions were found");
}

#[test]
fn the_check_for_the_guard_finds_functions_that_go_round_it() {
    let fault = |body: &str| {
        let source =
            format!("#[unsafe(no_mangle)]\npub extern \"C\" fn ringmain_x() -> i32 {{\n{body}\n}}\n");
        exported(&source)[0].1.is_some()
    };
    assert!(!fault("    entry(hub, || get::<Hub>(hub)?.flush())"));
    assert!(!fault("    // SAFETY: the caller's promise.\n    entry(hub, || unsafe { told(hub) })"));
    assert!(fault("    // entry(hub, || Ok(()))\n    0"));
    assert!(fault("    0"));
    assert!(fault("    let x = work();\n    entry(x, || Ok(()))"));
    assert!(fault("    entry(hub, || Ok(())) + work()"));
    assert!(fault("    entry(hub, || Ok(()));\n    work()"));
    assert!(exported("pub extern \"C\" fn ringmain_x() {\n    entry(x)\n}\n")[0].1.is_some());
}

#[test]
fn header_and_shared_library_offer_exactly_the_functions_of_the_sources() {
    let mut expected = names_in_sources();
    let mut symbols = BTreeSet::new();
    let listing =
        Command::new("nm").args(["-D", "--defined-only"]).arg(&library::built().shared).output().unwrap();
    assert!(listing.status.success(), "nm: {}", String::from_utf8_lossy(&listing.stderr));
    for line in String::from_utf8(listing.stdout).unwrap().lines() {
        symbols.insert(line.split_whitespace().last().unwrap_or_default().to_owned());
    }
    assert_eq!(symbols, expected);

    // The one function that only tests have.
    assert!(expected.remove("ringmain_test_panic"));
    let header =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/ringmain.h")).unwrap();
    let declared: BTreeSet<String> = header
        .lines()
        .filter(|line| !line.starts_with(['/', ' ', '#']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .map(str::to_owned)
        .collect();
    assert_eq!(declared, expected);
}
