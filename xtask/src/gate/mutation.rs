//! Planted bugs: a table of texts of the core and what to write in their place, and a copy of the sources that has
//! them all, asleep.
//!
//! Nothing of it is in the product. The copy asks at each place whether its bug is awake, so that it is built once for
//! all of them.

use super::{Workspace, files_below, read, write};
use crate::paths;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A planted bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    pub name: String,
    /// A file of the core's sources, or of another crate, below the repository.
    file: String,
    /// A text that is there once, after which to look.
    after: Option<String>,
    /// An expression, or statements that bind nothing: the first place like it after that, or the only one.
    find: String,
    /// What is there when the bug is awake.
    replace: String,
    /// Models each of which must fail under loom.
    #[serde(default)]
    pub loom: Vec<String>,
    /// Models each of which must fail under shuttle.
    #[serde(default)]
    pub shuttle: Vec<String>,
    /// The stress test that must be reported by ThreadSanitizer.
    pub thread_sanitizer: Option<String>,
    /// The stress test that must be reported by AddressSanitizer.
    pub address_sanitizer: Option<String>,
    /// The fuzz target that must crash.
    pub fuzz: Option<String>,
    /// The fuzz target that must crash without checksums.
    pub fuzz_twin: Option<String>,
    /// Awake in the twin that skips checksums.
    #[serde(default)]
    pub twin: bool,
}

/// The table.
///
/// # Errors
///
/// It cannot be read, or says less than it must.
pub fn read_table(workspace: &Workspace) -> Result<Vec<Mutation>> {
    let name = workspace.table();
    parse(&read(&paths::root().join(&name))?).with_context(|| format!("{name} is wrong"))
}

fn parse(text: &str) -> Result<Vec<Mutation>> {
    #[derive(Deserialize)]
    struct Table {
        mutation: Vec<Mutation>,
    }
    let mutations = toml::from_str::<Table>(text)?.mutation;
    let mut names = BTreeSet::new();
    for mutation in &mutations {
        let name = &mutation.name;
        ensure!(names.insert(name), "there are two mutations {name}");
        let one =
            [&mutation.thread_sanitizer, &mutation.address_sanitizer, &mutation.fuzz, &mutation.fuzz_twin];
        let many = [&mutation.loom, &mutation.shuttle];
        let nobody =
            one.iter().all(|one| one.is_none()) && many.iter().all(|many| many.is_empty()) && !mutation.twin;
        ensure!(!nobody, "nobody is named to catch {name}");
    }
    Ok(mutations)
}

/// Writes the copy of the sources, and the file by which the programs include it.
///
/// # Errors
///
/// A text that is to be replaced is not there exactly once: the table has fallen behind the sources.
pub fn prepare(workspace: &Workspace, mutations: &[Mutation]) -> Result<()> {
    let core = paths::root().join("core/src");
    let mut sources = BTreeMap::new();
    let below = workspace.sources.iter().map(|source| files_below(&core.join(source)));
    for file in below.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        let name = file.strip_prefix(&core)?.to_string_lossy().into_owned();
        sources.insert(name, read(&file)?);
    }
    for name in workspace.others {
        sources.insert((*name).to_owned(), read(&paths::root().join(name))?);
    }
    plant(&mut sources, mutations).with_context(|| format!("{} has fallen behind", workspace.table()))?;
    for (name, text) in sources {
        let folder = if workspace.others.contains(&name.as_str()) { "" } else { "core" };
        write(&workspace.generated().join(folder).join(name), &text)?;
    }
    let modules = workspace.modules.join("\n    ");
    let mut text = format!(
        "#[path = \"core\"]\n#[allow(warnings, reason = \"generated\")]\nmod product {{\n    {modules}\n}}\n"
    );
    if let Some((folder, modules)) = workspace.other_modules {
        text += &format!("#[path = {folder:?}]\n#[allow(warnings, reason = \"generated\")]\n{modules}\n");
    }
    write(&workspace.generated().join("mutated.rs"), &text)
}

