//! The ring for one sender and one receiver.

mod ring_behaviour;

use ringmain::ring::spsc;

behaviours!(spsc);

/// Whether a type is `Sync`, answered while compiling: the inherent constant, which exists only for `Sync` types,
/// goes before the trait's.
struct IsSync<T>(std::marker::PhantomData<T>);
trait Otherwise {
    const ANSWER: bool = false;
}
impl<T> Otherwise for IsSync<T> {}
impl<T: Sync> IsSync<T> {
    const ANSWER: bool = true;
}

#[test]
fn handles_move_between_threads_but_are_not_shared() {
    fn is_send<T: Send>() {}
    is_send::<spsc::Sender<u8>>();
    is_send::<spsc::Receiver<u8>>();
    let answers =
        [IsSync::<u8>::ANSWER, IsSync::<spsc::Sender<u8>>::ANSWER, IsSync::<spsc::Receiver<u8>>::ANSWER];
    assert_eq!(answers, [true, false, false]);
}
