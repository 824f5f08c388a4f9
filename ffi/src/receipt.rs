//! Receipts: what was accepted and not waited for.

use crate::answer::Out;
use crate::append::ringmain_position;
use crate::argument::wait;
use crate::guard::entry;
use crate::queue::ringmain_sent;
use crate::table::{close_or_zero, get, open};
use crate::waiting::Waiting;
use ringmain::{Accepted, Error, Pending, Position, Receipt, Result, Sent};
use std::time::Duration;

/// Something that was accepted and may not have reached its durability yet. 0 is no receipt. Any thread may use it, several at a
/// time. Closing one changes nothing: what was accepted is made durable in the background.
pub type ringmain_receipt = u64;

/// The partition of a position that is not known, as that of a duplicate that was appended long ago.
pub const RINGMAIN_PARTITION_UNKNOWN: u32 = 0xFFFF_FFFF;

/// Where a record is that nobody knows the place of.
pub(crate) const UNKNOWN: ringmain_position =
    ringmain_position { offset: 0, partition: RINGMAIN_PARTITION_UNKNOWN, reserved: 0 };

/// What a receipt is for.
pub(crate) enum Accept {
    Sent(Receipt<Vec<Sent>>),
    Position(Receipt<Position>),
    Positions(Receipt<Vec<Position>>),
    Produced(Receipt<Accepted>),
    Commit(Receipt<()>),
    Batched(Waiting<Pending>),
}

impl Accept {
    /// Whether it is reached, waiting for that at most so long.
    fn wait(&self, time: Duration) -> Result<bool> {
        match self {
            Self::Sent(receipt) => receipt.wait_for(time),
            Self::Position(receipt) => receipt.wait_for(time),
            Self::Positions(receipt) => receipt.wait_for(time),
            Self::Produced(receipt) => receipt.wait_for(time),
            Self::Commit(receipt) => receipt.wait_for(time),
            Self::Batched(pending) => pending.wait(time).map(|position| position.is_some()),
        }
    }

    fn sent(&self, index: usize) -> Result<ringmain_sent> {
        match self {
            Self::Sent(receipt) => at(receipt.value(), index).map(Into::into),
            _ => Err(Error::invalid("receipt", "it is not of messages that were sent to a queue")),
        }
    }

    fn position(&self, index: usize) -> Result<ringmain_position> {
        match self {
            Self::Position(receipt) => at(&[*receipt.value()], index).map(Into::into),
            Self::Positions(receipt) => at(receipt.value(), index).map(Into::into),
            Self::Produced(receipt) => {
                let position = at(&receipt.value().positions, index)?;
                Ok(position.map_or(UNKNOWN, Into::into))
            }
            Self::Batched(pending) => {
                let position = [pending.wait(Duration::ZERO)?];
                Ok(at(&position, index)?.map_or(UNKNOWN, Into::into))
            }
            Self::Sent(_) | Self::Commit(_) => {
                Err(Error::invalid("receipt", "it is not of records that were appended to a stream"))
            }
        }
    }
}

fn at<T: Copy>(values: &[T], index: usize) -> Result<T> {
    let beyond =
        || Error::invalid("index", format!("{index} is beyond the receipt, which is for {}", values.len()));
    values.get(index).copied().ok_or_else(beyond)
}

/// A receipt for C.
pub(crate) fn answer(out: &Out<u64>, accept: Accept) -> Result<()> {
    out.set(open(accept)?);
    Ok(())
}

/// Waits at most `wait_ms` until what the receipt is for has reached its durability. Stores 1 if it has, 0 if it has not yet: that is
/// no error. An error says that it never will, or that nobody knows whether it did (`RINGMAIN_ERROR_POISONED`). The receipt stays
/// open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_receipt_wait(
    receipt: ringmain_receipt,
    wait_ms: u64,
    is_reached_out: *mut i32,
) -> i32 {
    entry(receipt, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_reached_out", is_reached_out) }?;
        out.set(get::<Accept>(receipt)?.wait(wait(wait_ms))?.into());
        Ok(())
    })
}

/// Stores what became of the message at `index`, from 0, of those that were submitted to a queue. Known at once, whether it is
/// durable yet or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_receipt_sent(
    receipt: ringmain_receipt,
    index: usize,
    sent_out: *mut ringmain_sent,
) -> i32 {
    entry(receipt, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("sent_out", sent_out) }?;
        out.set(get::<Accept>(receipt)?.sent(index)?);
        Ok(())
    })
}

/// Stores where the record at `index`, from 0, of those that were submitted to a stream is. Known at once, whether it is durable yet
/// or not. Only of a record that was sent to a batcher it is known when `ringmain_receipt_wait` says that it is reached. Where it is
/// not known the partition is `RINGMAIN_PARTITION_UNKNOWN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_receipt_position(
    receipt: ringmain_receipt,
    index: usize,
    position_out: *mut ringmain_position,
) -> i32 {
    entry(receipt, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("position_out", position_out) }?;
        out.set(get::<Accept>(receipt)?.position(index)?);
        Ok(())
    })
}

/// Stores 1 if everything that was submitted by a producer had been appended before, so that nothing was appended now, otherwise 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_receipt_is_duplicate(
    receipt: ringmain_receipt,
    is_duplicate_out: *mut i32,
) -> i32 {
    entry(receipt, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("is_duplicate_out", is_duplicate_out) }?;
        match &*get::<Accept>(receipt)? {
            Accept::Produced(receipt) => out.set(receipt.value().duplicate.into()),
            _ => return Err(Error::invalid("receipt", "it is not of a producer")),
        }
        Ok(())
    })
}

/// Closes the receipt. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_receipt_close(receipt: ringmain_receipt) -> i32 {
    entry(receipt, || close_or_zero::<Accept>(receipt))
}
