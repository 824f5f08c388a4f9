//! What a ring holds: a record of its own, as large as all others there.

use crate::stream::account::{Account, key_of};
use anyhow::{Result, ensure};
use std::time::{SystemTime, UNIX_EPOCH};

/// A place in a ring.
pub trait Slot: Clone + Send + Sync + 'static {
    /// An empty one.
    fn empty() -> Self;

    /// Puts a record into it.
    fn fill(&mut self, value: &[u8], time_ns: u64);

    /// Enters the record that it holds.
    fn enter(&self, account: &mut Account);

    /// Says when records are accepted, if they say so.
    fn now_ns() -> u64 {
        0
    }
}

/// A value alone.
#[derive(Clone, Debug)]
pub struct Bare<const BYTES: usize>([u8; BYTES]);

/// With a key and the time at which it was accepted.
#[derive(Clone, Debug)]
pub struct Keyed<const BYTES: usize> {
    key: [u8; 8],
    time_ns: u64,
    value: [u8; BYTES],
}

impl<const BYTES: usize> Slot for Bare<BYTES> {
    fn empty() -> Self {
        Self([0; BYTES])
    }

    #[inline(always)]
    fn fill(&mut self, value: &[u8], _: u64) {
        self.0.copy_from_slice(value);
    }

    #[inline(always)]
    fn enter(&self, account: &mut Account) {
        account.enter(&self.0, || (None, 0));
    }
}

impl<const BYTES: usize> Slot for Keyed<BYTES> {
    fn empty() -> Self {
        Self { key: [0; 8], time_ns: 0, value: [0; BYTES] }
    }

    #[inline(always)]
    fn fill(&mut self, value: &[u8], time_ns: u64) {
        self.key.copy_from_slice(key_of(value));
        self.value.copy_from_slice(value);
        self.time_ns = time_ns;
    }

    #[inline(always)]
    fn enter(&self, account: &mut Account) {
        account.enter(&self.value, || (Some(&self.key), self.time_ns));
    }

    fn now_ns() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
    }
}

/// Room for as many as are under way at most.
///
/// # Errors
/// It is not known how many these are: a ring keeps no more.
pub fn capacity(lead_max: Option<u64>) -> Result<usize> {
    let Some(lead) = lead_max else { anyhow::bail!("a ring keeps nothing that was read") };
    ensure!(lead > 0, "there must be room for a record");
    Ok(lead.next_power_of_two() as usize)
}

/// Opens a ring whose places fit the records: `fits!(setup, open)` is `open::<S>(setup)` for the right `S`.
macro_rules! fits {
    ($setup:ident, $open:ident) => {
        match ($setup.record_bytes, $setup.is_keyed) {
            (64, true) => $open::<$crate::stream::rivals::slot::Keyed<64>>($setup),
            (64, false) => $open::<$crate::stream::rivals::slot::Bare<64>>($setup),
            (100, false) => $open::<$crate::stream::rivals::slot::Bare<100>>($setup),
            (1024, false) => $open::<$crate::stream::rivals::slot::Bare<1024>>($setup),
            (bytes, is_keyed) => anyhow::bail!("no place is made for {bytes} bytes, with keys: {is_keyed}"),
        }
    };
}
pub(super) use fits;
