//! What a call must give, as checks in C.

use crate::arguments::{Arguments, Result, literal};
use serde_json::Value;

/// A message as C sees it: the struct that says most of it, and how its headers are asked for.
pub struct Shown<'a> {
    /// The type of the struct.
    pub kind: &'a str,
    /// Fills the struct, but for the place at the end.
    pub get: String,
    /// Finds a header, but for its name and the place at the end.
    pub header: String,
}

/// A number that is as it should be.
pub fn number(what: &str, expected: &Value, found: &str) -> Result<String> {
    let expected = match expected {
        Value::Bool(is_so) => u64::from(*is_so),
        other => other.as_u64().ok_or_else(|| format!("{what}: {other} is no number"))?,
    };
    Ok(format!("NUMBER({}, {expected}, {found});", literal(what)))
}

/// Bytes that are as they should be, or are not there.
fn bytes(what: &str, expected: &Value, found: &str) -> Result<String> {
    match expected {
        Value::Null => Ok(format!("NUMBER({}, 0, {found} != NULL);", literal(what))),
        Value::String(text) => Ok(format!(
            "BYTES({}, {}, {}, {found}, {found}_bytes);",
            literal(what),
            literal(text),
            text.len()
        )),
        other => Err(format!("{what}: {other} is no text")),
    }
}

/// The members of a message that are said.
pub fn message(shown: &Shown<'_>, expected: &Value) -> Result<Vec<String>> {
    let mut expected = Arguments::of_value("gives", expected)?;
    let mut lines = vec![
        format!("{kind} shown = {{.size = sizeof(shown)}};", kind = shown.kind),
        format!("OK({}, &shown));", shown.get),
    ];
    for name in ["value", "key"] {
        if let Some(value) = expected.take(name) {
            lines.push(bytes(name, &value, &format!("shown.{name}"))?);
        }
    }
    if let Some(time) = expected.take("event_time_ns") {
        let time = if time.is_null() { 0.into() } else { time };
        lines.push(number("event_time_ns", &time, "shown.event_time_ns")?);
    }
    let numbers: &[&str] = match shown.kind {
        "ringmain_record" => &["partition", "offset"],
        _ => &["id", "attempts", "failures"],
    };
    for name in numbers {
        if let Some(value) = expected.take(name) {
            lines.push(number(name, &value, &format!("shown.{name}"))?);
        }
    }
    if let Some(headers) = expected.take("headers") {
        let headers = headers.as_object().ok_or("headers are no object")?;
        if headers.is_empty() {
            lines.push(number("how many headers", &0.into(), "shown.header_count")?);
        }
        for (name, value) in headers {
            lines.push("{".to_owned());
            lines.push("ringmain_header header;".to_owned());
            lines.push(format!("OK({}, {}, &header));", shown.header, literal(name)));
            lines.push(bytes(&format!("header {name}"), value, "header.value")?);
            lines.push("}".to_owned());
        }
    }
    expected.end()?;
    Ok(block(lines))
}

/// Several messages; `shown` says how one of them is seen.
pub fn messages(
    expected: &Value,
    count: &str,
    shown: impl Fn(usize) -> Shown<'static>,
) -> Result<Vec<String>> {
    let expected = expected.as_array().ok_or_else(|| format!("{expected} is no list"))?;
    let mut lines = vec![number("how many", &expected.len().into(), count)?];
    for (index, expected) in expected.iter().enumerate() {
        lines.extend(message(&shown(index), expected)?);
    }
    Ok(lines)
}

/// Where records are.
pub fn position(expected: &Value, found: &str) -> Result<Vec<String>> {
    let mut expected = Arguments::of_value("gives", expected)?;
    let mut lines = Vec::new();
    for name in ["partition", "offset"] {
        if let Some(value) = expected.take(name) {
            lines.push(number(name, &value, &format!("{found}.{name}"))?);
        }
    }
    expected.end().map(|()| lines)
}

/// A code for each element: its name, or null.
pub fn codes(expected: &Value, count: usize, found: &str) -> Result<Vec<String>> {
    let expected = expected.as_array().ok_or_else(|| format!("{expected} is no list"))?;
    let mut lines = vec![number("how many", &expected.len().into(), &count.to_string())?];
    for (index, code) in expected.iter().enumerate().take(count) {
        lines.push(format!("ANSWERS({}, {found}[{index}]);", error(code.as_str())));
    }
    Ok(lines)
}

/// The constant of an error, or of success.
pub fn error(name: Option<&str>) -> String {
    name.map_or("RINGMAIN_OK".to_owned(), |name| format!("RINGMAIN_ERROR_{name}"))
}

/// Lines with names of their own.
pub fn block(lines: Vec<String>) -> Vec<String> {
    [vec!["{".to_owned()], lines, vec!["}".to_owned()]].concat()
}
