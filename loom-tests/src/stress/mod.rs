//! A stress test of every flavour and every way to send and receive, for the sanitizers: a plain program, because
//! a test harness has races of its own that ThreadSanitizer reports.
//!
//! `loom-tests list` prints the flavours; `loom-tests run FLAVOUR...` runs those, each way to a line of name, messages
//! and milliseconds. A message that is lost, doubled, damaged or overtaken panics. `MESSAGES` says how many messages.

mod audience;
mod exchange;

use crate::flavour::{Mpmc, Mpsc, Spsc, Unbounded};
use crate::task::keep;
use audience::{many_to_all, one_to_all};
use exchange::{many_to_many, many_to_one, one_to_one};
use std::process::ExitCode;

/// Messages of one exchange, unless `MESSAGES` says otherwise.
const MESSAGES: usize = 30_000;

/// A flavour, by its name and what is run of it.
type Stress = (&'static str, fn(usize));

const STRESSES: &[Stress] = &[
    ("spsc", |messages| one_to_one::<Spsc>("spsc", messages)),
    ("mpsc", |messages| {
        one_to_one::<Mpsc>("mpsc", messages);
        many_to_one::<Mpsc>("mpsc", messages);
    }),
    ("mpmc", |messages| {
        one_to_one::<Mpmc>("mpmc", messages);
        many_to_one::<Mpmc>("mpmc", messages);
        many_to_many::<Mpmc>("mpmc", messages);
    }),
    ("unbounded", |messages| {
        one_to_one::<Unbounded>("unbounded", messages);
        many_to_one::<Unbounded>("unbounded", messages);
        many_to_many::<Unbounded>("unbounded", messages);
    }),
    ("broadcast::bounded", one_to_all),
    ("broadcast::multi", many_to_all),
];

/// See the module's description.
pub fn main() -> ExitCode {
    // Asked once before there are threads: what the standard library does once is not built for ThreadSanitizer either.
    keep(());
    #[cfg(feature = "mutated")]
    crate::mutation::is("");
    // A thread that panics ends everything: nobody may be left to wait for it.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        hook(panic);
        std::process::exit(101);
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let messages = std::env::var("MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(MESSAGES);
    match arguments.split_first() {
        Some((verb, [])) if verb == "list" => STRESSES.iter().for_each(|(name, _)| println!("{name}")),
        Some((verb, names)) if verb == "run" => {
            for name in names {
                let Some((_, run)) = STRESSES.iter().find(|stress| stress.0 == name) else {
                    eprintln!("there is no flavour {name:?}; `list` names those there are");
                    return ExitCode::from(2);
                };
                run(messages);
            }
        }
        _ => {
            eprintln!("usage: loom-tests list | loom-tests run FLAVOUR...");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
