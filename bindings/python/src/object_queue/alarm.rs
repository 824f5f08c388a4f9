//! How tasks of an event loop are woken: a descriptor that gets readable, and who was called.
//!
//! Whoever calls a task writes a byte at most. It never touches the loop, nor does it need the interpreter for it.

use pyo3::prelude::*;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The tasks of one event loop that were called by the queues they wait for.
#[pyclass(frozen, module = "ringmain")]
pub struct Alarm {
    pub(super) bell: Arc<Bell>,
}

/// What rings: both ends of it, so that nothing is ever written to a socket whose other end is closed.
pub struct Bell {
    reader: UnixStream,
    writer: UnixStream,
    /// The tickets of those who were called and do not know it yet. There is a byte to be read if there are any.
    called: Mutex<Vec<u64>>,
}

impl Bell {
    pub(super) fn ring(&self, ticket: u64) {
        let mut called = self.called();
        called.push(ticket);
        if called.len() == 1 {
            // It cannot block. It fails only when the buffer is full: then the loop has enough to notice.
            let _ = (&self.writer).write(&[1]);
        }
    }

    fn called(&self) -> MutexGuard<'_, Vec<u64>> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Alarm {
    /// An alarm for one event loop. Raises OSError if there is no descriptor left.
    #[new]
    fn new() -> PyResult<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { bell: Arc::new(Bell { reader, writer, called: Mutex::default() }) })
    }

    /// The descriptor that gets readable when a task is called.
    fn fileno(&self) -> i32 {
        self.bell.reader.as_raw_fd()
    }

    /// The tickets of the tasks that were called since the last time.
    fn called(&self) -> PyResult<Vec<u64>> {
        let mut called = self.bell.called();
        let mut bytes = [0; 8];
        match (&self.bell.reader).read(&mut bytes) {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Err(error.into())
            }
            _ => Ok(std::mem::take(&mut called)),
        }
    }
}
