//! What each language has, read off its sources: the methods of a type, the functions of a prefix, the members of a struct or
//! interface, the options of a method.

use crate::table::{self, Noun};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Names, as the language spells them.
pub type Names = BTreeSet<String>;

/// By folder: two may have a type of the same name.
static RUST: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let folders = ["hub", "journal", "queue", "stream"];
    let mut texts: BTreeMap<_, _> =
        folders.map(|folder| (folder, files(&format!("core/src/{folder}"), ".rs"))).into();
    texts.insert(
        "",
        ["clock.rs", "message.rs"].map(|name| read(&root().join("core/src").join(name))).concat(),
    );
    texts
});
static C: LazyLock<String> = LazyLock::new(|| files("ffi/include", "ringmain.h"));
static PYTHON: LazyLock<String> =
    LazyLock::new(|| files("bindings/python/python", ".pyi") + &files("bindings/python/python", ".py"));
static NODE: LazyLock<String> = LazyLock::new(|| files("bindings/node", "index.d.ts"));
/// The prefixes of C functions in the table: a function is of the noun with the longest.
static PREFIXES: LazyLock<Vec<String>> = LazyLock::new(|| {
    table::read().iter().flat_map(|noun| noun.sources.get("c").cloned().unwrap_or_default()).collect()
});

/// The names that a noun has in a language.
pub fn names(noun: &Noun, language: &str) -> Names {
    let sources = noun.sources.get(language).map(Vec::as_slice).unwrap_or_default();
    let of = |source: &String| match language {
        "rust" => {
            let (folder, of) = source.split_once("::").unwrap_or(("", source));
            rust(RUST.get(folder).unwrap_or_else(|| panic!("{source}: no such folder")), of)
        }
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
            if path.is_dir() && !["node_modules", "npm", "target"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(ending) && !name.starts_with("tests") {
                text += &read(&path);
                text += "\n";
            }
        }
    }
    text
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
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

/// Public methods in all inherent `impl` blocks of a type, or with `struct NAME` its public fields, or with `macro NAME` the methods that
/// that writes. What is for tests alone is not the
/// surfaces' business.
fn rust(text: &str, of: &str) -> Names {
    if let Some(of) = of.strip_prefix("struct ") {
        let begins = |line: &str| line.strip_prefix("pub struct ").is_some_and(|rest| name_at(rest) == of);
        let members = blocks(text, begins, "}").concat();
        let fields = members.iter().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
        return fields.map(|(name, _)| name.to_owned()).collect();
    }
    if let Some(of) = of.strip_prefix("macro ") {
        let lines = blocks(text, |line| line == format!("macro_rules! {of} {{"), "}").concat();
        return lines.iter().filter_map(|line| line.trim().strip_prefix("pub fn ")).map(name_at).collect();
    }
    let begins = |line: &str| {
        let Some(rest) = line.strip_prefix("impl") else { return false };
        let rest = rest.strip_prefix("<'a>").or_else(|| rest.strip_prefix("<T>")).unwrap_or(rest);
        name_at(rest.trim_start()) == of && !line.contains(" for ")
    };
    let mut names = Names::new();
    for block in blocks(text, begins, "}") {
        let mut is_hidden = false;
        for line in block {
            let Some(line) = line.strip_prefix("    ") else { continue };
            is_hidden |= line.starts_with("#[cfg(") && !line.contains("\"cron\"") || line == "#[doc(hidden)]";
            let is_public = line.starts_with("pub ");
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let line = line.strip_prefix("const ").or_else(|| line.strip_prefix("async ")).unwrap_or(line);
            if let Some(rest) = line.strip_prefix("fn ") {
                if is_public && !is_hidden {
                    names.insert(name_at(rest));
                }
                is_hidden = false;
            }
        }
    }
    names
}

/// Functions `ringmain_NOUN_VERB`, or with `struct NAME` the members of a struct without its size, lengths and context. A name that does not end in `_` is one function.
fn c(text: &str, of: &str) -> Names {
    if let Some(of) = of.strip_prefix("struct ") {
        let begins = |line: &str| line == format!("typedef struct {of} {{");
        let members = blocks(text, begins, &format!("}} {of};")).concat();
        let names = members.iter().filter_map(|line| {
            let line = line.trim();
            let declared = line.strip_suffix(';').filter(|_| !line.starts_with(['/', '*']))?;
            let declared = declared.split('[').next()?;
            declared.rsplit([' ', '*', '(']).find(|word| is_name(word)).map(str::to_owned)
        });
        let names: Names = names.collect();
        let is_length = |name: &str| {
            let of_bytes = name.strip_suffix("_bytes").is_some_and(|of| names.contains(of));
            let of_list = name.strip_suffix("_count").is_some_and(|of| {
                [format!("{of}s"), format!("{of}es")].iter().any(|list| names.contains(list))
            });
            of_bytes || of_list
        };
        let is_shape = |name: &str| {
            ["size", "context"].contains(&name) || name.starts_with("reserved") || is_length(name)
        };
        return names.iter().filter(|name| !is_shape(name)).cloned().collect();
    }
    let declared =
        text.lines().filter(|line| !line.starts_with(['/', ' ', '#', '*']) && !line.contains("typedef"));
    let functions = declared.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    let mut names = Names::new();
    for function in functions {
        let prefix = PREFIXES.iter().filter(|prefix| prefix.ends_with('_') && function.starts_with(*prefix));
        if function == of {
            names.extend(function.strip_prefix("ringmain_").map(str::to_owned));
        } else if prefix.max_by_key(|prefix| prefix.len()).is_some_and(|longest| longest == of)
            && !PREFIXES.iter().any(|one| one == function)
        {
            names.insert(function[of.len()..].to_owned());
        }
    }
    names
}

/// Public methods, properties and fields of a class, in all places where it is declared; with `CLASS.METHOD()` what that takes by
/// keyword, with `FUNCTION()` that function, and with
/// `.FUNCTION()` what it takes by keyword.
fn python(text: &str, of: &str) -> Names {
    let of = of.strip_suffix("()").map_or((of, None), |of| {
        of.split_once('.').map_or((of, Some("")), |(class, method)| (class, Some(method)))
    });
    let (class, method) = of;
    if class.is_empty() {
        let begins = |line: &str| line == format!("def {}(", method.unwrap_or_default());
        let options = blocks(text, begins, ")").concat();
        let options = options.iter().skip_while(|line| line.trim() != "*,").skip(1);
        let options =
            options.take_while(|line| !line.starts_with(')')).filter_map(|line| line.trim().split_once(": "));
        return options.map(|(name, _)| name.to_owned()).collect();
    }
    if method == Some("") {
        let is_there = text.contains(&format!("\ndef {class}("));
        return is_there.then(|| class.to_owned()).into_iter().collect();
    }
    let mut names = Names::new();
    let mut is_inside = false;
    let mut is_signature = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            is_inside = name_at(rest) == class;
        } else if !line.is_empty() && !line.starts_with([' ', ')', '@', '#']) {
            is_inside = false;
        }
        let Some(member) = line.strip_prefix("    ").filter(|_| is_inside) else { continue };
        let function = member.strip_prefix("async def ").or_else(|| member.strip_prefix("def "));
        if let Some(wanted) = method {
            if let Some(function) = function {
                is_signature = name_at(function) == wanted;
            }
            is_signature &= !member.starts_with(')');
            let in_line = function
                .and_then(|line| line.split_once("*, ")?.1.split_once(") ->"))
                .map(|(options, _)| options);
            let options = in_line
                .or_else(|| member.strip_prefix("    "))
                .filter(|_| is_signature && !member.starts_with("     "));
            let options = options
                .into_iter()
                .flat_map(|options| options.split(", "))
                .filter_map(|option| option.split_once(": "));
            names.extend(
                options
                    .map(|(name, _)| name)
                    .filter(|name| is_name(name) && *name != "self")
                    .map(str::to_owned),
            );
        } else if !member.starts_with(' ') {
            let field = member.split_once(": ").map(|(name, _)| name).filter(|name| is_name(name));
            names.extend(
                function.map(name_at).or(field.map(str::to_owned)).filter(|name| !name.starts_with('_')),
            );
        }
    }
    names
}

