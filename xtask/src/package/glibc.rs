//! Which glibc a library needs: the newest version of a symbol that it asks for.

use anyhow::{Context, Result};
use std::fmt;
use std::path::Path;

/// A version of glibc, such as 2.34.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The oldest glibc that the library loads with; nothing if it asks for none.
///
/// # Errors
///
/// It cannot be read.
pub fn needed_by(library: &Path) -> Result<Option<Version>> {
    let bytes = std::fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    Ok(newest(&bytes))
}

/// WHY not by the tables of ELF: names of versions stand in its strings, each between zeros, and nothing else in a library looks so. One
/// that did would make the answer newer than needed, never older.
fn newest(bytes: &[u8]) -> Option<Version> {
    bytes.split(|byte| *byte == 0).filter_map(version).max()
}

/// `GLIBC_2.34`, `GLIBC_2.2.5`.
fn version(text: &[u8]) -> Option<Version> {
    let numbers = std::str::from_utf8(text).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    Some(Version(numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_a_symbol_counts_and_not_the_first_by_its_letters() {
        let strings =
            b"\x7fELF\0libc.so.6\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_PRIVATE\0pthread_create\0";
        assert_eq!(newest(strings).unwrap().to_string(), "2.34");
        assert_eq!(newest(b"\0GLIBC_2.4\0GLIBC_2.17\0").unwrap().to_string(), "2.17");
        assert_eq!(newest(b"no strings of versions, GLIBC_2.99 in a text"), None);
    }
}
