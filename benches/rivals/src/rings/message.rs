//! What is sent: numbered messages of two sizes, and the account that tells a lost or doubled one.

use anyhow::{Result, ensure};

/// A message that carries a number.
pub trait Message: Copy + Default + std::fmt::Debug + Send + Sync + 'static {
    /// How often the number counts in [`digest`](Self::digest).
    const WEIGHT: u64;

    /// The message with this number.
    fn numbered(number: u64) -> Self;

    /// Its number.
    fn number(&self) -> u64;

    /// A sum over all of its bytes, so that a receiver must have them all.
    fn digest(&self) -> u64;
}

impl Message for u64 {
    const WEIGHT: u64 = 1;

    #[inline(always)]
    fn numbered(number: u64) -> Self {
        number
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        *self
    }

    #[inline(always)]
    fn digest(&self) -> u64 {
        *self
    }
}

/// 64 bytes, aligned as a `u64` is.
pub type Line = [u64; 8];

impl Message for Line {
    const WEIGHT: u64 = 8;

    #[inline(always)]
    fn numbered(number: u64) -> Self {
        [number; 8]
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        self[0]
    }

    #[inline(always)]
    fn digest(&self) -> u64 {
        self.iter().fold(0, |sum, word| sum.wrapping_add(*word))
    }
}

/// What a receiver has had.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// How many messages.
    pub count: u64,
    /// The sum of their digests.
    pub sum: u64,
}

impl Account {
    /// Enters a message.
    #[inline(always)]
    pub fn enter<M: Message>(&mut self, message: &M) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(message.digest());
    }

    /// Several receivers' accounts as one.
    pub fn total(accounts: impl IntoIterator<Item = Self>) -> Self {
        accounts.into_iter().fold(Self::default(), |total, one| Self {
            count: total.count + one.count,
            sum: total.sum.wrapping_add(one.sum),
        })
    }

    /// Refuses an account that is not that of the messages 1 to `count`, each once.
    pub fn check<M: Message>(self, count: u64) -> Result<()> {
        ensure!(self.count == count, "{} messages were sent and {} received", count, self.count);
        // Of `count` and its successor one is even, so that nothing is lost by halving.
        let (even, odd) = if count.is_multiple_of(2) { (count, count + 1) } else { (count + 1, count) };
        let sum = (even / 2).wrapping_mul(odd).wrapping_mul(M::WEIGHT);
        ensure!(self.sum == sum, "{count} messages were received, but not those that were sent");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account<M: Message>(numbers: impl IntoIterator<Item = u64>) -> Account {
        let mut account = Account::default();
        numbers.into_iter().for_each(|number| account.enter(&M::numbered(number)));
        account
    }

    #[test]
    fn each_message_once_is_right() {
        for count in [0, 1, 2, 999, 1000] {
            account::<u64>(1..=count).check::<u64>(count).unwrap();
            account::<Line>(1..=count).check::<Line>(count).unwrap();
        }
        let halves = [account::<Line>(1..=10), account::<Line>(11..=20)];
        Account::total(halves).check::<Line>(20).unwrap();
    }

    #[test]
    fn a_lost_a_doubled_and_a_torn_message_are_told() {
        assert!(account::<u64>((1..=100).filter(|n| *n != 7)).check::<u64>(100).is_err());
        assert!(account::<u64>((1..=100).map(|n| if n == 7 { 8 } else { n })).check::<u64>(100).is_err());
        let mut torn = account::<Line>(1..=99);
        torn.enter(&[100, 100, 100, 100, 99, 99, 99, 99]);
        assert!(torn.check::<Line>(100).is_err());
    }
}
