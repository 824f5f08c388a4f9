//! The suite `seeded`: rings with planted faults, for the test that the harness tells them.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringmain_rivals::harness::main("seeded", ringmain_rivals::rings::seeded::experiments)
}
