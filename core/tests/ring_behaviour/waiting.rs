//! Ways to wait.

/// What a handle does while it waits.
#[macro_export]
macro_rules! waiting_behaviours {
    ($make:path) => {
        mod waiting {
            use ringmain::ring::*;
            use std::time::Duration;
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn messages_come_whatever_the_way_of_waiting() {
                let yields = Waiting { spin_count: 0, yield_count: 1, sleeps: false };
                for waiting in [Waiting::SLEEP, Waiting::default(), Waiting::SPIN, yields] {
                    let (mut sender, mut receiver) = make(2);
                    sender.set_waiting(waiting);
                    receiver.set_waiting(waiting);
                    // Spinning, two threads may have to share a core.
                    let count = if waiting == Waiting::SPIN { 200 } else { 5_000 };
                    let sending =
                        std::thread::spawn(move || (0..count).for_each(|n| sender.send(n).unwrap()));
                    within(move || assert!(receiver.iter().eq(0..count)));
                    sending.join().unwrap();
                }
            }

            #[test]
            fn a_time_is_over_whatever_the_way_of_waiting() {
                for waiting in [Waiting::SLEEP, Waiting::default(), Waiting::SPIN] {
                    let (_sender, mut receiver) = make::<u8>(1);
                    receiver.set_waiting(Waiting { spin_count: waiting.spin_count.min(1000), ..waiting });
                    let timeout = Duration::from_millis(2);
                    let result = within(move || receiver.recv_timeout(timeout));
                    assert_eq!(result, Err(RecvTimeoutError::Timeout));
                }
            }

            #[test]
            fn a_receiver_that_waits_burns_no_core() {
                for waiting in [Waiting::SLEEP, Waiting::default()] {
                    let (sender, mut receiver) = make(1);
                    receiver.set_waiting(waiting);
                    let waiter = std::thread::spawn(move || {
                        within(move || {
                            let before = thread_cpu_time();
                            let result = receiver.recv();
                            (result, thread_cpu_time() - before)
                        })
                    });
                    std::thread::sleep(A_WHILE);
                    sender.send(1).unwrap();
                    let (result, burnt) = waiter.join().unwrap();
                    assert_eq!(result, Ok(1));
                    assert!(burnt < LITTLE, "{burnt:?} of processor time in {A_WHILE:?} with {waiting:?}");
                }
            }
        }
    };
}
