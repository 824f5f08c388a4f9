//! Appending as a producer: what was appended before is left out, and the rest goes with the frame that tells of it.

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::log::claim::GRANULE_BYTES;
use crate::log::{Draft, Kind};
use crate::message::{Message, safest};
use crate::stream::append::draft;
use crate::stream::guard::Guard;
use crate::stream::partitioner::fnv1a_32;
use crate::stream::producer::record::Produced;
use crate::stream::producer::session::State;
use crate::stream::producer::{Accepted, Producer};
use crate::stream::record::Position;
use std::collections::BTreeMap;
use std::ops::Range;

/// One call.
struct Call<'a> {
    messages: &'a [Message<'a>],
    /// Of the first message.
    sequence: u64,
    /// The partition of each message.
    routes: Vec<u32>,
    /// How many partitions the stream has.
    partitions: u32,
    now_ns: u64,
}

impl Producer {
    /// Appends messages, the first of which has this sequence and each other the next one; returns once they have reached the hub's
    /// durability. Those that were appended before are left out, so that a call may be repeated until it is heard of; the
    /// messages must be the same then. Those that go to one partition are one atomic batch; keyless ones all go to the same
    /// one. With a [partitioner](crate::Stream::partitioner) it must say the same of the same message each time.
    ///
    /// # Errors
    /// `SequenceGap` if messages before this sequence were not appended yet; `ProducerFenced` if it was opened again; `NotFound` if
    /// it was deleted; `TooLarge`, `InvalidArgument`: nothing was appended. `Closed`, `Poisoned`: not known what was, a
    /// retry tells.
    pub fn append(&self, sequence: u64, messages: &[Message<'_>]) -> Result<Accepted> {
        self.submit(sequence, messages)?.wait()
    }

    /// As [`append`](Self::append), and does not wait: the receipt does, for everything of this producer up to here.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn submit(&self, sequence: u64, messages: &[Message<'_>]) -> Result<Receipt<Accepted>> {
        let shared = &self.stream.shared;
        let now_ns = shared.admit(messages)?.now_ns;
        if sequence.checked_add(messages.len() as u64).is_none() {
            let detail = format!("{sequence} leaves no room for {} messages", messages.len());
            return Err(Error::invalid("sequence", detail));
        }
        let partitions = shared.partition_count();
        let mut call = Call { messages, sequence, routes: Vec::new(), partitions, now_ns };
        let guard = if shared.is_guarded() {
            let routes = self.routes(&call, None)?;
            shared.let_in(messages, |index| routes[index])?
        } else {
            None
        };
        let (accepted, ends, reached) = loop {
            // What a crash left undone is spread as it was then. A partitioner is asked without the lock.
            let pending = self.session.state().pending();
            call.routes = self.routes(&call, pending)?;
            let mut state = self.session.state();
            state.check(&shared.name, &self.session.name, self.epoch)?;
            if state.pending() != pending {
                continue;
            }
            let accepted = self.take(&mut state, &call, pending)?;
            let reached: Vec<_> = state.ends.iter().map(|(partition, (_, end))| (*partition, *end)).collect();
            state.forget_durable();
            break (accepted, state.ends.values().cloned().collect(), reached);
        };
        // The keys of what is not appended again will not be seen.
        guard.into_iter().filter(|_| !accepted.duplicate).for_each(Guard::appended);
        if !accepted.duplicate {
            reached.into_iter().try_for_each(|(partition, end)| shared.sessions.appended(partition, end))?;
        }
        Ok(Receipt::new(&shared.journal, safest(messages).into(), ends, accepted))
    }

    fn routes(&self, call: &Call<'_>, pending: Option<(u64, u32)>) -> Result<Vec<u32>> {
        let route = |(sequence, message): (u64, &Message<'_>)| {
            let count = match pending {
                Some((until, count)) if sequence < until => count,
                _ => call.partitions,
            };
            match &self.stream.custom {
                Some(custom) => custom.partition(message, count),
                None => Ok(fnv1a_32(message.key.unwrap_or(self.session.name.as_str().as_bytes())) % count),
            }
        };
        (call.sequence..).zip(call.messages).map(route).collect()
    }

