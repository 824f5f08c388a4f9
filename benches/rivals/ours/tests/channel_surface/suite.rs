// What a bounded channel does, whichever it is: the module that includes this says which.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for another thread to get into a waiting call, most of the time. The tests hold if it does
/// not.
const A_WHILE: Duration = Duration::from_millis(20);
/// Longer than any test waits, if the calls keep their word.
const VERY_LONG: Duration = Duration::from_secs(60);

fn passed() -> Instant {
    Instant::now()
}

fn soon() -> Instant {
    Instant::now() + A_WHILE
}

fn far() -> Instant {
    Instant::now() + VERY_LONG
}

#[test]
fn messages_come_in_the_order_in_which_they_were_sent() {
    let (sender, receiver) = bounded(8);
    for round in 0..5 {
        for number in 0..8 {
            sender.send((round, number)).unwrap();
        }
        for number in 0..8 {
            assert_eq!(receiver.recv(), Ok((round, number)));
        }
    }
}

#[test]
fn the_capacity_is_what_was_asked_for() {
    for capacity in [1, 2, 3, 7, 64, 100] {
        let (sender, receiver) = bounded(capacity);
        assert_eq!((sender.capacity(), receiver.capacity()), (Some(capacity), Some(capacity)));
        for number in 0..capacity {
            assert_eq!((sender.len(), receiver.len()), (number, number));
            assert_eq!(sender.is_empty(), number == 0);
            assert!(!sender.is_full() && !receiver.is_full());
            sender.try_send(number).unwrap();
        }
        assert!(sender.is_full() && receiver.is_full() && !receiver.is_empty());
        assert_eq!(sender.try_send(capacity), Err(TrySendError::Full(capacity)));
        assert_eq!(receiver.try_recv(), Ok(0));
        assert!(!sender.is_full());
        assert_eq!(sender.len(), capacity - 1);
    }
}

#[test]
fn a_receiver_without_messages_says_so() {
    let (sender, receiver) = bounded::<u8>(2);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_deadline(soon()), Err(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_deadline(passed()), Err(RecvTimeoutError::Timeout));
    sender.send(7).unwrap();
    assert_eq!(receiver.recv_deadline(passed()), Ok(7));
}

#[test]
fn a_sender_without_room_gets_its_message_back() {
    let (sender, receiver) = bounded(1);
    sender.send("first".to_owned()).unwrap();
    let message = || "second".to_owned();
    assert_eq!(sender.try_send(message()), Err(TrySendError::Full(message())));
    assert_eq!(sender.send_timeout(message(), A_WHILE), Err(SendTimeoutError::Timeout(message())));
    assert_eq!(sender.send_deadline(message(), soon()), Err(SendTimeoutError::Timeout(message())));
    assert_eq!(sender.send_deadline(message(), passed()), Err(SendTimeoutError::Timeout(message())));
    assert_eq!(receiver.recv().as_deref(), Ok("first"));
    assert_eq!(sender.send_deadline(message(), passed()), Ok(()));
    assert_eq!(receiver.recv().as_deref(), Ok("second"));
}

#[test]
fn without_receivers_nothing_can_be_sent() {
    let (sender, receiver) = bounded(2);
    let other = receiver.clone();
    drop(receiver);
    sender.send(1).unwrap();
    drop(other);
    assert_eq!(sender.send(2), Err(SendError(2)));
    assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    assert_eq!(sender.send_timeout(4, VERY_LONG), Err(SendTimeoutError::Disconnected(4)));
    assert_eq!(sender.send_deadline(5, far()), Err(SendTimeoutError::Disconnected(5)));
}

#[test]
fn without_senders_what_is_left_is_received_and_then_nothing() {
    let (sender, receiver) = bounded(4);
    let other = sender.clone();
    sender.send(1).unwrap();
    drop(sender);
    other.send(2).unwrap();
    drop(other);
    assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_timeout(VERY_LONG), Err(RecvTimeoutError::Disconnected));
    assert_eq!(receiver.recv_deadline(far()), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_waiting_receiver_is_woken_by_a_message() {
    let (sender, receiver) = bounded(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..3 {
                thread::sleep(A_WHILE);
                sender.send(number).unwrap();
            }
        });
        assert_eq!(receiver.recv(), Ok(0));
        assert_eq!(receiver.recv_timeout(VERY_LONG), Ok(1));
        assert_eq!(receiver.recv_deadline(far()), Ok(2));
    });
}

#[test]
fn a_waiting_sender_is_woken_by_room() {
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.send(1).unwrap();
            sender.send_timeout(2, VERY_LONG).unwrap();
            sender.send_deadline(3, far()).unwrap();
        });
        for number in 0..4 {
            thread::sleep(A_WHILE);
            assert_eq!(receiver.recv(), Ok(number));
        }
    });
}

