//! How an event loop waits for a queue: a file descriptor that gets readable.
//!
//! The core wakes a waiter by writing one byte to a socket pair. It never calls Python, so it can wake while it holds
//! its own locks and whoever holds the GIL; the loop notices the byte as it notices any socket. A waiter is armed
//! only when there was nothing to receive, so a busy queue costs no system call.

use crate::call::attached;
use crate::job::Job;
use crate::queue::Queue;
use pyo3::prelude::*;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Both ends live as long as either side: a late wake never writes into a closed socket.
struct Bell {
    reader: UnixStream,
    writer: UnixStream,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // It cannot block. It fails only when the buffer is full: then the loop has enough to notice.
        let _ = (&self.writer).write(&[1]);
    }
}

/// Waits for one queue on behalf of one coroutine.
#[pyclass(frozen, module = "ringmain")]
pub struct Waiter {
    queue: Py<Queue>,
    bell: Arc<Bell>,
    waker: Waker,
}

#[pymethods]
impl Waiter {
    /// A waiter for a queue.
    #[new]
    fn new(queue: Py<Queue>) -> PyResult<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let bell = Arc::new(Bell { reader, writer });
        Ok(Self { queue, waker: Waker::from(Arc::clone(&bell)), bell })
    }

    /// The descriptor that gets readable after `poll` gave None and there may be something.
    fn fileno(&self) -> i32 {
        self.bell.reader.as_raw_fd()
    }

    /// Up to `count` jobs; None arms the descriptor.
    fn poll(&self, py: Python<'_>, count: usize) -> PyResult<Option<Vec<Job>>> {
        // Before the look at the queue: what rings from here on is news.
        self.silence()?;
        let queue = self.queue.get();
        let mut context = Context::from_waker(&self.waker);
        match attached(py, || Ok(queue.queue.poll_receive(&mut context, count)))? {
            Poll::Pending => Ok(None),
            Poll::Ready(deliveries) => {
                let deliveries = attached(py, || deliveries)?;
                Ok(Some(deliveries.into_iter().map(|delivery| Job::new(delivery, queue.durable)).collect()))
            }
        }
    }
}

impl Waiter {
    fn silence(&self) -> PyResult<()> {
        let mut bytes = [0; 64];
        loop {
            match (&self.bell.reader).read(&mut bytes) {
                Ok(count) if count == bytes.len() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                _ => return Ok(()),
            }
        }
    }
}
