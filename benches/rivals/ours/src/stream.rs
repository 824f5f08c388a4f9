//! The suite `stream`: event streams against logs, stores and rings whose readers read everything.

mod hub;
mod streams;

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = ringmain_rivals::harness::main(ringmain_rivals::stream::SUITE, |quick| {
        ringmain_rivals::stream::experiments(streams::peer(), streams::compacted, quick)
    });
    ringmain_rivals::log::scratch::sweep();
    code
}
