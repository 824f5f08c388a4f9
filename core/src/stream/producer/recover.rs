//! Finding the producers of a stream again: what the log of commits tells, and what the partitions tell behind that.
//!
//! A call's messages are whole where all partitions that it names have come past it. The sequence to go on with is where the first
//! call ends that is not, or that is missing: what of later ones is there is remembered for each partition, so that a retry adds
//! what is missing and nothing else.

use crate::error::Result;
use crate::log::{Kind, Place, Reader};
use crate::name::Name;
use crate::stream::producer::record::{Produced, Progress, Saved, Told};
use crate::stream::producer::session::Session;
use crate::stream::producer::sessions::{PREFIX, Sessions};
use crate::stream::record::Position;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Positions that are looked for: those of a producer's last messages.
const POSITION_COUNT_MAX: u64 = 1024;

/// What was found of one producer.
struct Found {
    name: Name,
    saved: Saved,
    calls: Vec<Call>,
    /// Up to where each partition has come.
    reached: BTreeMap<u32, u64>,
}

/// One call, or several of the same partition that follow each other.
struct Call {
    first: u64,
    end: u64,
    partition: u32,
    /// Of its first message, if it is in this partition as a whole.
    offset: Option<u64>,
    partitions: u32,
    shared_with: Vec<u32>,
}

impl Sessions {
    /// Reads back how far all of them have come.
    ///
    /// # Errors
    /// `Corrupt` saying where, `Io`.
    pub(crate) fn recover(&self) -> Result<()> {
        let mut table = lock(&self.table);
        let (told, mut found) = self.read_saved()?;
        let Some(told) = told else { return Ok(()) };
        table.made = told.made;
        if !found.is_empty() {
            for partition in 0..self.logs.len() {
                let segment = told.segments.get(partition as usize).copied().unwrap_or(0);
                self.read_partition(partition, segment, &mut found)?;
            }
        }
        self.hold(&told.segments);
        table.sessions.extend(found.into_values().map(|found| {
            let name = found.name.clone();
            (name, Arc::new(found.into_session()))
        }));
        Ok(())
    }

    /// What the log of commits tells, by the producers' numbers.
    fn read_saved(&self) -> Result<(Option<Told>, BTreeMap<u64, Found>)> {
        let mut records = self.offsets.kept(PREFIX);
        let told = match records.remove(PREFIX) {
            None => None,
            Some(kept) => Some(Told::decode(&kept.value).ok_or_else(|| {
                let detail = format!("{} bytes that tell no segments of partitions", kept.value.len());
                self.offsets.blame(kept.place, detail)
            })?),
        };
        let made = told.as_ref().map_or(0, |told| told.made);
        let mut found = BTreeMap::new();
        for (key, kept) in records {
            let blame = |detail: String| self.offsets.blame(kept.place, detail);
            let name = key.strip_prefix(PREFIX).unwrap_or_default();
            let name = Name::new(name).map_err(|error| blame(format!("of a producer: {error}")))?;
            let saved = Saved::decode(&kept.value)
                .filter(|saved| (1..=made).contains(&saved.producer) && self.has(saved.progress.partitions))
                .ok_or_else(|| blame(format!("{} bytes that are not producer {name}", kept.value.len())))?;
            let number = saved.producer;
            let reached = saved.progress.ahead.clone();
            let one = Found { name, saved, calls: Vec::new(), reached };
            if let Some(other) = found.insert(number, one) {
                return Err(blame(format!("producer {} has the same number {number}", other.name)));
            }
        }
        Ok((told, found))
    }

    /// Whether a stream that has as many partitions as this one ever had that many.
    fn has(&self, partitions: u32) -> bool {
        partitions <= self.logs.len()
    }