    fn take(&self, state: &mut State, call: &Call<'_>, pending: Option<(u64, u32)>) -> Result<Accepted> {
        let next = state.progress.next;
        if call.sequence > next {
            return Err(Error::SequenceGap {
                stream: self.stream.shared.name.clone(),
                producer: self.session.name.clone(),
                expected: next,
                got: call.sequence,
            });
        }
        let count = call.messages.len();
        let index_of = |sequence: u64| (sequence - call.sequence).min(count as u64) as usize;
        let fresh = index_of(next);
        let known = (call.sequence..next).take(count).map(|sequence| state.known.get(next - sequence));
        let mut positions: Vec<Option<Position>> = known.collect();
        positions.resize(count, None);
        // What is spread over another number of partitions is a call of its own.
        let (split, pending_partitions) = match pending {
            Some((until, partitions)) if partitions != call.partitions => {
                (index_of(until.max(next)), partitions)
            }
            _ => (fresh, call.partitions),
        };
        let mut appended = 0;
        for (range, partitions) in [(fresh..split, pending_partitions), (split..count, call.partitions)] {
            if !range.is_empty() {
                appended += self.take_range(state, call, range, partitions, &mut positions)?;
            }
        }
        Ok(Accepted { duplicate: appended == 0 && count > 0, positions })
    }

    /// Appends those messages of the call; how many of them were missing.
    fn take_range(
        &self,
        state: &mut State,
        call: &Call<'_>,
        range: Range<usize>,
        partitions: u32,
        positions: &mut [Option<Position>],
    ) -> Result<usize> {
        let shared = &self.stream.shared;
        let mut batches: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for index in range.clone() {
            batches.entry(call.routes[index]).or_default().push(index);
        }
        let told = Produced {
            producer: self.session.number,
            epoch: self.epoch,
            first: call.sequence + range.start as u64,
            count: range.len() as u32,
            partitions,
            shared_with: if batches.len() > 1 { batches.keys().copied().collect() } else { Vec::new() },
        };
        let (end, told) = (told.end(), told.encode());
        for (partition, indices) in &mut batches {
            let reached = state.progress.of(*partition);
            indices.retain(|index| call.sequence + *index as u64 >= reached);
            shared.partition(*partition)?;
            check_size(call, indices, &told)?;
        }
        let mut count = 0;
        for (partition, indices) in batches {
            // One that lacks no message may still have to be told that the call goes further than it knows: else the call is not
            // found to be whole after a crash.
            if state.progress.of(partition) >= end {
                continue;
            }
            let log = shared.partition(partition)?;
            let appended = log.append(&drafts(call, &indices, &told))?;
            state.progress.ahead.insert(partition, end);
            state.progress.partitions = partitions;
            state.ends.insert(partition, (log.clone(), appended.end));
            shared.journal.note(log);
            shared.upkeep().notice(partition, appended.end);
            for (index, offset) in indices.iter().zip(appended.sequence..) {
                positions[*index] = Some(Position { partition, offset });
            }
            count += indices.len();
        }
        state.progress.complete(end);
        state.known.push(&positions[range]);
        Ok(count)
    }
}

/// The frames of some messages of a call, and the one that tells of them.
fn drafts<'a>(call: &'a Call<'_>, indices: &[usize], told: &'a [u8]) -> Vec<Draft<'a>> {
    let data = indices.iter().map(|index| draft(&call.messages[*index], call.now_ns));
    data.chain([Draft::control(Kind::Control, call.now_ns, told)]).collect()
}

/// So that no partition is left out when others have got theirs.
fn check_size(call: &Call<'_>, indices: &[usize], told: &[u8]) -> Result<()> {
    if indices.len() >= BATCH_RECORDS_MAX {
        let detail = format!(
            "{} messages for one partition; one call takes {} at most",
            indices.len(),
            BATCH_RECORDS_MAX - 1
        );
        return Err(Error::invalid("messages", detail));
    }
    let data = indices.iter().map(|index| draft(&call.messages[*index], call.now_ns).granules());
    let granules = data.sum::<u64>() + Draft::control(Kind::Control, call.now_ns, told).granules();
    let (bytes, limit_bytes) = (granules * GRANULE_BYTES, BATCH_BYTES_MAX as u64);
    if bytes > limit_bytes { Err(Error::TooLarge { what: "batch", bytes, limit_bytes }) } else { Ok(()) }
}
