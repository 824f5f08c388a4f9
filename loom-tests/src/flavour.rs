//! What models and stress see of a ring: the same verbs whatever the flavour.

use crate::ring::{RecvError, SendError, TryRecvError, TrySendError};
use crate::ring::{broadcast, mpmc, mpsc, spsc, unbounded};
use crate::task::block_on;

/// A kind of ring.
pub trait Flavour: 'static {
    /// Its sending side.
    type Sender<T: Send + 'static>: Sending<T>;
    /// Its receiving side.
    type Receiver<T: Send + 'static>: Receiving<T>;

    /// Makes a ring.
    fn ring<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);
}

/// A kind that may have several senders.
pub trait ManySenders: Flavour {
    /// Another handle.
    fn another_sender<T: Send + 'static>(sender: &Self::Sender<T>) -> Self::Sender<T>;
}

/// A kind that may have several receivers.
pub trait ManyReceivers: Flavour {
    /// Another handle.
    fn another_receiver<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Self::Receiver<T>;
}

/// Verbs of senders.
pub trait Sending<T>: Send + 'static {
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>>;
    fn send(&self, message: T) -> Result<(), SendError<T>>;
    /// By a future that is polled until it is ready.
    fn send_as_task(&mut self, message: T) -> Result<(), SendError<T>>;
    fn try_send_batch(&self, messages: &mut Vec<T>) -> Result<usize, TrySendError<()>>;
    /// Claims room for `len_max` and writes `messages` there; aborts if told so.
    fn try_claim(
        &mut self,
        len_max: usize,
        messages: impl IntoIterator<Item = T>,
        aborts: bool,
    ) -> Result<(), TrySendError<()>>;
}

/// Verbs of receivers.
pub trait Receiving<T>: Send + 'static {
    fn try_recv(&self) -> Result<T, TryRecvError>;
    fn recv(&self) -> Result<T, RecvError>;
    /// By a future that is polled until it is ready.
    fn recv_as_task(&mut self) -> Result<T, RecvError>;
    fn try_recv_batch(&self, messages: &mut Vec<T>, len_max: usize) -> Result<usize, TryRecvError>;
    /// Looks at up to `len_max` messages, takes `count` of them and leaves the others.
    fn try_peek(&mut self, len_max: usize, count: usize) -> Result<Vec<T>, TryRecvError>;
}

macro_rules! sending {
    ($sender:ty, [$($generics:tt)+]) => {
        impl<$($generics)+> Sending<T> for $sender {
            fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
                self.try_send(message)
            }

            fn send(&self, message: T) -> Result<(), SendError<T>> {
                self.send(message)
            }

            fn send_as_task(&mut self, message: T) -> Result<(), SendError<T>> {
                block_on(self.send_async(message))
            }

            fn try_send_batch(&self, messages: &mut Vec<T>) -> Result<usize, TrySendError<()>> {
                self.try_send_batch(messages)
            }

            fn try_claim(
                &mut self,
                len_max: usize,
                messages: impl IntoIterator<Item = T>,
                aborts: bool,
            ) -> Result<(), TrySendError<()>> {
                let mut claim = self.try_claim(len_max)?;
                claim.fill(messages);
                if aborts {
                    claim.abort();
                } else {
                    claim.commit();
                }
                Ok(())
            }
        }
    };
}

macro_rules! receiving {
    ($receiver:ty, [$($generics:tt)+]) => {
        impl<$($generics)+> Receiving<T> for $receiver {
            fn try_recv(&self) -> Result<T, TryRecvError> {
                self.try_recv()
            }

            fn recv(&self) -> Result<T, RecvError> {
                self.recv()
            }

            fn recv_as_task(&mut self) -> Result<T, RecvError> {
                block_on(self.recv_async())
            }

            fn try_recv_batch(&self, messages: &mut Vec<T>, len_max: usize) -> Result<usize, TryRecvError> {
                self.try_recv_batch(messages, len_max)
            }

            fn try_peek(&mut self, len_max: usize, count: usize) -> Result<Vec<T>, TryRecvError> {
                let mut peek = self.try_peek(len_max)?;
                Ok(std::iter::from_fn(|| peek.take()).take(count).collect())
            }
        }
    };
}

macro_rules! flavour {
    ($name:ident, $module:ident, $ring:expr) => {
        #[derive(Debug)]
        pub struct $name;

        impl Flavour for $name {
            type Sender<T: Send + 'static> = $module::Sender<T>;
            type Receiver<T: Send + 'static> = $module::Receiver<T>;

            fn ring<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
                $ring(capacity)
            }
        }

        sending!($module::Sender<T>, [T: Send + 'static]);
        receiving!($module::Receiver<T>, [T: Send + 'static]);
    };
}

flavour!(Spsc, spsc, spsc::bounded);
flavour!(Mpsc, mpsc, mpsc::bounded);
flavour!(Mpmc, mpmc, mpmc::bounded);
flavour!(Unbounded, unbounded, |_| unbounded::unbounded());
// No flavour: its messages are cloned, and its readers come and go.
sending!(broadcast::Sender<T>, [T: Send + Sync + 'static]);
sending!(broadcast::MultiSender<T>, [T: Send + Sync + 'static]);
receiving!(broadcast::Receiver<T, W>, [T: Clone + Send + Sync + 'static, W: broadcast::Writers]);

macro_rules! many_senders {
    ($($name:ident)+) => {$(
        impl ManySenders for $name {
            fn another_sender<T: Send + 'static>(sender: &Self::Sender<T>) -> Self::Sender<T> {
                sender.clone()
            }
        }
    )+};
}

macro_rules! many_receivers {
    ($($name:ident)+) => {$(
        impl ManyReceivers for $name {
            fn another_receiver<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Self::Receiver<T> {
                receiver.clone()
            }
        }
    )+};
}

many_senders!(Mpsc Mpmc Unbounded);
many_receivers!(Mpmc Unbounded);
