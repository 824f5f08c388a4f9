//! Rust sources as the rules read them: line by line, code apart from comments and strings, tests set aside.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One line of a file.
pub struct Line {
    /// As it is written.
    pub text: String,
    /// Without comments and the insides of strings; empty in tests.
    pub code: String,
    /// Its comments.
    pub comment: String,
}

/// One file.
pub struct Source {
    /// Relative to the crate.
    pub path: String,
    pub lines: Vec<Line>,
}

/// Every Rust file below `folder` of the crate.
pub fn read_all(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push(Source::new(relative, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// One file of the crate.
pub fn read(path: &str) -> Source {
    Source::new(path, &fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap())
}

/// From `pub use module::{Name, Other};`: which module each name in the crate's root comes from.
pub fn reexports(root: &Source) -> BTreeMap<String, String> {
    let code = root.code();
    let mut found = BTreeMap::new();
    for (at, door) in code.match_indices("pub use ") {
        let statement = &code[at + door.len()..];
        let statement = &statement[..statement.find(';').unwrap_or(statement.len())];
        let mut names = words(statement).map(|(_, word)| word.to_owned());
        if let Some(module) = names.next() {
            found.extend(names.map(|name| (name, module.clone())));
        }
    }
    found
}

impl Line {
    /// Whether `word` stands in the code, not as part of a longer word.
    pub fn has_word(&self, word: &str) -> bool {
        words(&self.code).any(|(_, w)| w == word)
    }
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comment) = separate(text);
        let mut lines: Vec<Line> = text
            .lines()
            .zip(code.lines().zip(comment.lines()))
            .map(|(text, (code, comment))| Line {
                text: text.into(),
                code: code.into(),
                comment: comment.into(),
            })
            .collect();
        let tests_from = match path.ends_with("tests.rs") {
            true => 0,
            false => tests_begin(&lines),
        };
        for line in lines.iter_mut().skip(tests_from) {
            line.code.clear();
        }
        Self { path: path.replace('\\', "/"), lines }
    }

    /// The module of the crate that the file belongs to; none for the crate's root.
    pub fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        let first = inner.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|name| *name != "lib")
    }

    /// Where the code names what lies in the crate's root, by `crate::` or by enough `super::`.
    pub fn imports(&self) -> Vec<(usize, String)> {
        let joined = self.code();
        let depth = self
            .path
            .strip_prefix("src/")
            .map_or(0, |inner| inner.split('/').count() - usize::from(inner.ends_with("/mod.rs")));
        let mut doors = vec!["crate::".to_owned()];
        if depth > 0 {
            doors.push("super::".repeat(depth));
        }
        let mut found = Vec::new();
        for door in &doors {
            for (at, _) in joined.match_indices(door.as_str()) {
                if joined[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                    continue;
                }
                for (name_at, name) in heads(&joined, at + door.len()) {
                    // A name that no floor has, reached by `super`, is in a module within the file.
                    if door == "crate::" || crate::floor(&name).is_some() {
                        found.push((joined[..name_at].matches('\n').count(), name));
                    }
                }
            }
        }
        found
    }

    fn code(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.code)).collect()
    }

    /// A violation at a line, ready to print.
    pub fn at(&self, index: usize, what: String) -> String {
        format!("core/{}:{}: {what}", self.path, index + 1)
    }

    /// A violation at each line that `wants` names.
    pub fn matches(&self, wants: impl Fn(&Line) -> bool, what: &str) -> Vec<String> {
        let lines = self.lines.iter().enumerate().filter(|(_, line)| wants(line));
        lines.map(|(index, _)| self.at(index, what.into())).collect()
    }

    /// A violation at each line that `wants` names and that has none of the `marks` in a comment on it or above it,
    /// in the same function.
    pub fn uncommented(&self, wants: impl Fn(&Line) -> bool, marks: &[&str], what: &str) -> Vec<String> {
        let marked = |line: &Line| marks.iter().any(|mark| line.comment.contains(mark));
        let covered = |index: usize| {
            for above in self.lines[..=index].iter().rev().take(crate::COMMENT_LINES_MAX + 1) {
                if marked(above) {
                    return true;
                }
                if above.has_word("fn") {
                    return false;
                }
            }
            false
        };
        let lines = self.lines.iter().enumerate().filter(|(index, line)| wants(line) && !covered(*index));
        lines.map(|(index, _)| self.at(index, what.into())).collect()
    }
}

/// The line where a module of tests within the file begins. By convention nothing follows it.
fn tests_begin(lines: &[Line]) -> usize {
    let is_module =
        |index: usize| lines[index..].iter().take(3).any(|line| line.code.contains("mod tests {"));
    let is_test = |line: &Line| line.code.starts_with("#[cfg(") && line.has_word("test");
    (0..lines.len()).find(|i| is_test(&lines[*i]) && is_module(*i)).unwrap_or(lines.len())
}

/// The words of some code, with their places.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.split(move |c| !inside(c))
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - code.as_ptr() as usize, w))
}

/// The first names of a path or of each path in braces: of `{a::b, c}` these are `a` and `c`.
fn heads(code: &str, from: usize) -> Vec<(usize, String)> {
    let rest = &code[from..];
    if !rest.starts_with('{') {
        return words(rest).take(1).map(|(at, word)| (from + at, word.to_owned())).collect();
    }
    let mut depth = 0;
    let mut expected = true;
    let mut found = Vec::new();
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => expected = true,
            c if expected && (c.is_alphanumeric() || c == '_') => {
                found.extend(words(&rest[at..]).take(1).map(|(_, word)| (from + at, word.to_owned())));
                expected = false;
            }
            _ => {}
        }
    }
    found
}

/// The text twice, with the same lines: once the code alone, once the comments alone.
fn separate(text: &str) -> (String, String) {
    let (mut code, mut comment) = (String::new(), String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (len, is_comment) = token(rest);
        let (token, later) = rest.split_at(len.max(first.len_utf8()));
        let blank: String = token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        let is_text = token.len() > first.len_utf8() && !is_comment;
        code.push_str(if is_comment || is_text { &blank } else { token });
        comment.push_str(if is_comment { token } else { &blank });
        rest = later;
    }
    (code, comment)
}

/// How long the comment or literal at the start of `rest` is, 1 for anything else, and whether it is a comment.
fn token(rest: &str) -> (usize, bool) {
    let until =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), true);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2), true);
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return (until(&format!("\"{}", "#".repeat(hashes)), hashes + 2), false);
        }
    }
    if rest.starts_with('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                '"' if !escaped => return (at + 1, false),
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        return (rest.len(), false);
    }
    // A character, as opposed to a lifetime: one character or escape, and the closing quote.
    if let Some(inner) = rest.strip_prefix('\'') {
        let mut chars = inner.char_indices().skip(1);
        if inner.starts_with('\\') {
            chars.next();
        }
        if let Some((at, _)) = chars.find(|(_, c)| !inner.starts_with("\\u") || *c == '\'')
            && inner[at..].starts_with('\'')
        {
            return (at + 2, false);
        }
    }
    (1, false)
}