#[test]
fn waiting_receivers_learn_that_the_last_sender_has_gone() {
    let (sender, receiver) = bounded::<u8>(1);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| receiver.recv())).collect();
        let limited = scope.spawn(|| receiver.recv_timeout(VERY_LONG));
        thread::sleep(A_WHILE);
        drop(sender);
        waiting.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Err(RecvError)));
        assert_eq!(limited.join().unwrap(), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn waiting_senders_get_their_messages_back_when_the_last_receiver_goes() {
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    let sender = &sender;
    thread::scope(|scope| {
        let waiting: Vec<_> = (1..4).map(|number| scope.spawn(move || sender.send(number))).collect();
        let limited = scope.spawn(move || sender.send_deadline(9, far()));
        thread::sleep(A_WHILE);
        drop(receiver);
        for (thread, number) in waiting.into_iter().zip(1..) {
            assert_eq!(thread.join().unwrap(), Err(SendError(number)));
        }
        assert_eq!(limited.join().unwrap(), Err(SendTimeoutError::Disconnected(9)));
    });
}

#[test]
fn iterators_end_when_no_sender_is_left() {
    let (sender, receiver) = bounded(4);
    thread::scope(|scope| {
        scope.spawn(move || (0..100).for_each(|number| sender.send(number).unwrap()));
        let mut seen: Vec<u32> = receiver.iter().take(10).collect();
        for number in &receiver {
            seen.push(number);
            if number == 49 {
                break;
            }
        }
        seen.extend(receiver);
        assert!(seen.into_iter().eq(0..100));
    });
}

#[test]
fn an_iterator_that_tries_ends_when_nothing_is_there() {
    let (sender, receiver) = bounded(8);
    assert_eq!(receiver.try_iter().count(), 0);
    (0..5).for_each(|number| sender.send(number).unwrap());
    let mut some = receiver.try_iter();
    assert_eq!(some.next(), Some(0));
    sender.send(5).unwrap();
    assert!(some.eq(1..6));
    drop(sender);
    assert_eq!(receiver.try_iter().next(), None);
}

#[test]
fn an_iterator_may_own_its_receiver() {
    let (sender, receiver) = bounded(3);
    let mut messages = receiver.into_iter();
    sender.send('a').unwrap();
    assert_eq!(messages.next(), Some('a'));
    drop(messages);
    assert_eq!(sender.send('b'), Err(SendError('b')));
}

#[test]
fn handles_know_whose_they_are() {
    let (sender, receiver) = bounded::<u8>(1);
    let (other_sender, other_receiver) = bounded::<u8>(1);
    assert!(sender.same_channel(&sender.clone()) && receiver.same_channel(&receiver.clone()));
    assert!(!sender.same_channel(&other_sender) && !receiver.same_channel(&other_receiver));
}

#[test]
fn every_message_goes_to_one_receiver() {
    const SENDERS: usize = 4;
    const RECEIVERS: usize = 3;
    const COUNT: usize = 5_000;
    for capacity in [1, 3, 64] {
        let (sender, receiver) = bounded::<usize>(capacity);
        let times: Vec<AtomicUsize> = (0..SENDERS * COUNT).map(|_| AtomicUsize::new(0)).collect();
        thread::scope(|receiving| {
            for _ in 0..RECEIVERS {
                let (receiver, times) = (receiver.clone(), &times);
                receiving.spawn(move || {
                    let mut last = [None; SENDERS];
                    for number in receiver {
                        let (from, index) = (number / COUNT, number % COUNT);
                        assert!(last[from] < Some(index), "the messages of a sender keep their order");
                        last[from] = Some(index);
                        times[number].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // Borrowed, not cloned: one handle for all of them.
            thread::scope(|sending| {
                let sender = &sender;
                for from in 0..SENDERS {
                    let numbers = from * COUNT..(from + 1) * COUNT;
                    sending.spawn(move || numbers.for_each(|number| sender.send(number).unwrap()));
                }
            });
            drop(sender);
        });
        assert!(times.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn threads_may_share_a_borrowed_receiver() {
    let (sender, receiver) = bounded(16);
    let total = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Ok(number) = receiver.recv() {
                    total.fetch_add(number, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(move || (1..=1_000).for_each(|number| sender.send(number).unwrap()));
    });
    assert_eq!(total.into_inner(), 500_500);
}

/// Counts when it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn every_message_is_dropped_once() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = || dropped.load(Ordering::Relaxed);
    let (sender, receiver) = bounded(8);
    for _ in 0..6 {
        sender.send(Counted(Arc::clone(&dropped))).unwrap();
    }
    drop(receiver.recv());
    assert_eq!(count(), 1);
    drop(receiver);
    let returned = sender.send(Counted(Arc::clone(&dropped))).unwrap_err();
    drop(sender);
    // Some drop what is left with the last receiver, others with the last handle.
    assert_eq!(count(), 6, "what is left is dropped, what comes back is not");
    drop(returned.into_inner());
    assert_eq!(count(), 7);

    let (sender, receiver) = bounded(8);
    sender.send(Counted(Arc::clone(&dropped))).unwrap();
    drop(sender);
    assert_eq!(count(), 7, "a receiver may still come for it");
    drop(receiver);
    assert_eq!(count(), 8);
}

#[test]
fn messages_may_be_of_no_size_or_of_any() {
    let (sender, receiver) = bounded(3);
    (0..3).for_each(|_| sender.send(()).unwrap());
    assert_eq!(sender.try_send(()), Err(TrySendError::Full(())));
    assert_eq!(receiver.try_iter().count(), 3);

    let (sender, receiver) = bounded(2);
    sender.send([7_u8; 4096]).unwrap();
    assert_eq!(receiver.recv().map(|message| message[4095]), Ok(7));
}

#[test]
fn a_message_may_hold_a_handle_of_its_channel() {
    let (sender, receiver) = bounded::<Box<dyn FnOnce() + Send>>(2);
    let (inner_sender, inner_receiver) = bounded::<u8>(1);
    sender.send(Box::new(move || inner_sender.send(1).unwrap())).unwrap();
    (receiver.recv().unwrap())();
    assert_eq!(inner_receiver.recv(), Ok(1));
}

#[test]
fn handles_move_between_threads_and_are_shared() {
    fn is_send_and_sync<T: Send + Sync + Clone + Debug>() {}
    is_send_and_sync::<Sender<u8>>();
    is_send_and_sync::<Receiver<u8>>();
    // Messages move and are never shared, so that they need not be `Sync`.
    is_send_and_sync::<Sender<std::cell::Cell<u8>>>();
    is_send_and_sync::<Receiver<std::cell::Cell<u8>>>();
}

#[test]
fn errors_are_errors() {
    fn is_error<E: Error + Display + Debug + Clone + Copy + PartialEq + Eq + Send + Sync + 'static>() {}
    is_error::<SendError<u8>>();
    is_error::<TrySendError<u8>>();
    is_error::<SendTimeoutError<u8>>();
    is_error::<RecvError>();
    is_error::<TryRecvError>();
    is_error::<RecvTimeoutError>();

    let texts = [
        SendError(1).to_string(),
        TrySendError::Full(1).to_string(),
        TrySendError::Disconnected(1).to_string(),
        SendTimeoutError::Timeout(1).to_string(),
        SendTimeoutError::Disconnected(1).to_string(),
        RecvError.to_string(),
        TryRecvError::Empty.to_string(),
        TryRecvError::Disconnected.to_string(),
        RecvTimeoutError::Timeout.to_string(),
        RecvTimeoutError::Disconnected.to_string(),
    ];
    assert!(texts.iter().all(|text| !text.is_empty()));
}

/// Can be sent, and no more.
struct Opaque;

#[test]
fn an_error_can_be_printed_whatever_is_in_it() {
    assert!(format!("{:?}", SendError(Opaque)).contains("SendError"));
    assert!(format!("{:?}", TrySendError::Full(Opaque)).contains("Full"));
    assert!(format!("{:?}", TrySendError::Disconnected(Opaque)).contains("Disconnected"));
    assert_eq!(format!("{:?}", RecvError), "RecvError");
    assert_eq!(format!("{:?}", TryRecvError::Empty), "Empty");
    assert_eq!(format!("{:?}", RecvTimeoutError::Timeout), "Timeout");
    assert!(!format!("{:?}", SendTimeoutError::Timeout(Opaque)).is_empty());
    assert!(!SendError(Opaque).to_string().is_empty());
}

#[test]
fn errors_tell_what_they_are_and_turn_into_each_other() {
    assert!(TrySendError::Full(1).is_full() && !TrySendError::Full(1).is_disconnected());
    assert!(TrySendError::Disconnected(1).is_disconnected());
    assert!(SendTimeoutError::Timeout(1).is_timeout() && SendTimeoutError::Disconnected(1).is_disconnected());
    assert!(TryRecvError::Empty.is_empty() && TryRecvError::Disconnected.is_disconnected());
    assert!(RecvTimeoutError::Timeout.is_timeout() && RecvTimeoutError::Disconnected.is_disconnected());
    assert_eq!(SendError(1).into_inner(), 1);
    assert_eq!(TrySendError::Full(2).into_inner(), 2);
    assert_eq!(SendTimeoutError::Timeout(3).into_inner(), 3);
    assert_eq!(TrySendError::from(SendError(4)), TrySendError::Disconnected(4));
    assert_eq!(SendTimeoutError::from(SendError(5)), SendTimeoutError::Disconnected(5));
    assert_eq!(TryRecvError::from(RecvError), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(RecvError), RecvTimeoutError::Disconnected);
}
