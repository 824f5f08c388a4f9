//! The rings' futures, on two makes of executor, and dropped wherever they wait.

#![allow(unused_mut, reason = "one end's futures borrow it mutably, those of ends that are shared do not")]

#[path = "ring_behaviour/within.rs"]
mod within;

use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use ringmain::ring::*;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use within::within;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a task does with a handle of its own.
type Wait<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A task. Its futures have to be `Send`, as those of all rings are.
fn task(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(future)
}

/// Runs tasks on one thread of tokio's, on two of them, and on the pool of the `futures` crate.
fn on_every_executor(tasks: impl Fn() -> Vec<Task>) {
    use tokio::runtime::{Builder, Runtime};
    let on_tokio = |runtime: Runtime, tasks: Vec<Task>| {
        within(move || {
            let running: Vec<_> = tasks.into_iter().map(|task| runtime.spawn(task)).collect();
            running.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        });
    };
    on_tokio(Builder::new_current_thread().enable_time().build().unwrap(), tasks());
    on_tokio(Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap(), tasks());
    let tasks = tasks();
    within(|| {
        let mut pool = LocalPool::new();
        tasks.into_iter().for_each(|task| pool.spawner().spawn_local(task).unwrap());
        pool.run();
    });
}

/// Polls a future at most `polls` times, whether it was woken or not, and then drops it.
async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        let result = future.as_mut().poll(context).map(Some);
        if result.is_pending() {
            context.waker().wake_by_ref();
        }
        result
    })
    .await
}

/// A task as a waker knows it: counts how often it was woken.
#[derive(Default)]
struct Sleeper(AtomicUsize);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Sleeper {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: &mut Pin<&mut F>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether a ring still knows of it.
    fn is_known(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) != 1
    }
}

fn of_any_capacity<T>(
    _capacity: usize,
) -> (ringmain::ring::unbounded::Sender<T>, ringmain::ring::unbounded::Receiver<T>) {
    ringmain::ring::unbounded::unbounded()
}

const COUNT: usize = 3_000;

