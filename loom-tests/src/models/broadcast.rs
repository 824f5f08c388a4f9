//! Readers that each get everything, who join, leave and are overtaken.

use super::{Mint, Model, Size, Token, join};
use crate::ring::broadcast::{self, MultiReceiver, MultiSender, Policy, Receiver, Writers};
use crate::ring::{RecvError, TryRecvError};
use crate::thread;

macro_rules! models {
    ($($name:ident $size:expr,)*) => {
        pub const BROADCAST: &[Model] = &[$(
            Model { name: concat!("broadcast::", stringify!($name)), size: $size, body: $name, after: || {} },
        )*];
    };
}

models! {
    publish_slot Size::Small,
    publish_slot_by_many Size::Small,
    release_slot Size::Small,
    release_slot_to_many Size::Small,
    release_slot_of_two_readers Size::Bounded(2),
    close_without_senders Size::Small,
    close_without_readers Size::Small,
    join_beside_a_reader_that_goes_on Size::Small,
    join_beside_a_reader_of_many Size::Small,
    join_by_another_sender Size::Bounded(3),
    join_at_the_tail Size::Bounded(3),
    join_at_the_tail_of_many Size::Bounded(2),
    join_in_the_place_of_one_that_left Size::Bounded(3),
    overtake Size::Small,
    overtake_by_two_senders Size::Bounded(2),
    overtake_not_while_looked_at Size::Small,
    overtake_beside_a_clone Size::Bounded(3),
    hold_by_a_claim Size::Small,
    park_wake_of_a_sender_by_leaving Size::Small,
    park_wake_of_a_sender_by_a_peek Size::Small,
    park_wake_of_two_readers Size::Bounded(2),
    park_wake_of_two_readers_by_close Size::Bounded(2),
    park_wake_after_a_claim Size::Bounded(2),
}

/// Tries to send so many tokens: the ones that are sent are numbered from the first of these numbers on.
/// Returns how many.
fn send_all(mint: &Mint, numbers: std::ops::Range<u32>, mut send: impl FnMut(Token) -> bool) -> u32 {
    let mut next = numbers.start;
    for _ in numbers.clone() {
        next += u32::from(send(mint.token(next)));
    }
    next - numbers.start
}

/// Everything that is there for a reader, which must be one message after the other, and how many it missed.
fn drain<W: Writers>(reader: &Receiver<Token, W>) -> Vec<u32> {
    std::iter::from_fn(|| reader.try_recv().ok()).map(|token| token.number).collect()
}

/// Asserts that numbers follow each other.
fn assert_run(numbers: &[u32]) {
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?} has a hole");
}

/// What is seen is whole.
fn publish_slot() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(2);
    let token = mint.token(1);
    let sending = thread::spawn(move || sender.try_send(token).is_ok());
    let early = drain(&reader);
    assert!(sending.join().unwrap());
    assert_eq!([early, drain(&reader)].concat(), [1]);
    drop(reader);
    assert_eq!(mint.alive(), 0);
}

/// The same by a stamp.
fn publish_slot_by_many() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::multi(2);
    let tokens = vec![mint.token(1), mint.token(2)];
    let sending = thread::spawn(move || {
        let mut tokens = tokens;
        assert_eq!(sender.try_send_batch(&mut tokens), Ok(2));
    });
    let mut got = Vec::new();
    if let Ok(len) = reader.try_recv_batch(&mut got, 2) {
        assert_eq!(len, 2, "a batch is found whole");
    }
    sending.join().unwrap();
    let numbers: Vec<u32> = got.iter().map(|token| token.number).chain(drain(&reader)).collect();
    assert_eq!(numbers, [1, 2]);
    drop((reader, got));
    assert_eq!(mint.alive(), 0);
}

/// A slot is written again only after it was read.
fn release_slot() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let sends = mint.clone();
    let sending = thread::spawn(move || {
        let sent = send_all(&sends, 2..3, |token| sender.try_send(token).is_ok());
        (sent, sender)
    });
    let early = drain(&reader);
    let (sent, sender) = sending.join().unwrap();
    let got = [early, drain(&reader)].concat();
    assert_eq!(got, [1, 2][..1 + sent as usize]);
    drop((sender, reader));
    assert_eq!(mint.alive(), 0);
}