fn plant(sources: &mut BTreeMap<String, String>, mutations: &[Mutation]) -> Result<()> {
    for mutation in mutations {
        let Some(source) = sources.get_mut(&mutation.file) else {
            bail!("{}: there is no {}", mutation.name, mutation.file)
        };
        let start = mutation.find_in(source)?;
        let (find, replace) = (mutation.find.trim(), mutation.replace.trim());
        let asked = format!("if crate::mutation::is({:?}) {{ {replace} }} else {{ {find} }}", mutation.name);
        let is_statement = find.ends_with(';') || find.ends_with('}');
        let asked = if is_statement { asked } else { format!("({asked})") };
        source.replace_range(start..start + find.len(), &asked);
    }
    Ok(())
}

impl Mutation {
    fn find_in(&self, source: &str) -> Result<usize> {
        let once = |text: &str| {
            let count = source.matches(text).count();
            ensure!(
                count == 1,
                "{}: {} has {count} places like this, not one; tell the table what it has:\n{text}",
                self.name,
                self.file
            );
            Ok(source.find(text).unwrap_or_default())
        };
        let find = self.find.trim();
        let Some(after) = &self.after else { return once(find) };
        let from = once(after)? + after.len();
        let place = source[from..].find(find);
        let place = place.with_context(|| {
            format!(
                "{}: {} has nothing like this after {after:?}; tell the table what it has:\n{find}",
                self.name, self.file
            )
        })?;
        Ok(from + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(find: &str) -> Vec<Mutation> {
        let find = format!("{find:?}");
        parse(&format!(
            "[[mutation]]\nname = \"m\"\nfile = \"a.rs\"\nfind = {find}\nreplace = \"h()\"\nloom = [\"x\"]"
        ))
        .unwrap()
    }

    fn planted(source: &str, find: &str) -> Result<String> {
        let mut sources = BTreeMap::from([("a.rs".to_owned(), source.to_owned())]);
        plant(&mut sources, &table(find))?;
        Ok(sources.remove("a.rs").unwrap())
    }

    #[test]
    fn the_copy_asks_whether_a_bug_is_awake_where_it_is_planted() {
        let expression = planted("let a = f() + g();", "g()").unwrap();
        assert_eq!(expression, "let a = f() + (if crate::mutation::is(\"m\") { h() } else { g() });");
        let statement = planted("f(); g();", "g();").unwrap();
        assert_eq!(statement, "f(); if crate::mutation::is(\"m\") { h() } else { g(); }");
    }

    #[test]
    fn a_text_that_is_not_there_once_is_named() {
        for source in ["f();", "g(); g();"] {
            let error = planted(source, "g()").unwrap_err().to_string();
            assert!(error.contains('m') && error.contains("a.rs") && error.contains("g()"), "{error}");
        }
    }

    #[test]
    fn a_place_may_be_named_by_what_is_before_it() {
        let mut mutations = table("g()");
        mutations[0].after = Some("fn b".to_owned());
        let source = "fn a() { g() } fn b() { g(); g() }";
        let mut sources = BTreeMap::from([("a.rs".to_owned(), source.to_owned())]);
        plant(&mut sources, &mutations).unwrap();
        let planted = "fn a() { g() } fn b() { (if crate::mutation::is(\"m\") { h() } else { g() }); g() }";
        assert_eq!(sources["a.rs"], planted);
        mutations[0].after = Some("fn c".to_owned());
        assert!(plant(&mut sources, &mutations).is_err());
    }

    #[test]
    fn a_bug_that_nobody_is_to_catch_or_of_a_known_name_is_refused() {
        let one = "[[mutation]]\nname = \"m\"\nfile = \"a.rs\"\nfind = \"g()\"\nreplace = \"h()\"\n";
        assert!(parse(one).is_err());
        let caught = format!("{one}loom = [\"x\"]\n");
        assert!(parse(&caught).is_ok() && parse(&caught.repeat(2)).is_err());
    }

    #[test]
    fn the_tables_of_this_repository_fit_its_sources() {
        let core = paths::root().join("core/src");
        for workspace in [&super::super::MODELS, &super::super::fuzz::TARGETS] {
            let mut sources = BTreeMap::new();
            let mutations = read_table(workspace).unwrap();
            for mutation in &mutations {
                let is_other = workspace.others.contains(&mutation.file.as_str());
                let folder = if is_other { paths::root() } else { &core };
                sources.insert(mutation.file.clone(), read(&folder.join(&mutation.file)).unwrap());
            }
            plant(&mut sources, &mutations).unwrap();
        }
    }
}
