//! A compacted stream as a table: the last record of each key, found by its key.
//!
//! **Promise.** What a reader may see, the table has: whoever appended a record and was told so finds it. A tombstone removes its key,
//! retention removes what is too old or too much.
//!
//! **Not promised.** More than one moment: a table goes on changing between two looks.

use crate::error::{Error, Result};
use crate::stream::Stream;
use crate::stream::latest::Latest;
use crate::stream::record::Record;
use crate::stream::shared::Shared;
use std::sync::Arc;

/// The last record of each key of a stream that is compacted. Clones are the same table.
///
/// It follows the stream: each verb first reads what was appended since the last one. What it holds in memory are the keys, and
/// where their records are; the records are read from the stream. So a stream that is not compacted has no table: all that
/// was ever appended would have to be read to open it.
///
/// ```
/// use ringmain::{Compaction, Hub, Message};
/// let gates = Hub::memory().stream("gates").compaction(Compaction::latest_only(10_000)).open()?;
/// for (flight, gate) in [("UA1", "C71"), ("UA2", "C73"), ("UA1", "C75")] {
///     gates.append(Message::new(gate).key(flight))?;
/// }
/// let table = gates.table()?;
/// assert_eq!(table.get("UA1")?.unwrap().value(), b"C75");
/// assert_eq!(table.len()?, 2);
/// gates.append(Message::tombstone("UA1"))?;
/// assert!(table.get("UA1")?.is_none());
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    stream: Arc<Shared>,
    latest: Arc<Latest>,
}

impl Stream {
    /// The last record of each key. Only of a stream that is [compacted](crate::StreamBuilder::compaction), in either way.
    ///
    /// # Errors
    /// `InvalidArgument` if it is not; `Full` if there are more keys than [`keys_max`](crate::Compaction::keys_max);
    /// `Corrupt` or `Io` if a file cannot be read; `Closed`.
    pub fn table(&self) -> Result<Table> {
        let stream = self.shared.clone();
        stream.check_open()?;
        if !stream.upkeep().is_compacted() {
            let detail = format!(
                "{} is not compacted, so that its last records are among all that it ever had; open it with a compaction",
                stream.name
            );
            return Err(Error::invalid("stream", detail));
        }
        let table = Table { latest: stream.latest().clone(), stream };
        table.len()?;
        Ok(table)
    }
}

impl Table {
    /// The last record of a key, if it has a value.
    ///
    /// # Errors
    /// As [`Stream::table`].
    pub fn get(&self, key: &(impl AsRef<[u8]> + ?Sized)) -> Result<Option<Record>> {
        self.stream.look_at_clock()?;
        self.latest.get(key.as_ref(), self.stream.table_limit())
    }

    /// How many keys have a value.
    ///
    /// # Errors
    /// As [`Stream::table`].
    pub fn len(&self) -> Result<usize> {
        self.stream.look_at_clock()?;
        self.latest.len(self.stream.table_limit())
    }

    /// Whether no key has a value.
    ///
    /// # Errors
    /// As [`Stream::table`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The records of all keys that have a value now: by partition, and there in the order in which the keys were written last.
    /// Each key comes once, with the value that it has when its turn comes, and not if it has none then; keys that come in
    /// meanwhile are left out.
    ///
    /// ```
    /// # use ringmain::{Compaction, Hub, Message};
    /// # let gates = Hub::memory().stream("gates").compaction(Compaction::default()).open()?;
    /// # for flight in ["UA1", "UA2", "UA1"] { gates.append(Message::new(b"C71").key(flight))?; }
    /// let flights: Vec<_> = gates.table()?.iter()?.map(|record| Ok(record?.key().unwrap_or_default().to_vec())).collect::<Result<_, ringmain::Error>>()?;
    /// assert_eq!(flights, [b"UA2", b"UA1"]);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Stream::table`], at once or of a record.
    pub fn iter(&self) -> Result<impl Iterator<Item = Result<Record>> + use<>> {
        self.stream.look_at_clock()?;
        let keys = self.latest.keys(self.stream.table_limit())?;
        let table = self.clone();
        Ok(keys.into_iter().filter_map(move |key| table.get(&*key).transpose()))
    }
}
