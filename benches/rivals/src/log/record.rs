//! What is written: records that carry their producer and number, and the account that tells a lost, doubled or
//! misplaced one.

use anyhow::{Result, bail, ensure};

const NUMBER_BITS: u32 = 40;

/// The records of one producer: bytes that do not compress, of which the first eight say who wrote it and which
/// it is, counted from 0.
#[derive(Debug)]
pub struct Records {
    bytes: Vec<Vec<u8>>,
    producer: u64,
    next: u64,
}

impl Records {
    /// Records of `size` bytes, up to `count` at a time.
    pub fn new(producer: usize, size: usize, count: usize) -> Self {
        let mut state = 88_172_645_463_325_252_u64 + producer as u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let bytes = (0..count).map(|_| (0..size).map(|_| random()).collect()).collect();
        Self { bytes, producer: (producer as u64) << NUMBER_BITS, next: 0 }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.next
    }

    /// The next record.
    #[inline]
    pub fn one(&mut self) -> &[u8] {
        let record = &mut self.bytes[0];
        record[..8].copy_from_slice(&(self.producer | self.next).to_le_bytes());
        self.next += 1;
        record
    }

    /// Gives the next records to `take`.
    #[inline]
    pub fn batch<'a>(&'a mut self, into: &mut Vec<&'a [u8]>) {
        for record in &mut self.bytes {
            record[..8].copy_from_slice(&(self.producer | self.next).to_le_bytes());
            self.next += 1;
        }
        into.extend(self.bytes.iter().map(Vec::as_slice));
    }
}

/// Who wrote a record, and which of the producer's it is.
#[inline]
pub fn identity(record: &[u8]) -> (usize, u64) {
    let Some(word) = record.first_chunk() else { return (usize::MAX, u64::MAX) };
    let word = u64::from_le_bytes(*word);
    ((word >> NUMBER_BITS) as usize, word & ((1 << NUMBER_BITS) - 1))
}

/// What was read, checked for order and completeness.
#[derive(Debug)]
pub struct Account {
    size: usize,
    next: Vec<u64>,
    fault: Option<String>,
}

impl Account {
    /// Of records of `size` bytes by so many producers.
    pub fn new(size: usize, producers: usize) -> Self {
        Self { size, next: vec![0; producers], fault: None }
    }

    /// Enters a record.
    #[inline]
    pub fn enter(&mut self, record: &[u8]) {
        let (producer, number) = identity(record);
        match self.next.get_mut(producer) {
            Some(next) if *next == number && record.len() == self.size => *next += 1,
            _ => self.refuse(record),
        }
    }

    #[cold]
    fn refuse(&mut self, record: &[u8]) {
        let (producer, number) = identity(record);
        let expected = self.next.get(producer);
        self.fault.get_or_insert_with(|| {
            let bytes = record.len();
            format!("record {number} of producer {producer} with {bytes} bytes, expected {expected:?}")
        });
    }

    /// How many were entered.
    pub fn count(&self) -> u64 {
        self.next.iter().sum()
    }

    /// Checks that everything that was written is there, in order and once.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, written: &[u64]) -> Result<()> {
        if let Some(fault) = &self.fault {
            bail!("read {fault}");
        }
        ensure!(self.next == written, "wrote {written:?} records of each producer, read {:?}", self.next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(numbers: &[u64]) -> Result<()> {
        let mut account = Account::new(16, 2);
        let mut records = Records::new(1, 16, 1);
        let all: Vec<Vec<u8>> = (0..8).map(|_| records.one().to_vec()).collect();
        numbers.iter().for_each(|number| account.enter(&all[*number as usize]));
        account.check(&[0, 3])
    }

    #[test]
    fn a_lost_doubled_or_misplaced_record_is_told() {
        assert!(written(&[0, 1, 2]).is_ok());
        for wrong in [&[0, 1][..], &[0, 1, 1], &[0, 1, 1, 2], &[1, 0, 2], &[0, 1, 2, 3]] {
            assert!(written(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_batch_goes_on_where_the_last_ended() {
        let mut records = Records::new(3, 100, 4);
        for first in [0, 4] {
            let mut batch = Vec::new();
            records.batch(&mut batch);
            let identities: Vec<_> = batch.iter().map(|record| identity(record)).collect();
            assert_eq!(identities, (first..first + 4).map(|number| (3, number)).collect::<Vec<_>>());
        }
        assert_eq!(records.count(), 8);
    }
}
