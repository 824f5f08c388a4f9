//! What a reader had: every record once, in the order of its key, unaltered, with its key and its time where there are any.
//!
//! Records come from [`Records`](crate::log::record::Records), which numbers them and uses the same buffers over and over:
//! with so many buffers each has so many keys, and a record's key is part of it. So nobody needs to be told it.

use crate::log::record::identity;
use anyhow::{Result, bail, ensure};
use std::ops::Range;

/// Where in a record its key is.
const KEY: Range<usize> = 8..16;
/// Where it says when it was sent, if it does.
const SENT: Range<usize> = 16..24;

/// The key of a record of that value.
#[inline(always)]
pub fn key_of(value: &[u8]) -> &[u8] {
    &value[KEY]
}

/// Has a record say when it was sent.
pub fn stamp(value: &mut [u8], sent_ns: u64) {
    value[SENT].copy_from_slice(&sent_ns.to_le_bytes());
}

/// The records that one reader had.
#[derive(Clone, Debug)]
pub struct Account {
    size: usize,
    /// The next number of each key, by its remainder.
    next: Vec<u64>,
    count: u64,
    fault: Option<String>,
    beside: Beside,
}

/// What is looked at besides the order.
#[derive(Clone, Debug)]
enum Beside {
    Nothing,
    /// The key, and, if all have one order, that times do not go back.
    Keys {
        last_ns: u64,
    },
    /// When the last one was sent, as it says.
    Stamps {
        sent_ns: u64,
    },
    /// The first records of their time, some of them, with their times: one of `every` at most.
    Times {
        last_ns: u64,
        firsts: Vec<(u64, u64)>,
        every: u64,
    },
}

impl Account {
    /// Of records of `size` bytes in the order in which they were appended.
    pub fn in_order(size: usize) -> Self {
        Self::by_key(size, 1)
    }

    /// Of records of `size` bytes of so many keys, a power of two, each in order.
    pub fn by_key(size: usize, keys: usize) -> Self {
        assert!(keys.is_power_of_two(), "{keys} is no power of two");
        Self { size, next: (0..keys as u64).collect(), count: 0, fault: None, beside: Beside::Nothing }
    }

    /// Looks at keys, and at times if all records have one order.
    pub fn checking_keys(self) -> Self {
        Self { beside: Beside::Keys { last_ns: 0 }, ..self }
    }

    /// Looks at when a record says that it was sent.
    pub fn noting_stamps(self) -> Self {
        Self { beside: Beside::Stamps { sent_ns: 0 }, ..self }
    }

    /// Keeps some of the records that are the first of their time, one of `every` at most.
    pub fn keeping_firsts(self, every: u64) -> Self {
        Self { beside: Beside::Times { last_ns: 0, firsts: Vec::new(), every: every.max(1) }, ..self }
    }

    /// Enters a record. What else is known of it, its key and the time at which it was accepted, is asked for when it is
    /// looked at.
    #[inline(always)]
    pub fn enter<'r>(&mut self, value: &'r [u8], beside: impl FnOnce() -> (Option<&'r [u8]>, u64)) {
        let (producer, number) = identity(value);
        let mask = self.next.len() - 1;
        match self.next.get_mut(number as usize & mask) {
            Some(next) if *next == number && value.len() == self.size && producer == 0 => {
                *next += mask as u64 + 1;
                self.count += 1;
            }
            _ => self.refuse(value, "not the next of its key"),
        }
        match &mut self.beside {
            Beside::Nothing => {}
            Beside::Keys { last_ns } => {
                let (key, time_ns) = beside();
                let goes_back = time_ns < *last_ns && mask == 0;
                *last_ns = time_ns;
                if goes_back || value.get(KEY) != key {
                    self.refuse(value, "with another key, or of an earlier time");
                }
            }
            Beside::Stamps { sent_ns } => {
                if let Some(Ok(sent)) = value.get(SENT).map(TryInto::try_into) {
                    *sent_ns = u64::from_le_bytes(sent);
                }
            }
            Beside::Times { last_ns, firsts, every } => {
                let (_, time_ns) = beside();
                let is_due = firsts.last().is_none_or(|(kept, _)| number >= kept + *every);
                if time_ns > *last_ns && is_due {
                    firsts.push((number, time_ns));
                }
                *last_ns = time_ns.max(*last_ns);
            }
        }
    }

    #[cold]
    fn refuse(&mut self, value: &[u8], why: &str) {
        let ((producer, number), bytes, count) = (identity(value), value.len(), self.count);
        self.fault.get_or_insert_with(|| {
            format!("after {count} records record {number} of producer {producer} with {bytes} bytes: {why}")
        });
    }