/// The same with stamps.
fn release_slot_to_many() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::multi(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let other = sender.clone();
    let sends = mint.clone();
    let sending = thread::spawn(move || send_all(&sends, 2..3, |token| other.try_send(token).is_ok()));
    let early = drain(&reader);
    let sent = sending.join().unwrap();
    let got = [early, drain(&reader)].concat();
    assert_eq!(got, [1, 2][..1 + sent as usize]);
    drop((sender, reader));
    assert_eq!(mint.alive(), 0);
}

/// The slower of two readers holds the sender.
fn release_slot_of_two_readers() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let readers = [reader.clone(), reader];
    let reading = readers.map(|reader| {
        thread::spawn(move || {
            let early = drain(&reader);
            (early, reader)
        })
    });
    let sent = send_all(&mint, 2..3, |token| sender.try_send(token).is_ok()) as usize;
    for (early, reader) in join(reading) {
        assert_eq!([early, drain(&reader)].concat(), [1, 2][..1 + sent]);
    }
}

/// A reader that learns of the end has had everything.
fn close_without_senders() {
    let (sender, reader) = broadcast::bounded(1);
    let sending = thread::spawn(move || sender.try_send(1).unwrap());
    let mut got = 0;
    loop {
        match reader.try_recv() {
            Ok(_) => got += 1,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => thread::yield_now(),
        }
    }
    assert_eq!(got, 1);
    sending.join().unwrap();
}

/// A sender that learns that all readers are gone may use what they used.
fn close_without_readers() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let reading = thread::spawn(move || assert_eq!(drain(&reader)[0], 1));
    let refused = sender.try_send(mint.token(2)).err().map(|error| error.is_disconnected());
    let reader = sender.subscribe(Policy::Gate);
    let sent = sender.try_send(mint.token(3)).is_ok();
    assert!(refused != Some(true) || sent, "after the last one has gone there is room");
    assert_eq!(drain(&reader), [3][..usize::from(sent)]);
    reading.join().unwrap();
}

/// Two readers take what each of them is to get while the sender looks at their cursors.
fn clone_and_go_on<W: Writers>(reader: Receiver<Token, W>) -> [(Vec<u32>, Receiver<Token, W>); 2] {
    let clone = reader.clone();
    let got = drain(&reader);
    [(got, reader), (Vec::new(), clone)]
}

fn assert_both_get<W: Writers>(readers: [(Vec<u32>, Receiver<Token, W>); 2], sent: u32) {
    for (early, reader) in readers {
        assert!([early, drain(&reader)].concat().into_iter().eq(1..=sent));
    }
}

/// A clone begins where its reader is, even if the sender has looked for it just before, and then at the
/// reader just after that went on.
fn join_beside_a_reader_that_goes_on() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let joining = thread::spawn(move || clone_and_go_on(reader));
    let sent = 1 + send_all(&mint, 2..3, |token| sender.try_send(token).is_ok());
    assert_both_get(joining.join().unwrap(), sent);
}

/// The same with many senders.
fn join_beside_a_reader_of_many() {
    let mint = Mint::default();
    let (sender, reader): (MultiSender<_>, MultiReceiver<_>) = broadcast::multi(1);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let joining = thread::spawn(move || clone_and_go_on(reader));
    let sent = 1 + send_all(&mint, 2..3, |token| sender.try_send(token).is_ok());
    assert_both_get(joining.join().unwrap(), sent);
}

/// One of many senders brings a reader, which gets everything from where it began.
fn join_by_another_sender() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::multi(1);
    let other = sender.clone();
    let joining = thread::spawn(move || {
        drop(reader);
        let late = other.subscribe(Policy::Gate);
        let early = drain(&late);
        (early, late)
    });
    let sent = send_all(&mint, 1..4, |token| sender.try_send(token).is_ok());
    let (early, late) = joining.join().unwrap();
    let got = [early, drain(&late)].concat();
    assert_run(&got);
    assert!(got.len() as u32 <= sent);
}

/// A reader that joins while the sender is on its way holds it from there on.
fn join_at_the_tail() {
    let mint = Mint::default();
    let (sender, gate) = broadcast::bounded(1);
    // One that does not hold the sender.
    let reader = gate.subscribe(Policy::Lag);
    drop(gate);
    let joining = thread::spawn(move || {
        let late = reader.subscribe(Policy::Gate);
        let early = drain(&late);
        (early, late)
    });
    let last = send_all(&mint, 1..4, |token| sender.try_send(token).is_ok());
    let (early, late) = joining.join().unwrap();
    let got = [early, drain(&late)].concat();
    assert_run(&got);
    assert!(got.last().is_none_or(|number| *number == last), "{got:?} of {last}");
}

