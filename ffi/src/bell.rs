//! File descriptors that get readable when there is something, for event loops.
//!
//! A bell is made when its descriptor is first asked for. Arming silences it and leaves its waker with the queue or the stream, unless
//! there is something already; whoever brings something rings it, once. So who is not armed costs nobody anything, and who is armed
//! costs the bringer one write.

use crate::answer::Out;
use crate::guard::entry;
use crate::member::{ringmain_member, with};
use crate::queue::ringmain_queue;
use crate::reader::{alone, ringmain_reader};
use crate::table::get;
use ringmain::{Error, Member, Queue, Reader, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Where the bell of a handle is, once it has one.
#[derive(Default)]
pub(crate) struct BellPlace(Mutex<Option<Bell>>);

/// The descriptor closes with the handle, though the queue may keep the waker for longer.
struct Bell {
    waker: Waker,
    signal: Arc<Signal>,
    /// The process that made it. A child has the same descriptor: what it read there its parent would not hear.
    process: u32,
}

/// None when the handle was closed.
struct Signal(Mutex<Option<descriptor::Descriptor>>);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.with(descriptor::Descriptor::ring);
    }
}

impl Signal {
    fn with<R>(&self, work: impl FnOnce(&descriptor::Descriptor) -> R) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.signal.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl BellPlace {
    fn descriptor(&self) -> Result<i32> {
        self.with(|bell| Ok(bell.signal.with(descriptor::Descriptor::number).unwrap_or_default()))
    }

    /// 1 if there is something already, else the bell rings when there is.
    fn arm(&self, poll_ready: impl FnOnce(&mut Context<'_>) -> Poll<Result<()>>) -> Result<i32> {
        let waker = self.with(|bell| {
            // Before the look: what rings from here on is news.
            bell.signal.with(descriptor::Descriptor::silence);
            Ok(bell.waker.clone())
        })?;
        match poll_ready(&mut Context::from_waker(&waker)) {
            Poll::Pending => Ok(0),
            Poll::Ready(answer) => answer.map(|()| 1),
        }
    }

    fn with<R>(&self, work: impl FnOnce(&Bell) -> Result<R>) -> Result<R> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *place {
            Some(bell) if bell.process == std::process::id() => work(bell),
            Some(bell) => Err(Error::Forked { owner: bell.process }),
            empty => {
                let signal = Arc::new(Signal(Mutex::new(Some(descriptor::Descriptor::new()?))));
                let process = std::process::id();
                work(empty.insert(Bell { waker: signal.clone().into(), signal, process }))
            }
        }
    }
}

/// Stores a file descriptor for poll(2), epoll and the like, which gets readable when the queue may have something for a receive after
/// it was armed. It is the handle's: it is always the same one, and closes with the handle; neither read, write nor close it. Readable it
/// stays until it is armed again. An eventfd on Linux, a socket elsewhere; `RINGMAIN_ERROR_IO` where there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_fd(queue: ringmain_queue, fd_out: *mut i32) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("fd_out", fd_out) }?;
        out.set(get::<Queue>(queue)?.beside().bell.descriptor()?);
        Ok(())
    })
}

/// Arms the descriptor, and stores 1 if there is something to receive already: then receive now, nothing will ring. 0: go and wait for
/// the descriptor. Nothing is received by this. Receive without waiting until there is nothing more, then arm again: other receivers
/// may be quicker, so to find nothing is no error. `RINGMAIN_ERROR_CLOSED` once the hub is closed, which rings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_arm(queue: ringmain_queue, ready_out: *mut i32) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("ready_out", ready_out) }?;
        let queue = get::<Queue>(queue)?;
        out.set(queue.beside().bell.arm(|context| queue.poll_ready(context))?);
        Ok(())
    })
}

/// As `ringmain_queue_fd`, for what a reader may poll.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_fd(reader: ringmain_reader, fd_out: *mut i32) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("fd_out", fd_out) }?;
        out.set(get::<Mutex<Reader>>(reader)?.beside().descriptor()?);
        Ok(())
    })
}

