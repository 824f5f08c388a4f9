//! What was received, against what was sent: the tally that tells a lost, doubled or altered message.
//!
//! Competing consumers see no common order, so messages are counted and their mixed numbers summed.

use crate::log::record::identity;
use anyhow::{Result, ensure};

/// Bytes of a message.
pub const MESSAGE_BYTES: usize = 100;

/// Messages that were received, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    count: u64,
    sum: u64,
    misshapen: u64,
}

impl Tally {
    /// Enters a message.
    #[inline]
    pub fn enter(&mut self, message: &[u8]) {
        let (producer, number) = identity(message);
        self.count += 1;
        self.sum = self.sum.wrapping_add(mixed(producer, number));
        self.misshapen += u64::from(message.len() != MESSAGE_BYTES);
    }

    /// How many were entered.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// This and another consumer's.
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum.wrapping_add(other.sum),
            misshapen: self.misshapen + other.misshapen,
        }
    }

    /// Checks that each message has the bytes that were sent.
    ///
    /// # Errors
    /// One has not.
    pub fn check_shape(&self) -> Result<()> {
        ensure!(self.misshapen == 0, "{} messages came with another length", self.misshapen);
        Ok(())
    }

    /// Checks that each producer's first so many messages came, once each, and nothing else.
    ///
    /// # Errors
    /// They did not.
    pub fn check(&self, sent: &[u64]) -> Result<()> {
        self.check_shape()?;
        let total: u64 = sent.iter().sum();
        ensure!(self.count == total, "{total} messages were sent, {} came", self.count);
        let numbers = sent.iter().enumerate();
        let sum = numbers
            .flat_map(|(producer, count)| (0..*count).map(move |number| mixed(producer, number)))
            .fold(0, u64::wrapping_add);
        ensure!(self.sum == sum, "{total} messages came, but not each of them once and as it was sent");
        Ok(())
    }
}

/// A number that says which message it was, so that a sum tells which they were.
#[inline]
fn mixed(producer: usize, number: u64) -> u64 {
    let word = number ^ (producer as u64) << 48;
    let word = (word ^ word >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::Records;

    fn check(numbers: &[u64]) -> Result<()> {
        let mut records = Records::new(0, MESSAGE_BYTES, 1);
        let all: Vec<Vec<u8>> = (0..8).map(|_| records.one().to_vec()).collect();
        let mut tally = Tally::default();
        numbers.iter().for_each(|number| tally.enter(&all[*number as usize]));
        tally.check(&[4])
    }

    #[test]
    fn a_lost_doubled_or_altered_message_is_told_in_any_order() {
        assert!(check(&[3, 0, 2, 1]).is_ok());
        for wrong in [&[0, 1, 2][..], &[0, 1, 2, 3, 3], &[0, 0, 3, 3], &[0, 1, 1, 3], &[0, 1, 2, 4]] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
        let mut short = Tally::default();
        short.enter(&Records::new(0, MESSAGE_BYTES, 1).one()[..99]);
        assert!(short.check(&[1]).is_err());
    }
}