/// The same while two others send.
fn join_at_the_tail_of_many() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::multi(1);
    let others = [sender.clone(), sender.clone()];
    let sending = others.map(|other| {
        let token = mint.token(1);
        thread::spawn(move || other.try_send(token).is_ok())
    });
    drop(reader);
    let late = sender.subscribe(Policy::Gate);
    let early = drain(&late);
    let sent = join(sending).into_iter().filter(|sent| *sent).count();
    let got = [early, drain(&late)].concat();
    assert!(got.len() <= sent);
}

/// A cursor that was left is taken by another reader while the sender looks at it.
fn join_in_the_place_of_one_that_left() {
    let mint = Mint::default();
    let (sender, reader) = broadcast::bounded(1);
    let second = reader.clone();
    assert!(sender.try_send(mint.token(1)).is_ok());
    let joining = thread::spawn(move || {
        let mut got = drain(&second);
        drop(second);
        let third = reader.clone();
        got.extend(drain(&reader));
        (got, reader, third)
    });
    let sent = 1 + send_all(&mint, 2..3, |token| sender.try_send(token).is_ok());
    let (got, reader, third) = joining.join().unwrap();
    assert_eq!(got[0], 1);
    drop(reader);
    assert!(drain(&third).into_iter().eq(1..=sent));
}

/// What a reader gets and what it missed make up all.
fn assert_all_or_missed<W: Writers>(reader: &Receiver<Token, W>, early: Vec<u32>, told: u64, sent: u32) {
    let got = [early, drain(reader)].concat();
    assert!(got.is_sorted(), "{got:?}");
    let missed = told + reader.take_missed();
    assert_eq!(got.len() as u64 + missed, u64::from(sent), "{got:?}");
}

/// A reader is overtaken while it reads.
fn overtake() {
    let mint = Mint::default();
    let (sender, gate) = broadcast::bounded(1);
    let reader = gate.subscribe(Policy::Lag);
    drop(gate);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let reading = thread::spawn(move || {
        let early: Vec<u32> = reader.try_recv().into_iter().map(|token| token.number).collect();
        let missed = reader.take_missed();
        assert!(early.iter().all(|number| u64::from(*number) <= 1 + missed), "{early:?} after {missed}");
        (early, missed, reader)
    });
    assert_eq!(send_all(&mint, 2..4, |token| sender.try_send(token).is_ok()), 2, "it never holds the sender");
    let (early, missed, reader) = reading.join().unwrap();
    assert_all_or_missed(&reader, early, missed, 3);
    drop((sender, reader));
    assert_eq!(mint.alive(), 0);
}

/// Two senders overtake it at once.
fn overtake_by_two_senders() {
    let mint = Mint::default();
    let (sender, gate) = broadcast::multi(1);
    let reader = gate.subscribe(Policy::Lag);
    drop(gate);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let sending = [sender.clone(), sender.clone()].map(|sender| {
        let token = mint.token(2);
        thread::spawn(move || assert!(sender.try_send(token).is_ok(), "it never holds the senders"))
    });
    let early = reader.try_recv().into_iter().map(|token| token.number).collect();
    join(sending);
    assert_all_or_missed(&reader, early, 0, 3);
    drop((sender, reader));
    assert_eq!(mint.alive(), 0);
}

/// While it looks at messages, they stay.
fn overtake_not_while_looked_at() {
    let mint = Mint::default();
    let (sender, gate) = broadcast::bounded(1);
    let mut reader = gate.subscribe(Policy::Lag);
    drop(gate);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let reading = thread::spawn(move || {
        let mut early = Vec::new();
        if let Ok(mut peek) = reader.try_peek(1) {
            early.extend(peek.get(0).map(|token| token.number));
            assert_eq!(peek.take().map(|token| token.number), early.first().copied());
        }
        (early, reader)
    });
    let sent = 1 + send_all(&mint, 2..4, |token| sender.try_send(token).is_ok());
    let (early, reader) = reading.join().unwrap();
    assert_all_or_missed(&reader, early, 0, sent);
}

