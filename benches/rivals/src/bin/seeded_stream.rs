//! The suite `seeded-stream`: streams with planted faults, for the test that the workloads tell them.

use ringmain_rivals::harness::Suite;
use ringmain_rivals::log::scratch;
use ringmain_rivals::stream::seeded;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    // A lost record is missed after some patience.
    let limit_quick = Duration::from_secs(20);
    let suite = Suite { limit_quick, begin: scratch::guard, ..Suite::new("seeded-stream") };
    let code = ringmain_rivals::harness::main(suite, seeded::experiments);
    scratch::sweep();
    code
}
