//! The corpus that a run starts from, made of what the core itself writes: `cargo run --bin seeds` puts it into `corpus/`.

use crate::clock::alarm::Alarm;
use crate::clock::{Clock, ManualClock};
use crate::disk::{self, LOG_ID};
use crate::error::Result;
use crate::hub::Hub;
use crate::input::Output;
use crate::journal::{Journal, JournalPlace, Planted};
use crate::log::frame::{
    BATCH_CONTINUED, BATCH_CONTINUES, Draft, Frame, Kind, PAD, Seed, checksum, pad_checksum,
};
use crate::log::index::{Times, Walk};
use crate::log::segment_file::{BASE_MAX, HEADER_BYTES, SegmentFile};
use crate::log::{Level, Place};
use crate::message::Message;
use crate::queue::OnExhausted;
use crate::queue::relocated::{Relocated, Stand};
use crate::queue::settlement::{Event, Failure};
use crate::storage::sim::SimDisk;
use crate::storage::{File, Storage};
use crate::stream::Compaction;
use crate::targets::{HUB_ID, SEED, part, put_event, put_file, put_journal, put_replacement};
use std::path::Path;
use std::sync::Arc;

/// An input: its target, its name, its bytes.
pub type SeedFile = (&'static str, &'static str, Vec<u8>);

/// All of them.
///
/// # Errors
/// None: the disk is simulated.
pub fn all() -> Result<Vec<SeedFile>> {
    let mut seeds = Vec::new();
    seeds.extend(frames());
    seeds.extend(headers());
    seeds.extend(indexes());
    seeds.extend(directories()?);
    seeds.extend(power_cuts());
    seeds.extend(journals()?);
    seeds.extend(catalogues()?);
    seeds.extend(queues());
    seeds.extend(offsets());
    Ok(seeds)
}