    /// How many were entered and right.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// When the last one was sent, as it says.
    pub fn sent_ns(&self) -> u64 {
        if let Beside::Stamps { sent_ns } = self.beside { sent_ns } else { 0 }
    }

    /// Those that were kept: number and time.
    pub fn firsts(&self) -> &[(u64, u64)] {
        if let Beside::Times { firsts, .. } = &self.beside { firsts } else { &[] }
    }

    /// Checks that nothing was wrong so far.
    ///
    /// # Errors
    /// Something was.
    #[inline]
    pub fn check_so_far(&self) -> Result<()> {
        if let Some(fault) = &self.fault {
            bail!("read {fault}");
        }
        Ok(())
    }

    /// Checks that the first `appended` records were entered and no other.
    ///
    /// # Errors
    /// It is not so.
    pub fn check(&self, appended: u64) -> Result<()> {
        self.check_so_far()?;
        // As many as were appended, of each key without a gap: these are they, unless one has more and another fewer.
        let keys = self.next.len() as u64;
        let end = |key: u64| key + appended.saturating_sub(key).div_ceil(keys) * keys;
        let is_whole = (0..keys).zip(&self.next).all(|(key, next)| *next == end(key));
        ensure!(self.count == appended && is_whole, "appended {appended} records, read {}", self.count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::Records;

    const SIZE: usize = 32;

    fn some(count: usize) -> Vec<Vec<u8>> {
        let mut records = Records::new(0, SIZE, 4);
        let mut all = Vec::new();
        while all.len() < count {
            let mut batch = Vec::new();
            records.batch(&mut batch);
            all.extend(batch.into_iter().map(<[u8]>::to_vec));
        }
        all.truncate(count);
        all
    }

    fn entered(mut account: Account, numbers: &[usize]) -> Result<()> {
        let records = some(12);
        numbers.iter().for_each(|number| account.enter(&records[*number], || (None, 0)));
        account.check(6)
    }

    #[test]
    fn a_lost_a_doubled_and_a_misplaced_record_are_told() {
        let account = || Account::in_order(SIZE);
        assert!(entered(account(), &[0, 1, 2, 3, 4, 5]).is_ok());
        for wrong in [
            &[0, 1, 2, 3, 4][..],
            &[0, 1, 2, 2, 4, 5],
            &[0, 1, 2, 3, 4, 5, 5],
            &[1, 0, 2, 3, 4, 5],
            &[0, 1, 2, 3, 4, 6],
        ] {
            assert!(entered(account(), wrong).is_err(), "{wrong:?}");
        }
        assert!(entered(Account::in_order(SIZE + 1), &[0, 1, 2, 3, 4, 5]).is_err(), "another length");
    }

    #[test]
    fn keys_may_overtake_each_other_and_records_of_a_key_may_not() {
        let account = || Account::by_key(SIZE, 4);
        assert!(entered(account(), &[3, 1, 5, 0, 4, 2]).is_ok());
        for wrong in [
            &[3, 1, 5, 4, 0, 2][..],
            &[3, 1, 5, 0, 4],
            &[3, 1, 5, 0, 4, 4],
            &[3, 1, 5, 0, 4, 8],
            &[3, 7, 1, 0, 4, 2],
        ] {
            assert!(entered(account(), wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn another_key_and_a_time_that_goes_back_are_told() {
        let records = some(2);
        let entered = |keys: [Option<&[u8]>; 2], times: [u64; 2]| {
            let mut account = Account::in_order(SIZE).checking_keys();
            for (index, record) in records.iter().enumerate() {
                account.enter(record, || (keys[index], times[index]));
            }
            account.check(2)
        };
        let keys = [Some(key_of(&records[0])), Some(key_of(&records[1]))];
        assert!(entered(keys, [7, 7]).is_ok());
        assert!(entered(keys, [7, 6]).is_err());
        assert!(entered([keys[0], keys[0]], [7, 7]).is_err());
        assert!(entered([None, keys[1]], [7, 7]).is_err());
    }

    #[test]
    fn of_the_records_of_one_time_the_first_is_kept() {
        let mut account = Account::in_order(SIZE).keeping_firsts(3);
        for (record, time_ns) in some(12).iter().zip([5, 5, 5, 6, 6, 7, 7, 8, 9, 9, 9, 10]) {
            account.enter(record, || (None, time_ns));
        }
        assert_eq!(account.firsts(), [(0, 5), (3, 6), (7, 8), (11, 10)]);
    }
}
