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
//! objects with a `name`, never an object with those names as keys, so that a surface may respell keys.
