//! The suite `rings`: typed rings against channels and queues.

mod flavours;

use ringmain_rivals::harness::Suite;
use std::process::ExitCode;

/// Counts what a ring allocates; a load and a branch while it does not.
#[global_allocator]
static ALLOCATOR: ringmain_rivals::harness::Allocator = ringmain_rivals::harness::Allocator;

fn main() -> ExitCode {
    ringmain_rivals::harness::main(Suite::new("rings"), |_quick| {
        ringmain_rivals::rings::experiments(flavours::peers())
    })
}