/// What the futures of every flavour do.
macro_rules! async_behaviours {
    ($flavour:ident, $make:path) => {
        mod $flavour {
            use super::*;
            use $make as make;

            #[test]
            fn tasks_exchange_every_message_in_order() {
                on_every_executor(|| {
                    let (mut sender, mut receiver) = make(2);
                    let sending = async move {
                        for n in 0..COUNT {
                            sender.send_async(Box::new(n)).await.unwrap();
                        }
                    };
                    let receiving = async move {
                        for n in 0..COUNT {
                            assert_eq!(receiver.recv_async().await, Ok(Box::new(n)));
                        }
                        assert_eq!(receiver.recv_async().await, Err(RecvError));
                    };
                    vec![task(receiving), task(sending)]
                });
            }

            #[test]
            fn tasks_exchange_batches_claims_and_peeks_in_order() {
                on_every_executor(|| {
                    let (mut sender, mut receiver) = make(7);
                    let sending = async move {
                        let mut sent = 0;
                        for len in (1..20).cycle().take(600) {
                            if len % 2 == 0 {
                                let mut messages = (sent..sent + len).map(Box::new).collect();
                                sender.send_batch_async(&mut messages).await.unwrap();
                                assert!(messages.is_empty());
                                sent += len;
                            } else {
                                let mut claim = sender.claim_async(len).await.unwrap();
                                claim.fill((sent..).map(Box::new).take(len));
                                sent += claim.commit();
                            }
                        }
                    };
                    let receiving = async move {
                        let mut got = Vec::new();
                        for len_max in (1..20).cycle() {
                            if len_max % 2 == 0 {
                                let Ok(peek) = receiver.peek_async(len_max).await else { break };
                                peek.take_each(|message| got.push(message));
                            } else if receiver.recv_batch_async(&mut got, len_max).await.is_err() {
                                break;
                            }
                        }
                        assert!(got.len() > 3_000 && got.iter().map(|n| **n).eq(0..got.len()));
                    };
                    vec![task(sending), task(receiving)]
                });
            }

            #[test]
            fn futures_that_are_dropped_wherever_they_wait_lose_and_double_nothing() {
                on_every_executor(|| {
                    let (mut sender, mut receiver) = make(3);
                    let sending = async move {
                        let mut sent = 0;
                        let mut unsent: Vec<usize> = Vec::new();
                        for polls in (0..5).cycle() {
                            match sent % 3 {
                                _ if !unsent.is_empty() => {
                                    _ = give_up_after(polls, sender.send_batch_async(&mut unsent)).await;
                                }
                                0 => {
                                    unsent = (sent..sent + 4).collect();
                                    sent += 4;
                                }
                                1 => match give_up_after(polls, sender.send_async(sent)).await {
                                    Some(result) => sent += result.map(|()| 1).unwrap(),
                                    None => {}
                                },
                                _ => match give_up_after(polls, sender.claim_async(2)).await {
                                    Some(claim) => {
                                        let mut claim = claim.unwrap();
                                        claim.fill(sent..);
                                        sent += if polls % 2 == 0 { claim.commit() } else { 0 };
                                    }
                                    None => {}
                                },
                            }
                            if sent >= COUNT && unsent.is_empty() {
                                break;
                            }
                        }
                    };
                    let receiving = async move {
                        let mut got = Vec::new();
                        for polls in (0..7).cycle() {
                            let result = match polls % 3 {
                                0 => give_up_after(polls, receiver.recv_async())
                                    .await
                                    .map(|r| r.map(|n| got.push(n))),
                                1 => give_up_after(polls, receiver.recv_batch_async(&mut got, 2))
                                    .await
                                    .map(|r| r.map(|_| ())),
                                _ => give_up_after(polls, receiver.peek_async(3))
                                    .await
                                    .map(|r| r.map(|mut peek| got.extend(peek.take()))),
                            };
                            if result == Some(Err(RecvError)) {
                                break;
                            }
                        }
                        assert!(got.len() >= COUNT && got.iter().copied().eq(0..got.len()));
                    };
                    vec![task(receiving), task(sending)]
                });
            }

            type Receiving = ringmain::ring::$flavour::Receiver<u8>;

            /// Lets a wait be polled, maybe woken, and dropped, and then looks what is left.
            fn check_dropped_receive(wait: for<'a> fn(&'a mut Receiving) -> Wait<'a>) {
                for (is_woken, polls) in [(false, 1), (true, 1), (false, 3), (true, 3)] {
                    let (sender, mut receiver) = make(4);
                    let sleeper = Sleeper::new();
                    let mut future = wait(&mut receiver);
                    for _ in 0..polls {
                        assert!(sleeper.poll(&mut future.as_mut()).is_pending());
                    }
                    assert!(sleeper.is_known());
                    if is_woken {
                        sender.send(7).unwrap();
                    }
                    assert_eq!(sleeper.woken(), usize::from(is_woken));
                    drop(future);
                    assert!(!sleeper.is_known(), "a waker was left behind");
                    if !is_woken {
                        sender.send(7).unwrap();
                    }
                    assert_eq!((receiver.try_recv(), receiver.len()), (Ok(7), 0));
                    assert_eq!(sleeper.woken(), usize::from(is_woken));
                }
            }

            #[test]
            fn a_dropped_receive_leaves_the_message_and_no_waker() {
                check_dropped_receive(|receiver| Box::pin(async { _ = receiver.recv_async().await }));
                check_dropped_receive(|receiver| Box::pin(async { _ = receiver.peek_async(2).await }));
                check_dropped_receive(|receiver| {
                    Box::pin(async { _ = receiver.recv_batch_async(&mut Vec::new(), 2).await })
                });
            }

            #[test]
            fn a_future_that_was_never_polled_has_done_nothing() {
                let (mut sender, mut receiver) = make(4);
                drop(sender.send_async(1));
                drop(sender.send_batch_async(&mut vec![1]));
                drop(sender.claim_async(2));
                assert_eq!(receiver.len(), 0);
                sender.send(2).unwrap();
                drop(receiver.recv_async());
                drop(receiver.recv_batch_async(&mut Vec::new(), 2));
                drop(receiver.peek_async(2));
                assert_eq!((receiver.len(), receiver.recv()), (1, Ok(2)));
            }

            #[test]
            fn the_end_of_a_side_wakes_the_tasks_of_the_other() {
                let sleeper = Sleeper::new();
                let (sender, mut receiver) = make(1);
                let mut future = pin!(receiver.recv_async());
                assert!(sleeper.poll(&mut future).is_pending());
                sender.send(1).unwrap();
                drop(sender);
                assert_ne!(sleeper.woken(), 0);
                assert_eq!(sleeper.poll(&mut future), Poll::Ready(Ok(1)));
                assert!(!sleeper.is_known());

                let (mut sender, receiver) = make(1);
                drop(receiver);
                assert_eq!(sleeper.poll(&mut pin!(sender.send_async(1))), Poll::Ready(Err(SendError(1))));
                let mut unsent = vec![1, 2];
                let result = sleeper.poll(&mut pin!(sender.send_batch_async(&mut unsent)));
                assert_eq!((result, unsent.len()), (Poll::Ready(Err(SendError(()))), 2));
                assert!(matches!(sleeper.poll(&mut pin!(sender.claim_async(1))), Poll::Ready(Err(_))));
            }

            #[test]
            fn a_task_and_a_thread_exchange_messages() {
                let (mut sender, receiver) = make(2);
                let thread = std::thread::spawn(move || within(move || receiver.iter().eq(0..COUNT)));
                futures::executor::block_on(async {
                    for n in 0..COUNT {
                        sender.send_async(n).await.unwrap();
                    }
                });
                drop(sender);
                assert!(thread.join().unwrap());
            }

            #[test]
            fn a_time_limit_of_the_executor_ends_a_wait() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                let (sender, mut receiver) = make(1);
                runtime.block_on(async {
                    let limit = Duration::from_millis(2);
                    assert!(tokio::time::timeout(limit, receiver.recv_async()).await.is_err());
                    assert!(tokio::time::timeout(limit, receiver.peek_async(1)).await.is_err());
                    sender.send(1).unwrap();
                    assert_eq!(tokio::time::timeout(limit, receiver.recv_async()).await, Ok(Ok(1)));
                });
            }
        }
    };
}