/// A data area: frames of a kind with batch flags and a draft, at their places, and how many bytes they take.
fn area(seed: Seed, bytes: usize, frames: &[(u8, Draft<'_>)]) -> (Vec<u8>, usize) {
    let (mut data, mut at, mut records) = (vec![0; bytes], 0, 0);
    for (batch, draft) in frames {
        let len = draft.bytes();
        draft.encode(&mut data[at + 4..at + len], records, *batch, Some(seed.at(at as u64)));
        data[at..at + 4].copy_from_slice(&(len as u32).to_le_bytes());
        at += draft.granules() as usize * 8;
        records += u32::from(draft.kind.is_record());
    }
    (data, at)
}

/// Ends a data area with a pad.
fn seal(seed: Seed, data: &mut [u8], at: usize) {
    let word = PAD | ((data.len() - at) / 8) as u32;
    data[at..at + 4].copy_from_slice(&word.to_le_bytes());
    data[at + 4..at + 8].copy_from_slice(&pad_checksum(word, seed.at(at as u64)).to_le_bytes());
}

fn mark(value: &[u8]) -> Draft<'_> {
    Draft::control(Kind::DurableMark, 2, value)
}

fn frames() -> Vec<SeedFile> {
    let headers: &[(&str, &[u8])] = &[("trace", b"7"), ("content-type", b"text/plain")];
    let full = Draft {
        key: Some(b"N14228"),
        event_time_ns: Some(99),
        due_ns: 1_000_000_000,
        headers,
        ..disk::data(b"EWR-IAH")
    };
    let durable = Place::new(1, 4).0.to_le_bytes();
    let event = Event::Acked(vec![1, 2]).encode();
    let alone = |draft| area(SEED, 256, &[(0, draft)]);
    let several = [
        (0, disk::data(b"first")),
        (BATCH_CONTINUES, full),
        (BATCH_CONTINUED, disk::data(b"third")),
        (0, mark(&durable)),
        (0, Draft::control(Kind::Abort, 3, b"")),
        (0, Draft::control(Kind::Control, 3, &event)),
    ];
    let trimmed = |(data, at): (Vec<u8>, usize)| data[..at].to_vec();
    let mut sealed = area(SEED, 64, &[(0, disk::data(b"x"))]);
    seal(SEED, &mut sealed.0, sealed.1);
    vec![
        ("frame", "plain", trimmed(alone(disk::data(b"x")))),
        ("frame", "full", trimmed(alone(full))),
        ("frame", "mark", trimmed(alone(mark(&durable)))),
        ("frame", "several", trimmed(area(SEED, 512, &several))),
        ("frame", "sealed", sealed.0),
        ("frame", "parts", {
            let mut parts = Output::default();
            parts
                .u8(0b0100_0111)
                .piece(b"key")
                .u64(5)
                .u64(6)
                .u8(1)
                .bytes(b"n")
                .piece(b"v")
                .u8(1)
                .bytes(b"m")
                .piece(b"");
            parts.u64(7).bytes(b"value").finish()
        }),
    ]
}

fn header(number: u64, base: u64, data_bytes: u64) -> SegmentFile {
    SegmentFile { log_id: LOG_ID, number, base, data_bytes, generation: 1 }
}

fn headers() -> Vec<SeedFile> {
    let block = |header: SegmentFile| header.encode()[..64].to_vec();
    vec![
        ("segment_header", "first", block(header(1, 0, 16 << 10))),
        ("segment_header", "largest", block(header(1 << 36, 1 << 40, 512 << 20))),
        ("segment_header", "short", header(1, 0, 8).encode()[..9].to_vec()),
    ]
}

fn indexes() -> Vec<SeedFile> {
    let value = [0; 1000];
    let seed = |megabytes: u64, records: usize| {
        let segment = header(9, 77, megabytes << 20);
        let mut walk = Walk::default();
        for i in 0..records {
            let draft = Draft { time_ns: 5 + i as u64 % 7, ..disk::data(&value) };
            let mut frame = vec![0; draft.bytes()];
            draft.encode(&mut frame[4..], i as u32, 0, None);
            walk.enter(&Frame::trusted(&frame));
        }
        let index = walk.encode(&Times::following(None, 9, walk.at.time_ns), &segment);
        [&((megabytes << 8) as u16 - 1).to_le_bytes()[..], &index].concat()
    };
    vec![("index", "one", seed(1, 1000)), ("index", "larger", seed(8, 7000)), ("index", "empty", seed(1, 0))]
}

/// Directories as the log leaves them, and small ones of the same layout.
fn directories() -> Result<Vec<SeedFile>> {
    let disk = disk::empty();
    let journal = disk::journal(&ManualClock::new());
    for _ in 0..2 {
        let (log, _) = disk::open(&disk, "/log", LOG_ID)?;
        for size in [1, 100] {
            disk::append(&log, &journal, &[vec![1; size], vec![2; 8]])?;
        }
    }
    let operations =
        |output: &mut Output| output.bytes(&[0, 1, 40, 0, 1, 2, 9, 0, 0, 200, 78, 2, 0]).finish();
    let real = {
        let mut output = Output::default();
        put_directory(&disk, output.u8(1));
        operations(&mut output)
    };
    let seeds = |number| Seed { log_id: LOG_ID, segment: number, generation: 1 };
    let durable = Place::new(2, 4).0.to_le_bytes();
    let (mut first, at) = area(seeds(1), 128, &[(0, disk::data(b"a")), (0, disk::data(b"b"))]);
    seal(seeds(1), &mut first, at);
    let (second, _) = area(
        seeds(2),
        512,
        &[
            (0, disk::data(b"c")),
            (0, mark(&durable)),
            (BATCH_CONTINUES, disk::data(b"d")),
            (BATCH_CONTINUED, disk::data(b"e")),
        ],
    );
    let (torn, _) = area(seeds(2), 512, &[(0, disk::data(b"c")), (BATCH_CONTINUES, disk::data(b"d"))]);
    let (full, _) = area(seeds(1), 64, &[(0, disk::data(b"12345678")), (0, disk::data(b"12345678"))]);
    let two = |second: &[u8]| {
        let mut output = Output::default();
        output.u8(2);
        put_file(&mut output, 1, &header(1, 0, 128).encode(), 128, &first);
        put_file(&mut output, 2, &header(2, 2, 512).encode(), 512, second);
        operations(&mut output)
    };
    let one = |area: &[u8], bytes: usize| {
        let mut output = Output::default();
        output.u8(1);
        put_file(&mut output, 1, &header(1, 0, bytes as u64).encode(), bytes, area);
        operations(&mut output)
    };
    let begins = |base: u64, second: u64| {
        let mut output = Output::default();
        output.u8(2);
        put_file(&mut output, 1, &header(1, base, 128).encode(), 128, &first);
        put_file(
            &mut output,
            2,
            &header(2, second, 64).encode(),
            64,
            &area(seeds(2), 64, &[(0, disk::data(b"c"))]).0,
        );
        operations(&mut output)
    };
    let used_up = {
        let mut output = Output::default();
        output.u8(1);
        put_file(&mut output, 1, &header(1, BASE_MAX, 128).encode(), 128, &first);
        // A record, and the log is opened again.
        output.bytes(&[0, 0, 9, 0, 1]).finish()
    };
    let unmade = {
        let mut output = Output::default();
        output.u8(2);
        put_file(&mut output, 1, &[0; 64], 64, &[]);
        put_file(&mut output, 2, &[0; 64], 64, &[]);
        operations(&mut output)
    };
    let short = {
        let mut output = Output::default();
        output.u8(1);
        put_file(&mut output, 1, &header(1, 0, 64 << 20).encode(), 128, &first);
        operations(&mut output)
    };
    let interrupted = {
        let mut output = Output::default();
        output.u8(2);
        put_file(&mut output, 1, &header(1, 0, 128).encode(), 128, &first);
        put_file(&mut output, 2, &[0; 64], 512, &[]);
        operations(&mut output)
    };
    Ok(vec![
        ("recovery", "empty", operations(Output::default().u8(0))),
        ("recovery", "real", real),
        ("recovery", "two_segments", two(&second)),
        ("recovery", "torn_batch", two(&torn)),
        ("recovery", "sealed_only", one(&first, 128)),
        ("recovery", "exactly_full", one(&full, 64)),
        ("recovery", "interrupted_making", interrupted),
        ("recovery", "nothing_but_interrupted_makings", unmade),
        ("recovery", "short_file", short),
        ("recovery", "gap_between_segments", begins(0, 7)),
        ("recovery", "last_of_all_sequences", begins(u64::MAX - 2, u64::MAX)),
        ("recovery", "sequences_used_up", used_up),
    ])
}

/// The one segment file of a directory.
fn put_directory(disk: &SimDisk, output: &mut Output) {
    let read = |file: Arc<dyn File>| {
        let mut bytes = vec![0; file.len()? as usize];
        file.read_exact_at(&mut bytes, 0).map(|()| bytes)
    };
    let bytes = disk.open(&disk::segment_path(1)).and_then(read).expect("a simulated disk does not fail");
    let area = &bytes[HEADER_BYTES..];
    let used = area.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    put_file(output, 1, &bytes[..HEADER_BYTES], area.len(), &area[..used]);
}

/// The journals of killed hubs: one file, both in turn, one with a batch torn off.
fn journals() -> Result<Vec<SeedFile>> {
    let written = |commits: u8| -> Result<[Option<Vec<u8>>; 2]> {
        let disk = disk::empty();
        disk::make_directory(&disk, Path::new("/hub"));
        let mut journal =
            Journal::new(Clock::Manual(ManualClock::new()), Arc::new(Alarm::new()), Level::Durable, 0);
        let (storage, directory) = (Arc::new(disk.clone()), "/hub".into());
        let planted = Planted::default();
        journal.open(
            JournalPlace {
                storage,
                directory,
                hub_id: HUB_ID,
                bytes_max: 4096,
                stream_bytes_min: 256 << 10,
                has_threads: false,
                planted,
            },
            |_| Ok(()),
        )?;
        let (log, _) = disk::open(&disk, "/log", LOG_ID)?;
        for number in 0..commits {
            disk::append(&log, &journal, &[vec![number; 40]])?;
        }
        Ok([0, 1].map(|index| {
            let file = disk.open(&Path::new("/hub").join(format!("journal.{index}"))).ok()?;
            let mut bytes = vec![0; file.len().ok()? as usize];
            file.read_exact_at(&mut bytes, 0).ok().map(|()| bytes)
        }))
    };
    let seed = |files: &[Option<Vec<u8>>; 2]| {
        let mut output = Output::default();
        files.iter().for_each(|file| put_journal(&mut output, file.as_deref()));
        output.bytes(b"a value").finish()
    };
    let (few, many) = (written(3)?, written(12)?);
    let mut torn = few.clone();
    if let Some(bytes) = &mut torn[0] {
        // The last of three: nobody says that it was synced.
        bytes[4096 + 2 * 512 + 60] ^= 1;
    }
    let mut missing = few.clone();
    if let Some(bytes) = &mut missing[0] {
        bytes[4096 + 60] ^= 1;
    }
    Ok(vec![
        ("journal", "none", seed(&[None, None])),
        ("journal", "one_file", seed(&few)),
        ("journal", "both_files", seed(&many)),
        ("journal", "torn", seed(&torn)),
        ("journal", "first_batch_damaged", seed(&missing)),
    ])
}

fn power_cuts() -> Vec<SeedFile> {
    vec![
        ("power_cut", "appends_and_cuts", vec![0, 1, 9, 0, 0, 2, 40, 1, 3, 5, 2, 7, 0, 0, 3, 0, 6, 9, 0, 4]),
        (
            "power_cut",
            "segments",
            [[0, 3, 255, 0]; 5].concat().into_iter().chain([5, 3, 3, 1, 0, 9, 1, 4]).collect(),
        ),
        ("power_cut", "killed", vec![0, 1, 9, 2, 4, 5, 0, 0, 4]),
        ("power_cut", "flipped_record", vec![0, 0, 20, 0, 0, 0, 20, 0, 7, 0, 40, 16, 3, 4]),
        ("power_cut", "flipped_header", vec![0, 0, 20, 0, 0, 0, 20, 0, 7, 0, 40, 0, 1, 4]),
    ]
}

fn catalogues() -> Result<Vec<SeedFile>> {
    let disk = SimDisk::new();
    let open = || {
        Hub::builder().storage(Arc::new(disk.clone())).clock(Clock::Manual(ManualClock::new())).open("/hub")
    };
    let read = || {
        let file = disk.open(Path::new("/hub/catalogue")).expect("a simulated disk does not fail");
        let mut bytes = vec![0; file.len().unwrap_or_default() as usize];
        file.read_exact_at(&mut bytes, 0).map(|()| bytes).expect("a simulated disk does not fail")
    };
    let queues = {
        let hub = open()?;
        hub.queue("jobs").dead_letter("jobs.dead").open()?.send(Message::new(b"x"))?;
        hub.queue("mail").on_exhausted(OnExhausted::Drop).open()?;
        read()
    };
    let streams = {
        let hub = open()?;
        hub.stream("events").partitions(3).open()?;
        read()
    };
    let kept = {
        let hub = open()?;
        hub.stream("events").partitions(3).count_max(7).until_read(true).open()?;
        hub.stream("gates").compaction(Compaction::latest_only(5)).open()?;
        hub.stream("gone").open()?;
        hub.delete_stream("gone")?;
        read()
    };
    let round = String::from_utf8_lossy(&queues)
        .replace("\"keep\"", "{\"dead_letter\": \"jobs\"}")
        .replace("\"drop\"", "{\"dead_letter\": \"jobs\"}")
        .into_bytes();
    Ok(vec![
        ("catalogue", "queues", of_hub_one(&queues)),
        ("catalogue", "queues_and_stream", of_hub_one(&streams)),
        ("catalogue", "streams_with_options", of_hub_one(&kept)),
        ("catalogue", "dead_letters_that_go_round", of_hub_one(&round)),
    ])
}

/// A catalogue with ids that count from 1 in place of the random ones of its hub, and a first line that fits.
fn of_hub_one(catalogue: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(catalogue);
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    let hub_id: u64 = body
        .split_once("\"hub_id\": ")
        .and_then(|(_, rest)| rest.split_once(','))
        .and_then(|(number, _)| number.parse().ok())
        .expect("a catalogue names its hub");
    let body = (0..16).fold(body.to_owned(), |body, log: u64| {
        body.replace(&hub_id.wrapping_add(log).to_string(), &(1 + log).to_string())
    });
    let crc = checksum(body.as_bytes(), 0);
    format!("ringmain catalogue 1 crc32c {crc:08x}\n{body}").into_bytes()
}

fn queues() -> Vec<SeedFile> {
    let failed =
        |due_ns| Failure { id: 1, failures: 1, expirations: 1, due_ns, death: None, reason: "no".into() };
    // The death is the last byte but those of the reason.
    let dying_bytes = {
        let mut bytes = Event::Failed(failed(0)).encode();
        bytes[25] = 1;
        bytes
    };
    let verbs = [0x31, 3, 4, 2, 0x31, 6, 5, 0xf2, 0x31, 4];
    let queue = |policy: u8, frames: &[&dyn Fn(&mut Output)]| {
        let mut output = Output::default();
        output.u8(policy).u8(frames.len() as u8);
        frames.iter().for_each(|frame| frame(&mut output));
        output.bytes(&verbs).finish()
    };
    let plain = |output: &mut Output| {
        output.u8(part::PLAIN);
    };
    let delayed = |output: &mut Output| {
        output.u8(part::DELAYED).u64(2_000_000_000);
    };
    let started = |index: u8| {
        move |output: &mut Output| {
            output.u8(part::STARTED).u8(index);
        }
    };
    let event = |event: Event| move |output: &mut Output| put_event(output, &event);
    let (first, second) = (started(0), started(1));
    let acked = event(Event::Acked(vec![0, 2]));
    let again = event(Event::Failed(failed(0)));
    let later = event(Event::Failed(failed(3_000_000_000)));
    let dying = |output: &mut Output| {
        output.u8(part::EVENT).piece(&dying_bytes);
    };
    let released = event(Event::Released { id: 0, due_ns: 5 });
    let dead = event(Event::Dead { id: 1 });
    let raw = event(Event::Started(vec![(0, Place::new(1, 0)), (1, Place::new(1, 4))]));
    let elsewhere = event(Event::Started(vec![(1, Place::new(1, 0))]));
    let settled = event(Event::Acked(vec![0; 9]));
    let (moved, unsent) = (event(relocated(1)), event(relocated(2)));
    let many: [&dyn Fn(&mut Output); 9] = [&plain; 9];
    // Of one that is settled already, and then each of the one before.
    let replaced = |output: &mut Output| put_replacement(output, 0);
    let replaced_often: [&dyn Fn(&mut Output); 9] = [&replaced; 9];
    let all_options = |output: &mut Output| {
        output.u8(part::OPTIONS).u8(u8::MAX).bytes(&[7, 9, 2, 4, 1, 1, 0, 1]);
    };
    let dedup_and_drop = 33;
    let escalate = 65;
    vec![
        (
            "settlement",
            "replaced_often",
            queue(dedup_and_drop, &[&many[..], &[&first, &acked], &replaced_often].concat()),
        ),
        ("settlement", "all_options", queue(escalate, &[&plain, &all_options, &all_options, &second])),
        ("settlement", "settled_often", queue(1, &[&many[..], &[&first, &settled]].concat())),
        ("settlement", "lease_elsewhere", queue(1, &[&plain, &plain, &elsewhere])),
        ("settlement", "plain", queue(0, &[&plain, &plain, &plain, &plain])),
        (
            "settlement",
            "leases",
            queue(2, &[&plain, &plain, &delayed, &first, &second, &acked, &again, &released]),
        ),
        ("settlement", "deaths", queue(2, &[&plain, &plain, &second, &dying, &first])),
        ("settlement", "dead", queue(1, &[&plain, &plain, &delayed, &second, &later, &dead, &raw])),
        ("settlement", "moved", queue(1, &[&plain, &plain, &second, &moved, &plain, &moved, &first])),
        ("settlement", "moved_and_never_sent", queue(1, &[&plain, &plain, &second, &unsent])),
    ]
}

/// A message that is told again.
fn relocated(id: u64) -> Event {
    let draft = Draft::control(Kind::Data, 1, b"moved");
    let mut frame = vec![0; draft.bytes()];
    let (len, rest) = frame.split_at_mut(4);
    draft.encode(rest, id as u32, 0, None);
    len.copy_from_slice(&(draft.bytes() as u32).to_le_bytes());
    Event::Relocated(Box::new(Relocated {
        id,
        attempts: 1,
        failures: 0,
        expirations: 0,
        stand: Stand::Waiting,
        is_recalled: false,
        holds: false,
        due_ns: 0,
        start_by_ns: u64::MAX,
        complete_by_ns: u64::MAX,
        frame,
        history: vec![(1, "no".into())],
    }))
}

fn offsets() -> Vec<SeedFile> {
    let pair = |partition: u32, offset: u64| [&partition.to_le_bytes()[..], &offset.to_le_bytes()].concat();
    let mut commits = Output::default();
    let islands = [12u64, 13, 15, 20].into_iter().flat_map(u64::to_le_bytes);
    let done = [&[1][..], &pair(0, 6), &2u32.to_le_bytes(), &islands.collect::<Vec<_>>()].concat();
    commits.u8(7).u8(0).piece(b"billing").piece(&[pair(0, 5), pair(1, 20)].concat());
    commits.u8(0).piece(b"audit").piece(&pair(1, 7)).u8(0).piece(b"billing").piece(&pair(0, 9));
    commits
        .u8(1)
        .piece(b"billing")
        .piece(&done)
        .u8(1)
        .piece(b"audit")
        .piece(&[&[2][..], &pair(1, 3)].concat());
    commits.u8(0).piece(b"old").piece(&pair(0, 1)).u8(1).piece(b"old").piece(&[3]);
    let groups: &[&[u8]] = &[b"billing", b"audit", b"new", b"billing"];
    for group in groups {
        commits.piece(group).u8(6);
    }
    // Begins where the next offset is: refused.
    let touching = [6u64, 8].into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>();
    let mut refused = Output::default();
    let touching = [&[1][..], &pair(0, 6), &1u32.to_le_bytes(), &touching].concat();
    refused.u8(1).u8(1).piece(b"billing").piece(&touching);
    let numbers =
        |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    // One partition is ahead of the next sequence, 40.
    let producers = |ahead| {
        let saved = [numbers(&[1, 3, 40]), 2u32.to_le_bytes().to_vec(), pair(1, ahead)].concat();
        let mut producers = Output::default();
        producers.u8(2).u8(0).piece(b"producer/").piece(&numbers(&[2, 1, 1]));
        producers.u8(0).piece(b"producer/import").piece(&saved);
        producers.finish()
    };
    vec![
        ("offsets", "commits", commits.finish()),
        ("offsets", "done_that_touches", refused.finish()),
        ("offsets", "producers", producers(50)),
        ("offsets", "producer_ahead_of_nothing", producers(30)),
    ]
}
