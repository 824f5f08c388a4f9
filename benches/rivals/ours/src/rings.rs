//! The suite `rings`: typed rings against channels and queues.

mod flavours;

use std::process::ExitCode;

/// Counts what a ring allocates; a load and a branch while it does not.
#[global_allocator]
static ALLOCATOR: ringmain_rivals::harness::Allocator = ringmain_rivals::harness::Allocator;

fn main() -> ExitCode {
    ringmain_rivals::harness::main("rings", || ringmain_rivals::rings::experiments(flavours::peers()))
}
