//! What a reader does when the records that it would read next were removed.

use crate::error::{Error, Result};
use crate::notice::{self, Notice};
use crate::stream::reader::Reader;
use crate::sync::Ordering;

/// Where a reader goes on when the records that it would read next were removed, because they were too old or too many for the
/// stream's options. It is told so in any case, by [`Error::OutOfRange`]; [`StreamStats::out_of_range_total`] counts it.
///
/// [`StreamStats::out_of_range_total`]: crate::stream::StreamStats::out_of_range_total
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// Nowhere: the error comes again at each call, until [`Reader::seek`] takes it to an offset that is held.
    #[default]
    Fail,
    /// At the first record held. The error comes once; offsets from its `offset` to before its `start` are lost to the reader.
    Earliest,
    /// After the last record. The error comes once; offsets from its `offset` to before its `end` are lost to the reader.
    Latest,
}

impl Reset {
    fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Earliest => "earliest",
            Self::Latest => "latest",
        }
    }
}

impl Reader {
    /// What it does when the records that it would read next were removed. Default [`Reset::Fail`].
    ///
    /// ```
    /// use ringmain::{Error, Hub, Message, Reset, Start};
    /// let positions = Hub::memory().stream("positions").count_max(2).open()?;
    /// let mut reader = positions.reader(Start::Earliest)?.on_out_of_range(Reset::Earliest);
    /// for minute in 0..5u8 {
    ///     positions.append(Message::new(&[minute]))?;
    /// }
    /// assert!(matches!(reader.next(), Some(Err(Error::OutOfRange { offset: 0, start: 3, end: 5, .. }))));
    /// assert_eq!(reader.next().transpose()?.map(|record| record.offset()), Some(3));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn on_out_of_range(mut self, reset: Reset) -> Self {
        self.set_reset(reset);
        self
    }

    pub(crate) fn set_reset(&mut self, reset: Reset) {
        self.reset = reset;
    }

    /// The error that says that what the partition whose turn it is would read next was removed up to `start`; from here on it reads
    /// what the reader was told to.
    pub(super) fn lose(&mut self, start: u64) -> Error {
        match self.try_lose(start) {
            Ok(error) | Err(error) => error,
        }
    }

    fn try_lose(&mut self, start: u64) -> Result<Error> {
        let Some(place) = self.partitions.get_mut(self.turn) else {
            return Err(Error::Internal { detail: "nobody's turn".into() });
        };
        let (partition, offset) = (place.partition, place.offset());
        let end = place.bounds().1.max(start);
        let is_news = !place.is_lost;
        match self.reset {
            Reset::Fail => place.is_lost = true,
            Reset::Earliest => place.go_to(start)?,
            Reset::Latest => place.go_to(end)?,
        }
        if is_news {
            // STATISTIC: places that were removed.
            self.stream.out_of_range.fetch_add(1, Ordering::Relaxed);
            let (stream, reset) = (self.stream.name.clone(), self.reset.name());
            notice::now(|| Notice::OutOfRange { stream, partition, offset, start, end, reset });
        }
        Ok(Error::OutOfRange { partition, offset, start, end })
    }
}
