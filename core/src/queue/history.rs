//! The last failures of a message, for whoever looks at its dead letter.
//!
//! **Promise.** The last one is whole. Of those before it at most two are kept, and the text that tells all of them has at
//! most 4 KiB: what does not fit is cut, the oldest first.

use crate::error::{Error, Result};
use crate::limits::{CLASS_BYTES_MAX, HISTORY_BYTES_MAX, HISTORY_COUNT_MAX, REASON_BYTES_MAX};
use crate::message::cut;
use serde::Serialize;

/// Of each failure in the text that tells all of them, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// Why something failed: a text for people, and a class that rules go by; empty if it was not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) class: String,
    pub(crate) text: String,
}

impl Reason {
    pub(crate) fn of_class(class: &str, text: String) -> Result<Self> {
        check_class(class)?;
        Ok(Self { class: class.to_owned(), text })
    }

    /// The same with its text cut at the limit.
    pub(crate) fn cut(self) -> Self {
        Self { text: cut(&self.text, REASON_BYTES_MAX).to_owned(), ..self }
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { class: String::new(), text }
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A class is a short name.
pub(crate) fn check_class(class: &str) -> Result<()> {
    if class.is_empty() || class.len() > CLASS_BYTES_MAX || class.chars().any(char::is_control) {
        let detail =
            format!("{class:?} is not allowed; 1 to {CLASS_BYTES_MAX} bytes without control characters are");
        return Err(Error::invalid("class", detail));
    }
    Ok(())
}

/// See the module's description.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Oldest first.
    failures: Vec<(u64, Reason)>,
}

/// A failure as it is told.
#[derive(Serialize)]
struct Told<'a> {
    time_ns: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    class: &'a str,
    error: &'a str,
}

impl History {
    /// Adds a failure; the oldest makes room.
    pub(crate) fn push(&mut self, time_ns: u64, reason: Reason) {
        if self.failures.len() == HISTORY_COUNT_MAX {
            self.failures.remove(0);
        }
        // Most have one at the most.
        self.failures.reserve_exact(1);
        self.failures.push((time_ns, reason));
    }

    /// Those that are kept, oldest first.
    pub(crate) fn failures(&self) -> &[(u64, Reason)] {
        &self.failures
    }

    /// Why it failed last.
    pub(crate) fn last(&self) -> Option<&Reason> {
        self.failures.last().map(|(_, reason)| reason)
    }

    /// All of them, oldest first: a JSON array of objects with `time_ns`, `class` if there is one, and `error`.
    pub(crate) fn to_json(&self) -> String {
        let mut told: &[(u64, Reason)] = &self.failures;
        loop {
            let tell = |(time_ns, reason): &(u64, Reason)| {
                let Reason { class, text } = reason;
                serde_json::to_string(&Told { time_ns: *time_ns, class, error: cut(text, TEXT_BYTES_MAX) })
            };
            let texts: Vec<String> = told.iter().flat_map(tell).collect();
            let json = format!("[{}]", texts.join(","));
            match told {
                // Escaped, one alone may be too long: the error has a header of its own.
                [_, rest @ ..] if json.len() > HISTORY_BYTES_MAX => told = rest,
                _ => return json,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_are_told_oldest_first() {
        let mut history = History::default();
        assert_eq!(history.to_json(), "[]");
        for n in 1..=4 {
            let class = if n == 4 { "Timeout" } else { "" };
            history.push(n, Reason { class: class.into(), text: format!("boom {n}") });
        }
        assert_eq!(history.last().unwrap().text, "boom 4");
        assert_eq!(
            history.to_json(),
            r#"[{"time_ns":2,"error":"boom 2"},{"time_ns":3,"error":"boom 3"},{"time_ns":4,"class":"Timeout","error":"boom 4"}]"#
        );
    }

    #[test]
    fn what_is_told_is_bounded_whatever_the_texts() {
        for text in ["x", "\u{1}", "ä", "\""] {
            let mut history = History::default();
            for n in 0..3 {
                history.push(n, Reason::from(text.repeat(REASON_BYTES_MAX)).cut());
            }
            let json = history.to_json();
            assert!(json.len() <= HISTORY_BYTES_MAX, "{} bytes", json.len());
            let told: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert!(told.is_array());
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(cut("aä", 3), "aä");
        assert_eq!(cut("", 3), "");
    }
}