/// A reader that may be overtaken is cloned: the clone is where it is, or has missed as much.
fn overtake_beside_a_clone() {
    let mint = Mint::default();
    let (sender, gate) = broadcast::bounded(1);
    let reader = gate.subscribe(Policy::Lag);
    drop(gate);
    assert!(sender.try_send(mint.token(1)).is_ok());
    let joining = thread::spawn(move || {
        let before = reader.take_missed();
        let clone = reader.clone();
        let meanwhile = reader.take_missed();
        let early: Vec<u32> = clone.try_recv().into_iter().map(|token| token.number).collect();
        (before, meanwhile, early, clone, reader)
    });
    // A clone holds the sender for a moment.
    let sent = 1 + send_all(&mint, 2..3, |token| sender.try_send(token).is_ok());
    let (before, meanwhile, early, clone, reader) = joining.join().unwrap();
    assert_all_or_missed(&reader, Vec::new(), before + meanwhile, sent);
    let known = (early.len() + drain(&clone).len()) as u64 + clone.take_missed();
    let begin = u64::from(sent) - known;
    assert!((before..=before + meanwhile).contains(&begin), "began at {begin}");
}

/// While a claim is open the other senders wait, and an aborted one leaves no trace.
fn hold_by_a_claim() {
    let mint = Mint::default();
    let (mut sender, reader) = broadcast::multi(2);
    let other = sender.clone();
    let tokens = [mint.token(8), mint.token(9)];
    let claiming = thread::spawn(move || {
        let mut claim = sender.try_claim(2).ok()?;
        claim.fill(tokens);
        claim.abort();
        Some(sender)
    });
    let sent = send_all(&mint, 1..3, |token| other.try_send(token).is_ok());
    claiming.join().unwrap();
    assert_eq!(drain(&reader).len() as u32, sent);
    assert_eq!(send_all(&mint, 3..6, |token| other.try_send(token).is_ok()), 2, "all of the room");
    assert_eq!(drain(&reader), [3, 4]);
    drop((other, reader));
    assert_eq!(mint.alive(), 0);
}

/// A sender sleeps for a reader that leaves.
fn park_wake_of_a_sender_by_leaving() {
    let (sender, slow) = broadcast::bounded(1);
    let quick = slow.clone();
    sender.try_send(1).unwrap();
    assert_eq!(quick.try_recv(), Ok(1));
    let sending = thread::spawn(move || sender.send(2).unwrap());
    drop(slow);
    sending.join().unwrap();
    assert_eq!(quick.try_recv(), Ok(2));
}

/// A sender sleeps for the peek of a reader that it could overtake otherwise.
fn park_wake_of_a_sender_by_a_peek() {
    let (sender, gate) = broadcast::bounded(1);
    let mut reader = gate.subscribe(Policy::Lag);
    drop(gate);
    sender.try_send(1).unwrap();
    let sending = thread::spawn(move || sender.send(2).unwrap());
    drop(reader.try_peek(1));
    sending.join().unwrap();
    assert_eq!((reader.try_recv(), reader.take_missed()), (Ok(2), 1));
}

/// A message wakes both readers.
fn park_wake_of_two_readers() {
    let (sender, reader) = broadcast::bounded(1);
    let readers = [reader.clone(), reader];
    let reading = readers.map(|reader| thread::spawn(move || reader.recv()));
    sender.try_send(1).unwrap();
    for got in join(reading) {
        assert_eq!(got, Ok(1));
    }
}

/// The end wakes both readers.
fn park_wake_of_two_readers_by_close() {
    let (sender, reader) = broadcast::bounded::<u32>(1);
    let readers = [reader.clone(), reader];
    let reading = readers.map(|reader| thread::spawn(move || reader.recv()));
    drop(sender);
    for got in join(reading) {
        assert_eq!(got, Err(RecvError));
    }
}

/// A sender that was kept out by a claim is woken when it ends.
fn park_wake_after_a_claim() {
    let (mut sender, reader) = broadcast::multi(1);
    let other = sender.clone();
    let claiming = thread::spawn(move || {
        let Ok(claim) = sender.try_claim(1) else { return };
        claim.abort();
    });
    other.send(1).unwrap();
    claiming.join().unwrap();
    assert_eq!(reader.try_recv(), Ok(1));
}
