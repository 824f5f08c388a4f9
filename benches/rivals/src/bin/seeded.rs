//! The suite `seeded`: rings with planted faults, for the test that the harness tells them.

use ringmain_rivals::harness::Suite;
use std::process::ExitCode;

fn main() -> ExitCode {
    ringmain_rivals::harness::main(Suite::new("seeded"), |_quick| {
        ringmain_rivals::rings::seeded::experiments()
    })
}
