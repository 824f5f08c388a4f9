//! The suite `queue`: the task queue against queues in memory, in files and in SQLite.

mod hub;
mod queues;

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = ringmain_rivals::harness::main(ringmain_rivals::queue::SUITE, |quick| {
        ringmain_rivals::queue::experiments(queues::peer(), quick)
    });
    ringmain_rivals::log::scratch::sweep();
    code
}
