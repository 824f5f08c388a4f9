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
    /// Of a time: what its name ends with where numbers have no type.
    pub unit: Option<String>,
    /// `None`: not there.
    pub names: BTreeMap<String, Option<String>>,
    pub why: Option<String>,
}

impl Row {
    /// What it is called in a language unless the table says otherwise: as it is, a batch in Python and Node `_many`, in Node in camel
    /// case; durations are seconds in Python, and milliseconds in C and Node.
    pub fn name_in(&self, language: &str) -> Option<String> {
        if let Some(name) = self.names.get(language) {
            return name.clone();
        }
        let mut name = self.verb.clone();
        if ["python", "node"].contains(&language)
            && let Some(verb) = name.strip_suffix("_batch")
        {
            name = format!("{verb}_many");
        }
        if let Some(unit) = &self.unit
            && language != "rust"
            && (language != "python" || unit == "ns")
        {
            name = format!("{name}_{unit}");
        }
        Some(if language == "node" { camel(&name) } else { name })
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
    let sources: BTreeMap<_, _> =
        of.iter().map(|(language, value)| (language.clone(), words(value))).collect();
    let rows = table.iter().filter(|(key, _)| !["of", "why"].contains(&key.as_str()));
    let mut rows: Vec<_> = rows.map(|(verb, row)| read_row(verb, row)).collect();
    let missing: Vec<_> = LANGUAGES.into_iter().filter(|language| !sources.contains_key(*language)).collect();
    let why = table.get("why").and_then(toml::Value::as_str).map(str::to_owned);
    assert!(missing.is_empty() || why.is_some(), "{name}: why is it not in {missing:?}?");
    for row in &mut rows {
        row.names.extend(missing.iter().map(|language| ((*language).to_owned(), None)));
        row.why = row.why.take().or_else(|| why.clone());
    }
    Noun { name, sources, rows }
}

fn read_row(verb: &str, row: &toml::Value) -> Row {
    let row = row.as_table().unwrap_or_else(|| panic!("{verb} is not a table"));
    let mut names = BTreeMap::new();
    let text = |key| row.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    for (language, name) in row.iter().filter(|(key, _)| !["why", "unit"].contains(&key.as_str())) {
        assert!(LANGUAGES.contains(&language.as_str()), "{verb}: {language} is no language");
        names.insert(language.clone(), name.as_str().map(str::to_owned));
    }
    Row { verb: verb.to_owned(), unit: text("unit"), names, why: text("why") }
}
