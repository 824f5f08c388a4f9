//! What the models see of a ring: the same verbs whatever the flavour.

use crate::ring::{RecvError, SendError, TryRecvError, TrySendError, mpmc, spsc};

/// A kind of bounded ring.
pub trait Flavour: 'static {
    /// Its sending side.
    type Sender<T: Send + 'static>: Sending<T>;
    /// Its receiving side.
    type Receiver<T: Send + 'static>: Receiving<T>;

    /// Makes a ring.
    fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);
}

/// A kind whose sides may have several handles.
pub trait Shared: Flavour {
    /// Another handle.
    fn another_sender<T: Send + 'static>(sender: &Self::Sender<T>) -> Self::Sender<T>;
    /// Another handle.
    fn another_receiver<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Self::Receiver<T>;
}

/// Verbs of senders.
pub trait Sending<T>: Send + 'static {
    fn try_send(&self, message: T) -> Result<(), TrySendError<T>>;
    fn send(&self, message: T) -> Result<(), SendError<T>>;
}

/// Verbs of receivers.
pub trait Receiving<T>: Send + 'static {
    fn try_recv(&self) -> Result<T, TryRecvError>;
    fn recv(&self) -> Result<T, RecvError>;
}

macro_rules! flavour {
    ($name:ident, $module:ident) => {
        #[derive(Debug)]
        pub struct $name;

        impl Flavour for $name {
            type Sender<T: Send + 'static> = $module::Sender<T>;
            type Receiver<T: Send + 'static> = $module::Receiver<T>;

            fn bounded<T: Send + 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
                $module::channel(capacity)
            }
        }

        impl<T: Send + 'static> Sending<T> for $module::Sender<T> {
            fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
                $module::Sender::try_send(self, message)
            }

            fn send(&self, message: T) -> Result<(), SendError<T>> {
                $module::Sender::send(self, message)
            }
        }

        impl<T: Send + 'static> Receiving<T> for $module::Receiver<T> {
            fn try_recv(&self) -> Result<T, TryRecvError> {
                $module::Receiver::try_recv(self)
            }

            fn recv(&self) -> Result<T, RecvError> {
                $module::Receiver::recv(self)
            }
        }
    };
}

flavour!(Spsc, spsc);
flavour!(Mpmc, mpmc);

impl Shared for Mpmc {
    fn another_sender<T: Send + 'static>(sender: &Self::Sender<T>) -> Self::Sender<T> {
        sender.clone()
    }

    fn another_receiver<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Self::Receiver<T> {
        receiver.clone()
    }
}
