//! The suite `log`: the durable log against logs, stores and the disk.

mod hub;
mod logs;

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = ringmain_rivals::harness::main(ringmain_rivals::log::SUITE, |quick| {
        ringmain_rivals::log::experiments(logs::peer(), logs::alone(), quick)
    });
    ringmain_rivals::log::scratch::sweep();
    code
}
