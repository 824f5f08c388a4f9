//! The table, as `verbs.toml` has it.

use std::collections::BTreeMap;
use std::path::Path;

/// As the columns of the table are called.
pub const LANGUAGES: [&str; 4] = ["rust", "c", "python", "node"];

/// A noun: where each language has it, and its verbs.
#[derive(Debug)]
pub struct Noun {
    pub name: String,
    /// Types or prefixes by language; none where it is missing.
    pub sources: BTreeMap<String, Vec<String>>,
    pub rows: Vec<Row>,
}

/// A verb, and what it is called where that is not the usual name.
#[derive(Debug)]
pub struct Row {
    pub verb: String,
    /// `None`: not there.
    pub names: BTreeMap<String, Option<String>>,
    pub why: Option<String>,
}

impl Row {
    /// What it is called in a language: as it is, in Node in camel case, unless the table says otherwise.
    pub fn name_in(&self, language: &str) -> Option<String> {
        match self.names.get(language) {
            Some(name) => name.clone(),
            None if language == "node" => Some(camel(&self.verb)),
            None => Some(self.verb.clone()),
        }
    }
}

/// `send_batch` is `sendBatch`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |so_far, word| {
        let (head, tail) = word.split_at(1.min(word.len()));
        so_far + &head.to_uppercase() + tail
    })
}

/// Reads the table.
pub fn read() -> Vec<Noun> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("verbs.toml");
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    table
        .into_iter()
        .map(|(name, noun)| read_noun(name, noun.as_table().expect("a noun is a table")))
        .collect()
}

fn read_noun(name: String, table: &toml::Table) -> Noun {
    let of =
        table.get("of").and_then(toml::Value::as_table).unwrap_or_else(|| panic!("{name}: of is missing"));
    let words = |value: &toml::Value| -> Vec<String> {
        let words = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        words.iter().map(|word| word.as_str().expect("a name").to_owned()).collect()
    };
    let sources = of.iter().map(|(language, value)| (language.clone(), words(value))).collect();
    let rows = table.iter().filter(|(key, _)| *key != "of").map(|(verb, row)| read_row(verb, row)).collect();
    Noun { name, sources, rows }
}

fn read_row(verb: &str, row: &toml::Value) -> Row {
    let row = row.as_table().unwrap_or_else(|| panic!("{verb} is not a table"));
    let mut names = BTreeMap::new();
    for (language, name) in row.iter().filter(|(key, _)| *key != "why") {
        assert!(LANGUAGES.contains(&language.as_str()), "{verb}: {language} is no language");
        names.insert(language.clone(), name.as_str().map(str::to_owned));
    }
    Row { verb: verb.to_owned(), names, why: row.get("why").and_then(|why| why.as_str()).map(str::to_owned) }
}
