//! A validated name: the only way to build a path.

use crate::error::{Error, Result};
use crate::limits::NAME_BYTES_MAX;
use std::fmt;
use std::sync::Arc;

/// The name of a queue, stream or group.
///
/// 1 to 128 bytes of `A-Z a-z 0-9 . _ -`, starting with a letter or digit and not ending in a dot. Anything
/// else is refused, so a name can never leave its directory, hide a file, or mean two files on two systems.
///
/// ```
/// use ringmain::Name;
/// assert_eq!(Name::new("emails.dead").unwrap().as_str(), "emails.dead");
/// assert!(Name::new("../etc").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    /// [`Error::InvalidName`] saying which rule the text breaks.
    pub fn new(text: &str) -> Result<Self> {
        let refuse = |rule: &'static str| {
            let shown: String = text.chars().take(NAME_BYTES_MAX).collect();
            Err(Error::InvalidName { name: shown, rule })
        };
        let bytes = text.as_bytes();
        let Some(first) = bytes.first() else { return refuse("a name has at least one character") };
        if bytes.len() > NAME_BYTES_MAX {
            return refuse("a name has at most 128 bytes");
        }
        if !first.is_ascii_alphanumeric() {
            return refuse("a name starts with a letter or digit");
        }
        if !bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return refuse("a name consists of A-Z a-z 0-9 . _ -");
        }
        if bytes.ends_with(b".") {
            return refuse("a name does not end in a dot");
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the two would be one file on a system that ignores case.
    pub(crate) fn differs_only_in_case(&self, other: &Self) -> bool {
        self != other && self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for good in ["a", "9", "emails", "emails.dead", "A-b_c.9", &"x".repeat(128)] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn names_that_could_leave_their_directory_or_hide_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            ".hidden",
            "-flag",
            "_x",
            "a.",
            "a b",
            "a\0b",
            "é",
            &"x".repeat(129),
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }
}
