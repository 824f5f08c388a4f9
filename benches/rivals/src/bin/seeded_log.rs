//! The suite `seeded-log`: logs with planted faults, for the test that the workloads tell them.

use ringmain_rivals::harness::Suite;
use ringmain_rivals::log::{scratch, seeded};
use std::process::ExitCode;

fn main() -> ExitCode {
    let code = ringmain_rivals::harness::main(Suite::new("seeded-log"), seeded::experiments);
    scratch::sweep();
    code
}
