//! Scripts of steps and of what they give, which every surface of Ringmain replays. See the README beside this for how they are
//! written.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

/// One script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What it shows.
    pub about: String,
    /// Whether it is only for durable hubs.
    #[serde(default)]
    pub durable: bool,
    /// In order.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `NAME.VERB`.
    pub call: String,
    /// The arguments by name.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// What names what the call gives: a name, or one for each element.
    #[serde(default, rename = "as")]
    pub as_: Option<Value>,
    /// What it must give.
    #[serde(default, deserialize_with = "given")]
    pub gives: Option<Value>,
    /// The code that it must fail with.
    #[serde(default)]
    pub error: Option<String>,
}

/// `null` is something that can be given.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Step {
    /// The name of what the verb is called on, and the verb.
    pub fn split(&self) -> (&str, &str) {
        self.call.split_once('.').unwrap_or(("", &self.call))
    }

    /// The names that it gives: none, one, or one for each element.
    pub fn names(&self) -> Vec<&str> {
        match &self.as_ {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(name)) => vec![name],
            _ => vec![],
        }
    }
}

/// Every script, by file in order of name.
///
/// # Panics
/// A file cannot be read, or is not what the README says: this is for tests.
pub fn scripts() -> Vec<(String, Vec<Script>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).expect("scripts").map(|entry| entry.expect("a script").path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a script is text");
        let scripts =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), scripts)
    };
    files.iter().map(read).collect()
}

/// What of `expected` is not in `found`, in words; `None` if all of it is. Of objects only the members that are expected
/// are compared.
pub fn difference(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, expected)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            // Headers are all of them.
            let is_whole = name == "headers" && expected.as_object().is_some_and(Map::is_empty);
            let difference = if is_whole { not_equal(expected, found) } else { difference(expected, found) };
            difference.map(|difference| format!("{name}: {difference}"))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(index, (expected, found))| {
                difference(expected, found).map(|difference| format!("[{index}]: {difference}"))
            })
        }
        _ => not_equal(expected, found),
    }
}

fn not_equal(expected: &Value, found: &Value) -> Option<String> {
    (expected != found).then(|| format!("{expected} was expected, {found} was given"))
}