    /// Reads what a partition tells, from a segment on.
    fn read_partition(&self, partition: u32, segment: u64, found: &mut BTreeMap<u64, Found>) -> Result<()> {
        let Some(log) = self.logs.get(partition) else { return Ok(()) };
        let segment = segment.clamp(log.start().0, log.claimed().segment().max(log.start().0));
        let mut reader = Reader::sent(log.clone());
        reader.go_to_place(Place::new(segment, 0));
        // Data frames just before the one that tells.
        let (mut data_count, mut sequence) = (0, 0);
        while reader.advance()? {
            match reader.kind() {
                Kind::Data => (data_count, sequence) = (data_count + 1, reader.sequence()),
                Kind::Control => {
                    let told = Produced::decode(reader.frame().value())
                        .map_err(|detail| log.blame(reader.found_place(), detail))?;
                    let count = std::mem::take(&mut data_count);
                    let Some(produced) = told else { continue };
                    let Some(found) = found.get_mut(&produced.producer) else { continue };
                    if produced.epoch > found.saved.epoch || !self.has(produced.partitions) {
                        let detail = format!(
                            "producer {} appended with epoch {} to {} partitions; its last epoch is {}, and there are {}",
                            found.name,
                            produced.epoch,
                            produced.partitions,
                            found.saved.epoch,
                            self.logs.len()
                        );
                        return Err(log.blame(reader.found_place(), detail));
                    }
                    let is_here = produced.shared_with.is_empty() && count >= u64::from(produced.count);
                    let offset = is_here.then(|| sequence + 1 - u64::from(produced.count));
                    found.note(partition, produced, offset);
                }
                _ => data_count = 0,
            }
        }
        Ok(())
    }
}

impl Found {
    fn note(&mut self, partition: u32, produced: Produced, offset: Option<u64>) {
        let (first, end) = (produced.first, produced.end());
        let reached = self.reached.entry(partition).or_insert(0);
        // What it had already was not appended again.
        let offset = offset.filter(|_| *reached <= first);
        *reached = end.max(*reached);
        if end <= self.saved.progress.next.saturating_sub(POSITION_COUNT_MAX) {
            return;
        }
        if let Some(last) = self.calls.last_mut()
            && last.partition == partition
            && last.end == first
            && (last.partitions, last.shared_with.is_empty()) == (produced.partitions, true)
            && produced.shared_with.is_empty()
            && last.offset.map(|offset| offset + (last.end - last.first)) == offset
            && offset.is_some()
        {
            last.end = end;
            return;
        }
        let Produced { partitions, shared_with, .. } = produced;
        self.calls.push(Call { first, end, partition, offset, partitions, shared_with });
    }

    fn into_session(mut self) -> Session {
        let progress = std::mem::take(&mut self.saved.progress);
        self.calls.sort_by_key(|call| (call.first, call.end));
        let has_reached = |partition: &u32, end| self.reached.get(partition).is_some_and(|at| *at >= end);
        let mut next = progress.next;
        for call in &self.calls {
            let is_whole = match call.shared_with.as_slice() {
                [] => has_reached(&call.partition, call.end),
                partitions => partitions.iter().all(|partition| has_reached(partition, call.end)),
            };
            if call.first <= next && call.end > next && is_whole {
                next = call.end;
            }
        }
        // A retry is to be spread as the first was.
        let partitions = self.calls.iter().find(|call| call.end > next);
        let partitions = partitions.map_or(progress.partitions, |call| call.partitions);
        let ahead = self.reached.iter().filter(|(_, at)| **at > next).map(|(p, at)| (*p, *at)).collect();
        let progress = Progress { next, partitions, ahead };
        let positions = self.positions(next);
        let saved = Saved { progress, ..self.saved };
        let session = Session::new(self.name, saved);
        session.state().known.push(&positions);
        session
    }

    /// Of the last messages before `next`, as far as they are known.
    fn positions(&self, next: u64) -> Vec<Option<Position>> {
        let from = next.saturating_sub(POSITION_COUNT_MAX);
        let mut positions = vec![None; (next - from) as usize];
        for call in &self.calls {
            let Some(offset) = call.offset else { continue };
            for sequence in call.first.max(from)..call.end.min(next) {
                let offset = offset + (sequence - call.first);
                positions[(sequence - from) as usize] = Some(Position { partition: call.partition, offset });
            }
        }
        positions
    }
}
