//! Which records a reader wants: decided on the record where it lies, before anything of it is copied.

use crate::error::{Error, Result};
use crate::limits::{FILTER_DEPTH_MAX, FILTER_TERM_COUNT_MAX};
use crate::stream::reader::Reader;
use crate::stream::record::RecordRef;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Which records a reader wants. Keys and values of headers are compared byte for byte.
///
/// ```
/// use ringmain::{Filter, Hub, Message, Start};
/// let flights = Hub::memory().stream("flights").open()?;
/// flights.append(Message::new("a").key("UA1").header("from", b"EWR"))?;
/// flights.append(Message::new("b").key("UA1").header("from", b"IAH"))?;
/// flights.append(Message::new("c").key("B6").header("from", b"EWR"))?;
/// let wanted = Filter::all([Filter::key("UA1"), Filter::header("from", b"EWR")]);
/// let values: Vec<Vec<u8>> =
///     flights.reader(Start::Earliest)?.only(wanted)?.map(|record| Ok(record?.value().to_vec())).collect::<ringmain::Result<_>>()?;
/// assert_eq!(values, [b"a"]);
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Filter(Rule);

#[derive(Clone)]
enum Rule {
    Key(Vec<u8>),
    Keys(BTreeSet<Vec<u8>>),
    HasHeader(String),
    Header(String, Vec<u8>),
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Where(Arc<Predicate>),
}

type Predicate = dyn Fn(RecordRef<'_>) -> bool + Send + Sync;

impl Filter {
    /// Records with this key.
    pub fn key(key: impl AsRef<[u8]>) -> Self {
        Self(Rule::Key(key.as_ref().to_vec()))
    }

    /// Records with one of these keys.
    pub fn keys<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(Rule::Keys(keys.into_iter().map(|key| key.as_ref().to_vec()).collect()))
    }

    /// Records with a header of that name.
    pub fn has_header(name: impl Into<String>) -> Self {
        Self(Rule::HasHeader(name.into()))
    }

    /// Records with a header of that name and value; where several have the name, any of them.
    pub fn header(name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        Self(Rule::Header(name.into(), value.as_ref().to_vec()))
    }

    /// Records that all of these want; all records, if there are none.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::All(filters.into_iter().collect()))
    }

    /// Records that any of these wants; no record, if there are none.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::Any(filters.into_iter().collect()))
    }

    /// Records of which `is_wanted` says so. It is called once for each record that is looked at, while no lock is held.
    ///
    /// ```
    /// use ringmain::{Filter, Hub, Message, Start};
    /// let delays = Hub::memory().stream("delays").open()?;
    /// delays.append_batch(&[Message::new(&[3]), Message::new(&[70])])?;
    /// let long = Filter::by(|record| record.value().first().is_some_and(|minutes| *minutes > 60));
    /// assert_eq!(delays.reader(Start::Earliest)?.only(long)?.count(), 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn by(is_wanted: impl Fn(RecordRef<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::Where(Arc::new(is_wanted)))
    }

    /// Whether the record is wanted.
    pub fn wants(&self, record: RecordRef<'_>) -> bool {
        match &self.0 {
            Rule::Key(key) => record.key() == Some(key),
            Rule::Keys(keys) => record.key().is_some_and(|key| keys.contains(key)),
            Rule::HasHeader(name) => record.headers().any(|(found, _)| found == name),
            Rule::Header(name, value) => {
                record.headers().any(|found| found == (name.as_str(), value.as_slice()))
            }
            Rule::All(filters) => filters.iter().all(|filter| filter.wants(record)),
            Rule::Any(filters) => filters.iter().any(|filter| filter.wants(record)),
            Rule::Where(is_wanted) => is_wanted(record),
        }
    }

    /// Refuses what is too large to be asked for each record.
    fn check(&self) -> Result<()> {
        let (terms, depth) = self.size();
        if terms > FILTER_TERM_COUNT_MAX {
            let detail = format!(
                "it has {terms} terms, each key counted; at most {FILTER_TERM_COUNT_MAX} are allowed"
            );
            return Err(Error::invalid("filter", detail));
        }
        if depth > FILTER_DEPTH_MAX {
            let detail =
                format!("filters lie {depth} deep in one another; at most {FILTER_DEPTH_MAX} are allowed");
            return Err(Error::invalid("filter", detail));
        }
        Ok(())
    }

    /// How many terms it has, and how deep they lie.
    fn size(&self) -> (usize, usize) {
        match &self.0 {
            Rule::Keys(keys) => (keys.len(), 1),
            Rule::All(filters) | Rule::Any(filters) => {
                filters.iter().fold((1, 1), |(terms, depth), filter| {
                    let (more, deeper) = filter.size();
                    (terms + more, depth.max(deeper + 1))
                })
            }
            _ => (1, 1),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.debug_tuple("Key").field(key).finish(),
            Self::Keys(keys) => f.debug_tuple("Keys").field(keys).finish(),
            Self::HasHeader(name) => f.debug_tuple("HasHeader").field(name).finish(),
            Self::Header(name, value) => f.debug_tuple("Header").field(name).field(value).finish(),
            Self::All(filters) => f.debug_tuple("All").field(filters).finish(),
            Self::Any(filters) => f.debug_tuple("Any").field(filters).finish(),
            Self::Where(_) => f.write_str("By(..)"),
        }
    }
}

impl Reader {
    /// Hands out only what this filter wants, too, if it has others already. What it does not want moves the reader on all the same.
    ///
    /// One call of [`poll`](Self::poll) and its like looks at 65,536 records at most and then returns what it has, be it nothing,
    /// although it has not waited: call it again. The iterator goes on until it has found one, or there is nothing left.
    ///
    /// # Errors
    /// `InvalidArgument` for more than 65,536 terms, each key counted, or filters that lie more than 16 deep in one another.
    pub fn only(mut self, filter: Filter) -> Result<Self> {
        let filter = match self.filter.take() {
            Some(other) => Filter::all([Filter::clone(&other), filter]),
            None => filter,
        };
        filter.check()?;
        self.filter = Some(Arc::new(filter));
        Ok(self)
    }
}
