//! The program that libFuzzer drives: `TARGET=recovery fuzz CORPUS`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringmain_fuzz::targets::{self, Target};
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").unwrap_or_default();
    match targets::find(&name) {
        Some(run) => run,
        None => {
            eprintln!("TARGET is {name:?}; there are: {}", targets::names().join(", "));
            std::process::exit(2)
        }
    }
});

fuzz_target!(|bytes: &[u8]| (*TARGET)(bytes));
