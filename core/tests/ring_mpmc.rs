//! The ring for many senders and many receivers.

mod ring_behaviour;

behaviours!(mpmc);
fan_in_behaviours!(mpmc);
competing_behaviours!(ringmain::ring::mpmc::bounded);

#[test]
fn a_visit_shows_what_is_there_in_order_and_leaves_it() {
    let (sender, receiver) = ringmain::ring::mpmc::bounded(3);
    for n in 0..10 {
        sender.send(n).unwrap();
        sender.send(n + 100).unwrap();
        let mut seen = Vec::new();
        // SAFETY: nobody receives meanwhile.
        unsafe { receiver.visit(|message| seen.push(*message)) };
        assert_eq!(seen, [n, n + 100]);
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(n), Ok(n + 100)));
    }
}
