//! The table of verbs against the sources of all four languages: what one has and another has not is in the table, with the reason, or is
//! a mistake.

mod sources;
mod table;

use sources::Names;
use std::collections::{BTreeMap, BTreeSet};
use table::{LANGUAGES, Noun, Row};

/// What is wrong with the table, or with a language.
fn faults(nouns: &[Noun], found: &dyn Fn(&Noun, &str) -> Names) -> Vec<String> {
    let mut faults = Vec::new();
    for noun in nouns {
        for language in LANGUAGES {
            let names = found(noun, language);
            let mut known = BTreeSet::new();
            for row in &noun.rows {
                match row.name_in(language) {
                    Some(name) if !names.contains(&name) => {
                        faults.push(format!("{}.{}: {language} has no {name}", noun.name, row.verb));
                    }
                    Some(name) => _ = known.insert(name),
                    None if row.why.is_none() => {
                        faults.push(format!("{}.{}: why is it not in {language}?", noun.name, row.verb));
                    }
                    None => {}
                }
            }
            for name in names.difference(&known) {
                faults.push(format!("{}: {name} of {language} is not in the table", noun.name));
            }
        }
    }
    faults
}

#[test]
fn every_verb_is_in_every_language_or_the_table_says_why_not() {
    let faults = faults(&table::read(), &sources::names);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_verb_that_a_language_lacks_or_that_the_table_lacks_is_seen() {
    let nouns = table::read();
    let of_all = |noun: &Noun| LANGUAGES.map(|language| sources::names(noun, language));
    let read: BTreeMap<_, _> = nouns.iter().map(|noun| (noun.name.as_str(), of_all(noun))).collect();
    let read = |noun: &str, language: &str| {
        let at = LANGUAGES.iter().position(|one| *one == language);
        read[noun][at.expect("one of them")].clone()
    };
    for noun in &nouns {
        for language in LANGUAGES {
            // Its names changed, and all others as they are.
            let faults = |change: &dyn Fn(&mut Names)| {
                let found = |of: &Noun, asked: &str| {
                    let mut names = read(&of.name, asked);
                    if of.name == noun.name && asked == language {
                        change(&mut names);
                    }
                    names
                };
                faults(&nouns, &found).len()
            };
            if !read(&noun.name, language).is_empty() {
                assert_eq!(faults(&|names| _ = names.pop_first()), 1, "{} in {language}", noun.name);
            }
            assert_eq!(
                faults(&|names| _ = names.insert("another".to_owned())),
                1,
                "{} in {language}",
                noun.name
            );
        }
    }
}

#[test]
fn a_missing_verb_needs_a_reason() {
    let row = |why: Option<&str>| Row {
        verb: "send".to_owned(),
        unit: None,
        names: [("c".to_owned(), None)].into(),
        why: why.map(str::to_owned),
    };
    let noun = |why| Noun { name: "queue".to_owned(), sources: Default::default(), rows: vec![row(why)] };
    let found = |_: &Noun, language: &str| match language {
        "c" => Names::new(),
        _ => ["send".to_owned()].into(),
    };
    assert_eq!(faults(&[noun(None)], &found), ["queue.send: why is it not in c?"]);
    assert!(faults(&[noun(Some("C has no queues"))], &found).is_empty());
}