/// Members of a class or interface, with `INTERFACE.MEMBER` those of that, or with `FUNCTION()` that function. A form that gives a promise, or that waits, is the same verb.
fn node(text: &str, of: &str) -> Names {
    if let Some(of) = of.strip_suffix("()") {
        let is_there = text.contains(&format!("\nexport function {of}("));
        return is_there.then(|| of.to_owned()).into_iter().collect();
    }
    let (of, member) = of.split_once('.').map_or((of, None), |(of, member)| (of, Some(member)));
    let begins = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("declare ").unwrap_or(line);
        let line = line.strip_prefix("abstract ").unwrap_or(line);
        let rest = line.strip_prefix("class ").or_else(|| line.strip_prefix("interface "));
        rest.is_some_and(|rest| name_at(rest) == of)
    };
    let mut lines = blocks(text, begins, "}").concat();
    if let Some(member) = member {
        let begin = format!("  {member}?: {{");
        let inside = lines.into_iter().skip_while(|line| *line != begin).skip(1);
        lines = inside
            .take_while(|line| !line.starts_with("  }"))
            .filter_map(|line| line.strip_prefix("  "))
            .collect();
    }
    let mut names = Names::new();
    for line in lines {
        let Some(member) = line.strip_prefix("  ").filter(|member| !member.starts_with([' ', '/', '*', '[']))
        else {
            continue;
        };
        let mut member = member;
        for word in ["static ", "readonly ", "get ", "protected ", "private "] {
            member = member.strip_prefix(word).unwrap_or(member);
        }
        let name = name_at(member);
        let is_declared = member[name.len()..].starts_with(['(', ':', '?', '<']);
        if is_declared && name != "constructor" && !name.starts_with('_') {
            names.insert(name);
        }
    }
    let forms = names.iter().filter(|name| {
        ["Async", "Sync"].iter().any(|form| name.strip_suffix(form).is_some_and(|verb| names.contains(verb)))
    });
    let forms: Names = forms.cloned().collect();
    names.difference(&forms).cloned().collect()
}
