//! The table of verbs: each declared once, with what it takes, what it answers and what it does.

use crate::value::{Bytes, Milliseconds, Nanoseconds};
use crate::{directory, hub, queue, stream};
use ringmain::{Error, Result};
use serde_json::Value;
use std::sync::LazyLock;

/// What a verb is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noun {
    /// Nothing: [`global_call`](crate::global_call).
    Global,
    /// A hub: [`hub_call`](crate::hub_call).
    Hub,
    /// A queue: [`queue_call`](crate::queue_call).
    Queue,
    /// A stream: [`stream_call`](crate::stream_call).
    Stream,
}

/// A verb: its name, what it takes and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verb {
    /// What it is called on.
    pub noun: Noun,
    /// Its name.
    pub name: &'static str,
    /// What it takes: an object with these names.
    pub arguments: &'static [Argument],
    /// What it does and what it answers, in a few lines.
    pub doc: &'static str,
}

/// An argument of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it is: `text`, `integer`, `number`, `boolean`, `milliseconds`, `nanoseconds`, `base64`, or an object's name.
    pub kind: &'static str,
    /// Whether it may be absent or `null`.
    pub is_optional: bool,
}

/// What a verb may be given.
pub(crate) trait Kind {
    const NAME: &'static str;
    const IS_OPTIONAL: bool = false;
}

macro_rules! kinds {
    ($($type:ty = $name:literal;)*) => {
        $(impl Kind for $type {
            const NAME: &'static str = $name;
        })*
    };
}

kinds! {
    String = "text";
    u64 = "integer";
    u32 = "integer";
    usize = "integer";
    f64 = "number";
    bool = "boolean";
    Milliseconds = "milliseconds";
    Nanoseconds = "nanoseconds";
    Bytes = "base64";
    queue::Letters = "letters";
    hub::Missed = "missed";
    crate::message::Message = "message";
}

impl<T: Kind> Kind for Option<T> {
    const NAME: &'static str = T::NAME;
    const IS_OPTIONAL: bool = true;
}

/// A verb, and how it is done on an open `T`.
pub(crate) struct Entry<T: 'static> {
    pub(crate) verb: Verb,
    pub(crate) call: fn(&T, &str) -> Result<Value>,
}

/// Declares the table of the verbs of a noun. Each names its arguments, and returns its answer.
macro_rules! table {
    ($noun:ident on $type:ty; $(
        $(#[doc = $doc:literal])*
        fn $name:ident($handle:ident $(, $argument:ident: $kind:ty)*) $body:block
    )*) => {
        pub(crate) const VERBS: &[$crate::verb::Entry<$type>] = &[$($crate::verb::Entry {
            verb: $crate::verb::Verb {
                noun: $crate::verb::Noun::$noun,
                name: stringify!($name),
                arguments: &[$($crate::verb::Argument {
                    name: stringify!($argument),
                    kind: <$kind as $crate::verb::Kind>::NAME,
                    is_optional: <$kind as $crate::verb::Kind>::IS_OPTIONAL,
                }),*],
                doc: concat!($($doc, "\n"),*),
            },
            call: {
                fn call($handle: &$type, text: &str) -> ringmain::Result<serde_json::Value> {
                    #[derive(serde::Deserialize)]
                    #[serde(deny_unknown_fields)]
                    struct Arguments { $($argument: $kind),* }
                    let what = concat!("arguments of ", stringify!($name));
                    let Arguments { $($argument),* } = $crate::json::parse(what, text)?;
                    $body
                }
                call
            },
        }),*];
    };
}
pub(crate) use table;

/// Every verb there is, by what it is called on.
///
/// ```
/// let cancel = ringmain_surface::verbs().iter().find(|verb| verb.name == "cancel").unwrap();
/// assert_eq!((cancel.arguments[0].name, cancel.arguments[0].kind), ("id", "integer"));
/// ```
pub fn verbs() -> &'static [Verb] {
    fn of<T>(entries: &'static [Entry<T>]) -> impl Iterator<Item = Verb> {
        entries.iter().map(|entry| entry.verb)
    }
    static VERBS: LazyLock<Vec<Verb>> = LazyLock::new(|| {
        let nouns = of(directory::VERBS).chain(of(hub::VERBS));
        nouns.chain(of(queue::VERBS)).chain(of(stream::VERBS)).collect()
    });
    &VERBS
}

/// Does the verb of that name.
pub(crate) fn call<T>(entries: &[Entry<T>], handle: &T, verb: &str, arguments: &str) -> Result<String> {
    let Some(entry) = entries.iter().find(|entry| entry.verb.name == verb) else {
        let advice = "; verbs() tells which there are";
        return Err(Error::NotFound { noun: "verb", name: verb.chars().take(128).collect(), advice });
    };
    (entry.call)(handle, arguments).map(|answer| answer.to_string())
}