async_behaviours!(spsc, ringmain::ring::spsc::bounded);
async_behaviours!(mpsc, ringmain::ring::mpsc::bounded);
async_behaviours!(mpmc, ringmain::ring::mpmc::bounded);
async_behaviours!(unbounded, crate::of_any_capacity);

/// What the futures of senders do where there is a bound.
macro_rules! async_bounded_behaviours {
    ($name:ident, $flavour:ident) => {
        mod $name {
            use super::*;
            use ringmain::ring::$flavour::bounded;

            #[test]
            fn a_dropped_send_sends_nothing_and_leaves_no_waker() {
                for is_woken in [false, true] {
                    let (mut sender, receiver) = bounded(1);
                    sender.send(Arc::new(0)).unwrap();
                    let message = Arc::new(1);
                    let sleeper = Sleeper::new();
                    {
                        let mut future = pin!(sender.send_async(Arc::clone(&message)));
                        assert!(
                            sleeper.poll(&mut future).is_pending() && sleeper.poll(&mut future).is_pending()
                        );
                        if is_woken {
                            assert_eq!(receiver.recv(), Ok(Arc::new(0)));
                        }
                        assert_eq!((sleeper.is_known(), sleeper.woken()), (!is_woken, usize::from(is_woken)));
                    }
                    assert_eq!((sleeper.is_known(), Arc::strong_count(&message)), (false, 1));
                    assert_eq!(receiver.try_iter().count(), usize::from(!is_woken));
                    sender.try_send(message).unwrap();
                }
            }

            #[test]
            fn a_dropped_batch_keeps_what_it_has_not_sent() {
                let (mut sender, receiver) = bounded(3);
                let sleeper = Sleeper::new();
                let mut messages: Vec<_> = (0..8).collect();
                {
                    let mut future = pin!(sender.send_batch_async(&mut messages));
                    assert!(sleeper.poll(&mut future).is_pending());
                    assert_eq!(receiver.recv(), Ok(0));
                    assert!(sleeper.poll(&mut future).is_pending());
                    assert_eq!(receiver.recv(), Ok(1));
                    assert_eq!(sleeper.woken(), 2);
                }
                assert!(!sleeper.is_known());
                assert_eq!(messages, [4, 5, 6, 7]);
                assert!(receiver.try_iter().eq([2, 3]));
            }

            #[test]
            fn a_dropped_claim_takes_no_room() {
                for is_woken in [false, true] {
                    let (mut sender, receiver) = bounded(2);
                    sender.send_batch(&mut vec![1, 2]).unwrap();
                    let sleeper = Sleeper::new();
                    {
                        let mut future = pin!(sender.claim_async(2));
                        assert!(sleeper.poll(&mut future).is_pending());
                        if is_woken {
                            assert_eq!(receiver.recv(), Ok(1));
                        }
                    }
                    assert!(!sleeper.is_known());
                    let left = receiver.try_iter().count();
                    assert_eq!(left, if is_woken { 1 } else { 2 });
                    assert_eq!(sender.try_claim(2).unwrap().room(), 2);
                }
            }

            #[test]
            fn the_last_receiver_wakes_a_sending_task() {
                let (mut sender, receiver) = bounded(1);
                sender.send(1).unwrap();
                let sleeper = Sleeper::new();
                let mut future = pin!(sender.send_async(2));
                assert!(sleeper.poll(&mut future).is_pending());
                drop(receiver);
                assert_ne!(sleeper.woken(), 0);
                assert_eq!(sleeper.poll(&mut future), Poll::Ready(Err(SendError(2))));
            }
        }
    };
}

