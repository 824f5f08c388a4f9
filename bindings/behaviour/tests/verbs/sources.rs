//! What each language has, read off its sources: the methods of a type, the functions of a prefix, the members of a struct or
//! interface.

use crate::table::Noun;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Names, as the language spells them.
pub type Names = BTreeSet<String>;

static RUST: LazyLock<String> = LazyLock::new(|| files("core/src", ".rs"));
static C: LazyLock<String> = LazyLock::new(|| files("ffi/include", "ringmain.h"));
static PYTHON: LazyLock<String> =
    LazyLock::new(|| files("bindings/python/python", ".pyi") + &files("bindings/python/python", ".py"));
static NODE: LazyLock<String> = LazyLock::new(|| files("bindings/node", "index.d.ts"));

/// The names that a noun has in a language.
pub fn names(noun: &Noun, language: &str) -> Names {
    let sources = noun.sources.get(language).map(Vec::as_slice).unwrap_or_default();
    let of = |source: &String| match language {
        "rust" => rust(&RUST, source),
        "c" => c(&C, source),
        "python" => python(&PYTHON, source),
        _ => node(&NODE, source),
    };
    sources.iter().flat_map(of).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All text of the files below a folder whose names end like this.
fn files(folder: &str, ending: &str) -> String {
    let mut folders = vec![root().join(folder)];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !["node_modules", "target", "ring", "log", "journal"].contains(&name.as_str())
            {
                folders.push(path);
            } else if name.ends_with(ending) && !name.starts_with("tests") {
                text += &std::fs::read_to_string(&path).unwrap();
                text += "\n";
            }
        }
    }
    text
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The name that a text begins with.
fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The blocks that begin with a line that says so, up to a line that is `end` alone.
fn blocks<'a>(text: &'a str, begins: impl Fn(&str) -> bool, end: &str) -> Vec<Vec<&'a str>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if begins(line) && !line.trim_end().ends_with("{}") {
            blocks.push(lines.by_ref().take_while(|line| *line != end).collect());
        }
    }
    blocks
}

/// Public methods in all inherent `impl` blocks of a type. What is for tests alone is not the surfaces' business.
fn rust(text: &str, of: &str) -> Names {
    let begins = |line: &str| {
        let Some(rest) = line.strip_prefix("impl") else { return false };
        let rest = rest.strip_prefix("<'a>").unwrap_or(rest).trim_start();
        name_at(rest) == of && !line.contains(" for ")
    };
    let mut names = Names::new();
    for block in blocks(text, begins, "}") {
        let mut is_for_tests = false;
        for line in block {
            is_for_tests |= line.trim().starts_with("#[cfg(");
            let line = line.strip_prefix("    pub ").unwrap_or_default();
            let line = line.strip_prefix("const ").or_else(|| line.strip_prefix("async ")).unwrap_or(line);
            if let Some(rest) = line.strip_prefix("fn ") {
                if !is_for_tests {
                    names.insert(name_at(rest));
                }
                is_for_tests = false;
            }
        }
    }
    names
}

/// Functions `ringmain_NOUN_VERB`, or with `struct NAME` the members of a struct.
fn c(text: &str, of: &str) -> Names {
    if let Some(of) = of.strip_prefix("struct ") {
        let begins = |line: &str| line == format!("typedef struct {of} {{");
        let members = blocks(text, begins, &format!("}} {of};")).concat();
        let names = members.iter().filter_map(|line| {
            let line = line.trim();
            let declared = line.strip_suffix(';').filter(|_| !line.starts_with(['/', '*']))?;
            declared.rsplit([' ', '*', '(']).find(|word| is_name(word)).map(str::to_owned)
        });
        return names.filter(|name| name != "size" && !name.starts_with("reserved")).collect();
    }
    let declared = text.lines().filter(|line| !line.starts_with(['/', ' ', '#', '*']));
    let functions = declared.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    functions.filter_map(|name| name.strip_prefix(of)).map(str::to_owned).collect()
}

/// Public methods, properties and fields of a class, in all places where it is declared.
fn python(text: &str, of: &str) -> Names {
    let mut names = Names::new();
    let mut is_inside = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            is_inside = name_at(rest) == of;
        } else if !line.is_empty() && !line.starts_with([' ', ')', '@', '#']) {
            is_inside = false;
        }
        let Some(member) = line.strip_prefix("    ").filter(|member| is_inside && !member.starts_with(' '))
        else {
            continue;
        };
        let method = member.strip_prefix("async def ").or_else(|| member.strip_prefix("def "));
        let field = member.split_once(": ").map(|(name, _)| name).filter(|name| is_name(name));
        names.extend(method.map(name_at).or(field.map(str::to_owned)).filter(|name| !name.starts_with('_')));
    }
    names
}

/// Members of a class or interface.
fn node(text: &str, of: &str) -> Names {
    let begins = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("declare ").unwrap_or(line);
        let line = line.strip_prefix("abstract ").unwrap_or(line);
        let rest = line.strip_prefix("class ").or_else(|| line.strip_prefix("interface "));
        rest.is_some_and(|rest| name_at(rest) == of)
    };
    let mut names = Names::new();
    for line in blocks(text, begins, "}").concat() {
        let Some(member) = line.strip_prefix("  ").filter(|member| !member.starts_with([' ', '/', '*', '[']))
        else {
            continue;
        };
        let mut member = member;
        for word in ["static ", "readonly ", "get ", "protected "] {
            member = member.strip_prefix(word).unwrap_or(member);
        }
        let name = name_at(member);
        let is_declared = member[name.len()..].starts_with(['(', ':', '?', '<']);
        if is_declared && name != "constructor" && !name.starts_with('_') {
            names.insert(name);
        }
    }
    names
}
