//! What the surfaces of C, Python and Node have in common, written once: the options of hubs, queues and streams, and the
//! verbs that are not hot (look, list, cancel, pause, purge, redrive, schedule, ...), as data that every language can make
//! and read.
//!
//! **Promise.** One description (JSON) of options and answers for all languages, so that an option or a verb that is added here is
//! added to all of them. Unknown names, values out of range and missing names are errors that name them. **Not promised.**
//! Speed: what is called for each message (send, receive, settle, append, poll, commit) is written by hand in each surface.
//!
//! Spelling: snake_case; durations are numbers of milliseconds and end in `_ms`; points in time are integers of nanoseconds
//! since 1970 and end in `_ns`; bytes are base64 and end in `_base64`; what has names that users chose is a list of
//! objects with a `name`, never an object with those names as keys, so that a surface may respell keys. Points in time may be
//! given as text of digits, too, for languages whose JSON has no such integers.
//!
//! In options, what is absent stays as it is stored, or is the default of what is new; `null` takes away what can be taken
//! away. Empty text is an object without anything in it.
//!
//! ```
//! use ringmain_surface::{hub_call, open_hub, open_queue, queue_call};
//! let opened = open_hub(None, r#"{"manual_clock": true}"#)?;
//! let jobs = open_queue(&opened.hub, "jobs", r#"{"dead_letter": "jobs.dead", "retry": {"base_ms": 50}}"#)?;
//! jobs.send(ringmain::Message::new(b"resize").delay(std::time::Duration::from_secs(5)))?;
//! hub_call(&opened.hub, "advance", r#"{"by_ms": 5000}"#)?;
//! assert_eq!(queue_call(&jobs, "cancel", r#"{"id": 0}"#)?, "true");
//! assert_eq!(hub_call(&opened.hub, "queues", "")?, r#"["jobs","jobs.dead"]"#);
//! # Ok::<(), ringmain::Error>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `verb` | the table of verbs, and calling one by its name |
//! | `json`, `value` | text to data and back; durations, times, bytes, errors |
//! | `hub`, `queue`, `stream`, `directory` | their verbs; `options` in each are what it may be told, `info` and `stats` what it tells |
//! | `message` | a message to send, and one that was looked at |
//! | `notice` | what the core tells its operator, for loggers of other languages |

mod directory;
mod hub;
mod json;
mod message;
mod notice;
mod queue;
mod stream;
mod value;
mod verb;

pub use directory::global_call;
pub use hub::{Opened, hub_call, open_hub, open_hub_with, snapshot_with};
pub use notice::{Listener, Notices};
pub use queue::{export_letters, letters, open_queue, queue_call};
pub use stream::{open_stream, stream_call};
pub use value::error;
pub use verb::{Argument, Noun, Verb, verbs};
