//! The README's snippets: the page shows exactly the files of `examples/readme`, and each of them runs.

use super::count::Counts;
use super::log::Log;
use super::rust;
use crate::shell::{cargo, program};
use crate::tools::{node::Node, python::Python};
use crate::{c, paths};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// What makes a snippet a program to run.
type Prepare = fn(&Path, &mut Log) -> Result<Command>;

const SNIPPETS: [(&str, Prepare); 5] = [
    ("snippet.rs", rust_program),
    ("streams.rs", streams_program),
    ("snippet.c", c_program),
    ("snippet.py", python_program),
    ("snippet.mjs", node_program),
];

/// Two tests per snippet: the text, and the run.
pub fn suite(log: &mut Log) -> Result<Counts> {
    let readme = read("README.md");
    let mut sum = Counts::default();
    for (name, prepare) in SNIPPETS {
        let source = format!("examples/readme/{name}");
        let shown = readme.as_ref().map_err(ToString::to_string).and_then(|readme| {
            let text = read(&source).map_err(|error| format!("{error:#}"))?;
            if shows(readme, &text) { Ok(()) } else { Err("the README shows another text".to_owned()) }
        });
        sum = sum + verdict(log, &format!("{source} is in the README"), shown)?;
        let ran = run(&source, name, prepare, log).map_err(|error| format!("{error:#}"));
        sum = sum + verdict(log, &format!("{source} runs"), ran)?;
    }
    Ok(sum)
}

fn verdict(log: &mut Log, test: &str, result: Result<(), String>) -> Result<Counts> {
    match &result {
        Ok(()) => log.say(&format!("ok - {test}"))?,
        Err(problem) => log.say(&format!("not ok - {test}: {problem}"))?,
    }
    Ok(Counts::one(result.is_ok()))
}

/// Whether a page has a code block of exactly this text.
fn shows(page: &str, text: &str) -> bool {
    // Every other piece is inside a block.
    let mut blocks = page.split("\n```").skip(1).step_by(2);
    blocks.any(|block| block.split_once('\n').is_some_and(|(_, code)| code.trim_end() == text.trim_end()))
}

/// Each snippet runs in an empty directory, where it may leave its data.
fn run(source: &str, name: &str, prepare: Prepare, log: &mut Log) -> Result<()> {
    anyhow::ensure!(paths::root().join(source).exists(), "{source} does not exist");
    let directory = paths::target().join("readme").join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    let mut command = prepare(&directory, log)?;
    log.run(command.current_dir(&directory))?.check()
}

fn rust_program(_: &Path, log: &mut Log) -> Result<Command> {
    rust_example("readme-snippet", log)
}

fn streams_program(_: &Path, log: &mut Log) -> Result<Command> {
    rust_example("readme-streams", log)
}

fn rust_example(name: &str, log: &mut Log) -> Result<Command> {
    let mut build = cargo();
    build.args(["build", "--workspace", "--example", name]).args(rust::FEATURES);
    log.run(&mut build)?.check()?;
    Ok(program(paths::target().join("debug/examples").join(name)))
}

fn c_program(directory: &Path, log: &mut Log) -> Result<Command> {
    log.run(cargo().args(["build", "--release", "--package", "ringmain-ffi"]))?.check()?;
    let built = directory.join("snippet");
    c::compile("examples/readme/snippet.c", &built, &log.shell()?)?;
    Ok(program(built))
}

fn python_program(_: &Path, log: &mut Log) -> Result<Command> {
    let mut command = Python::find()?.prepare(&log.shell()?)?.python();
    command.arg(paths::root().join("examples/readme/snippet.py"));
    Ok(command)
}

fn node_program(_: &Path, log: &mut Log) -> Result<Command> {
    let node = Node::find()?;
    node.prepare(&log.shell()?)?;
    let mut command = node.node();
    command.arg(paths::root().join("examples/readme/snippet.mjs"));
    Ok(command)
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(paths::root().join(path)).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_a_text_only_as_a_whole_code_block() {
        let page = "# Title\n\n```rust\nlet a = 1;\nlet b = 2;\n```\n\nand\n\n```c\nint main;\n```\n";
        assert!(shows(page, "let a = 1;\nlet b = 2;\n"));
        assert!(shows(page, "int main;"));
        assert!(!shows(page, "let a = 1;"), "a part is not enough");
        assert!(!shows(page, "let a = 1;\nlet b = 3;"));
        assert!(!shows(page, ""));
    }
}
