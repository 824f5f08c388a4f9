//! What is appended, by whoever happens to and by producers that retry: done, and noted.

use crate::apply::{Outcome, wrong};
use crate::verb::{Compacted, Draft};
use crate::world::{PRODUCERS, World};
use proptest::prelude::*;
use ringmain::{Error, Message};

/// Messages of drafts, shown to `with`.
fn with_messages<T>(drafts: &[(Draft, String)], with: impl FnOnce(&[Message<'_>]) -> T) -> T {
    let keys: Vec<Option<String>> =
        drafts.iter().map(|((key, _), _)| key.map(crate::log::key_name)).collect();
    let messages: Vec<Message<'_>> = drafts
        .iter()
        .zip(&keys)
        .map(|(((_, is_tombstone), value), key)| match key {
            Some(key) if *is_tombstone => Message::tombstone(key),
            Some(key) => Message::new(value).key(key),
            None => Message::new(value),
        })
        .collect();
    with(&messages)
}

impl World {
    /// Where a record that was appended must not lie: where another one is, or before the end.
    fn enter(&mut self, partition: u32, offset: u64, draft: &(Draft, String)) -> Outcome {
        let entry = self.entry(draft);
        let log = &mut self.logs[partition as usize];
        prop_assert!(offset >= log.end, "offset {} of partition {} was given before", offset, partition);
        log.entries.insert(offset, entry);
        log.end = offset + 1;
        Ok(())
    }

    pub fn append(&mut self, drafts: &[Draft]) -> Outcome {
        let drafts: Vec<_> = drafts.iter().map(|draft| self.draft(*draft)).collect();
        let positions = with_messages(&drafts, |messages| match messages {
            [one] => vec![self.stream.append(one.clone()).expect("appended")],
            _ => self.stream.append_batch(messages).expect("appended"),
        });
        prop_assert_eq!(positions.len(), drafts.len());
        for (position, draft) in positions.iter().zip(&drafts) {
            self.enter(position.partition, position.offset, draft)?;
        }
        Ok(())
    }

    pub fn append_expecting(&mut self, partition: usize, off_by: u64, count: usize) -> Outcome {
        if self.setup.compacted != Compacted::No {
            // A key belongs to one partition there.
            return Ok(());
        }
        let partition = partition % self.logs.len();
        let end = self.logs[partition].end;
        let drafts: Vec<_> = (0..count).map(|_| self.draft((None, false))).collect();
        let appended = with_messages(&drafts, |messages| {
            self.stream.append_expecting(partition as u32, end + off_by, messages)
        });
        match appended {
            Ok(positions) if off_by == 0 => {
                for (position, draft) in positions.iter().zip(&drafts) {
                    self.enter(position.partition, position.offset, draft)?;
                }
                Ok(())
            }
            Err(Error::Conflict { .. }) if off_by > 0 => Ok(()),
            other => wrong(format!("expecting {off_by} beyond the end: {other:?}")),
        }
    }

    fn open_producer(&mut self, who: usize) -> Outcome {
        if self.senders[who].handle.is_some() {
            return Ok(());
        }
        let producer = self.stream.producer(PRODUCERS[who]).expect("a producer");
        let next = producer.next_sequence().expect("a sequence") as usize;
        let may_lose = self.may_lose();
        let sender = &mut self.senders[who];
        let whole = sender.places.iter().take_while(|place| place.is_some()).count();
        let fits = if may_lose { next <= whole } else { next == sender.next };
        prop_assert!(
            fits,
            "producer {} goes on at {}: {} were acknowledged, {} are there",
            who,
            next,
            sender.next,
            whole
        );
        (sender.handle, sender.next) = (Some(producer), next);
        Ok(())
    }

    pub fn produce(&mut self, who: usize, back: usize, drafts: &[Draft]) -> Outcome {
        self.open_producer(who)?;
        let next = self.senders[who].next;
        let (first, end) = (next - back.min(next), next - back.min(next) + drafts.len());
        for draft in drafts {
            if self.senders[who].drafts.len() < end {
                let draft = self.draft(*draft);
                self.senders[who].drafts.push(draft);
                self.senders[who].places.push(None);
            }
        }
        let sent = self.senders[who].drafts[first..end].to_vec();
        let handle = self.senders[who].handle.clone().expect("it was opened");
        let accepted =
            with_messages(&sent, |messages| handle.append(first as u64, messages)).expect("accepted");
        let is_there = self.senders[who].places[first..end].iter().all(Option::is_some);
        prop_assert_eq!(
            accepted.duplicate,
            is_there,
            "whether {}..{} of producer {} were there",
            first,
            end,
            who
        );
        prop_assert_eq!(accepted.positions.len(), sent.len());
        for ((sequence, position), draft) in (first..).zip(accepted.positions).zip(&sent) {
            let position = position.map(|position| (position.partition, position.offset));
            match (self.senders[who].places[sequence], position) {
                (Some(known), Some(said)) => prop_assert_eq!(known, said, "where {} is", sequence),
                (Some(_), None) => {}
                (None, Some((partition, offset))) => {
                    self.enter(partition, offset, draft)?;
                    self.senders[who].places[sequence] = position;
                }
                (None, None) => return wrong(format!("message {sequence} of {who} was not appended")),
            }
        }
        self.senders[who].next = next.max(end);
        Ok(())
    }

    pub fn fence_producer(&mut self, who: usize) -> Outcome {
        self.open_producer(who)?;
        let old = self.senders[who].handle.take().expect("it was opened");
        self.open_producer(who)?;
        let refused = old.append(self.senders[who].next as u64, &[Message::new(b"of the old").key(b"N0")]);
        prop_assert!(matches!(refused, Err(Error::ProducerFenced { .. })), "not fenced: {:?}", refused);
        Ok(())
    }
}