async_bounded_behaviours!(spsc_bound, spsc);
async_bounded_behaviours!(mpsc_bound, mpsc);
async_bounded_behaviours!(mpmc_bound, mpmc);

/// What the futures of many handles do.
macro_rules! async_competing_behaviours {
    ($name:ident, $make:path) => {
        mod $name {
            use super::*;
            use $make as make;

            #[test]
            fn many_tasks_share_one_ring() {
                let sum = Arc::new(AtomicUsize::new(0));
                on_every_executor(|| {
                    let (sender, receiver) = make(5);
                    let mut tasks = Vec::new();
                    for number in 0..40 {
                        let (sender, receiver, sum) = (sender.clone(), receiver.clone(), Arc::clone(&sum));
                        tasks.push(task(async move {
                            for n in 0..100 {
                                sender.send_async(number * 100 + n).await.unwrap();
                            }
                        }));
                        tasks.push(task(async move {
                            for polls in (0..50).cycle() {
                                match give_up_after(polls, receiver.recv_async()).await {
                                    Some(Ok(n)) => _ = sum.fetch_add(n, Ordering::SeqCst),
                                    Some(Err(RecvError)) => break,
                                    None => {}
                                }
                            }
                        }));
                    }
                    tasks
                });
                assert_eq!(sum.load(Ordering::SeqCst), 3 * (4_000 * 3_999 / 2), "on three executors");
            }

            #[test]
            fn tasks_are_woken_in_the_order_of_their_coming() {
                let (sender, receiver) = make(8);
                let others = [receiver.clone(), receiver.clone()];
                let sleepers = [Sleeper::new(), Sleeper::new(), Sleeper::new()];
                let mut first = pin!(receiver.recv_async());
                let mut second = pin!(others[0].recv_async());
                let mut third = pin!(others[1].recv_async());
                assert!(sleepers[0].poll(&mut first).is_pending());
                assert!(sleepers[1].poll(&mut second).is_pending());
                assert!(sleepers[2].poll(&mut third).is_pending());
                let woken = || sleepers.each_ref().map(|sleeper| sleeper.woken());
                sender.send(1).unwrap();
                assert_eq!(woken(), [1, 0, 0]);
                sender.send(2).unwrap();
                assert_eq!(woken(), [1, 1, 0]);
                assert_eq!(sleepers[0].poll(&mut first), Poll::Ready(Ok(1)));
                assert_eq!(sleepers[1].poll(&mut second), Poll::Ready(Ok(2)));
                drop(sender);
                assert_eq!(woken(), [1, 1, 1]);
                assert_eq!(sleepers[2].poll(&mut third), Poll::Ready(Err(RecvError)));
            }

            #[test]
            fn a_dropped_future_hands_its_wake_on() {
                let (sender, receiver) = make(8);
                let other = receiver.clone();
                let sleepers = [Sleeper::new(), Sleeper::new()];
                let mut second = pin!(other.recv_async());
                {
                    let mut first = pin!(receiver.recv_async());
                    assert!(sleepers[0].poll(&mut first).is_pending());
                    assert!(sleepers[1].poll(&mut second).is_pending());
                    sender.send(1).unwrap();
                    assert_eq!((sleepers[0].woken(), sleepers[1].woken()), (1, 0));
                }
                assert_eq!(
                    sleepers[1].woken(),
                    1,
                    "the message is still there, and the second would wait for ever"
                );
                assert_eq!(sleepers[1].poll(&mut second), Poll::Ready(Ok(1)));
            }

            #[test]
            fn a_batch_wakes_as_many_as_it_has_messages() {
                let (sender, receiver) = make(8);
                let sleepers = [Sleeper::new(), Sleeper::new(), Sleeper::new()];
                let receivers = [receiver.clone(), receiver.clone(), receiver];
                let [a, b, c] = receivers.each_ref().map(|receiver| receiver.recv_async());
                let (mut a, mut b, mut c) = (pin!(a), pin!(b), pin!(c));
                assert!(sleepers[0].poll(&mut a).is_pending());
                assert!(sleepers[1].poll(&mut b).is_pending());
                assert!(sleepers[2].poll(&mut c).is_pending());
                sender.send_batch(&mut vec![1, 2]).unwrap();
                assert_eq!(sleepers.each_ref().map(|sleeper| sleeper.woken()), [1, 1, 0]);
            }

            #[test]
            fn the_end_of_a_peek_wakes_the_tasks_that_it_kept_waiting() {
                for takes in [false, true] {
                    let (sender, mut receiver) = make(8);
                    let other = receiver.clone();
                    sender.send_batch(&mut vec![1, 2]).unwrap();
                    let sleeper = Sleeper::new();
                    let mut future = pin!(other.recv_async());
                    let mut peek = receiver.try_peek(1).unwrap();
                    assert!(sleeper.poll(&mut future).is_pending());
                    let taken = if takes { peek.take() } else { None };
                    drop(peek);
                    assert_ne!(sleeper.woken(), 0);
                    assert_eq!(sleeper.poll(&mut future), Poll::Ready(Ok(taken.map_or(1, |n: u8| n + 1))));
                }
            }
        }
    };
}