/// As `ringmain_queue_arm`, for a reader. Nothing is read by this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_arm(reader: ringmain_reader, ready_out: *mut i32) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("ready_out", ready_out) }?;
        let reader = get::<Mutex<Reader>>(reader)?;
        let mut alone = alone(&reader)?;
        out.set(reader.beside().arm(|context| alone.poll_ready(context))?);
        Ok(())
    })
}

/// As `ringmain_queue_fd`, for what a member may poll: partitions that come or are to go ring too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_fd(member: ringmain_member, fd_out: *mut i32) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("fd_out", fd_out) }?;
        out.set(get::<Mutex<Option<Member>>>(member)?.beside().descriptor()?);
        Ok(())
    })
}

/// As `ringmain_queue_arm`, for a member. Nothing is read by this; a member that is armed counts as one that polls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_arm(member: ringmain_member, ready_out: *mut i32) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("ready_out", ready_out) }?;
        let held = get::<Mutex<Option<Member>>>(member)?;
        out.set(with(member, |member| held.beside().arm(|context| member.poll_ready(context)))?);
        Ok(())
    })
}

/// Too many are open, or this system has none.
fn unavailable(error: &std::io::Error) -> Error {
    Error::Io {
        operation: "make",
        path: "a file descriptor to wait for".into(),
        detail: error.to_string(),
        errno: error.raw_os_error().unwrap_or(0),
    }
}

#[cfg(target_os = "linux")]
mod descriptor {
    use ringmain::Result;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::{AsRawFd, FromRawFd};

    /// An eventfd.
    pub(super) struct Descriptor(File);

    impl Descriptor {
        pub(super) fn new() -> Result<Self> {
            // SAFETY: no preconditions.
            let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if descriptor < 0 {
                return Err(super::unavailable(&std::io::Error::last_os_error()));
            }
            // SAFETY: it was just made, and is nobody else's.
            Ok(Self(unsafe { File::from_raw_fd(descriptor) }))
        }

        pub(super) fn number(&self) -> i32 {
            self.0.as_raw_fd()
        }

        pub(super) fn ring(&self) {
            // It cannot fail but by being readable already, 2^64 - 2 times.
            let _ = (&self.0).write(&1_u64.to_ne_bytes());
        }

        pub(super) fn silence(&self) {
            // It would block if it was silent.
            let _ = (&self.0).read(&mut [0; 8]);
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod descriptor {
    use ringmain::Result;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// A pair of sockets.
    pub(super) struct Descriptor {
        reader: UnixStream,
        writer: UnixStream,
    }

    impl Descriptor {
        pub(super) fn new() -> Result<Self> {
            let made = UnixStream::pair().and_then(|(reader, writer)| {
                reader.set_nonblocking(true)?;
                writer.set_nonblocking(true)?;
                Ok(Self { reader, writer })
            });
            made.map_err(|error| super::unavailable(&error))
        }

        pub(super) fn number(&self) -> i32 {
            self.reader.as_raw_fd()
        }

        pub(super) fn ring(&self) {
            // If it is full it is readable.
            let _ = (&self.writer).write(&[1]);
        }

        pub(super) fn silence(&self) {
            // Until it would block.
            while (&self.reader).read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0) {}
        }
    }
}

#[cfg(not(unix))]
mod descriptor {
    use ringmain::Result;

    /// There is none.
    pub(super) enum Descriptor {}

    impl Descriptor {
        pub(super) fn new() -> Result<Self> {
            Err(super::unavailable(&std::io::ErrorKind::Unsupported.into()))
        }

        pub(super) fn number(&self) -> i32 {
            match *self {}
        }

        pub(super) fn ring(&self) {
            match *self {}
        }

        pub(super) fn silence(&self) {
            match *self {}
        }
    }
}