async_competing_behaviours!(mpmc_many, ringmain::ring::mpmc::bounded);
async_competing_behaviours!(unbounded_many, crate::of_any_capacity);

#[test]
fn a_dropped_send_hands_its_wake_on() {
    let (sender, receiver) = ringmain::ring::mpmc::bounded(1);
    sender.send(0).unwrap();
    let other = sender.clone();
    let sleepers = [Sleeper::new(), Sleeper::new()];
    let mut second = pin!(other.send_async(2));
    {
        let mut first = pin!(sender.send_async(1));
        assert!(sleepers[0].poll(&mut first).is_pending());
        assert!(sleepers[1].poll(&mut second).is_pending());
        assert_eq!(receiver.recv(), Ok(0));
        assert_eq!((sleepers[0].woken(), sleepers[1].woken()), (1, 0));
    }
    assert_eq!(sleepers[1].woken(), 1);
    assert_eq!(sleepers[1].poll(&mut second), Poll::Ready(Ok(())));
    assert_eq!(receiver.recv(), Ok(2));
}

#[test]
fn a_task_that_moves_to_another_waker_is_woken_there() {
    let (sender, receiver) = ringmain::ring::mpmc::bounded(1);
    let sleepers = [Sleeper::new(), Sleeper::new()];
    let mut future = pin!(receiver.recv_async());
    assert!(sleepers[0].poll(&mut future).is_pending());
    assert!(sleepers[1].poll(&mut future).is_pending());
    assert!(!sleepers[0].is_known());
    sender.send(1).unwrap();
    assert_eq!((sleepers[0].woken(), sleepers[1].woken()), (0, 1));
}
