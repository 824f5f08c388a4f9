//! What `./x` runs. One module per verb; `cargo xtask help` lists them.

#![deny(clippy::print_stdout)]

#[macro_use]
mod show;

mod bench;
mod c;
mod check;
mod expect;
mod gate;
mod install;
mod package;
mod paths;
mod picture;
mod run;
mod shell;
mod table;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "x",
    bin_name = "./x",
    about = "Builds, runs and tests Ringmain in all its languages",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build everything, run the flights pipeline in four languages, check its totals, and measure throughput.
    Run(run::Arguments),
    /// Run every test in every language, lints and format included.
    Test(test::Arguments),
    /// Measure a suite against its rivals; results go to target/bench/SUITE.json and SUITE.svg.
    Bench(bench::Arguments),
    /// Check format, lints and generated files; quicker than the tests.
    Check,
    /// Install the C surface: headers, libraries, pkg-config and CMake files. DESTDIR is respected.
    Install(install::Arguments),
    /// Make what a release publishes (crate, wheel, npm packages, C archive), use each once, and say what it needs.
    Package(package::Arguments),
    /// Cut the power, kill processes, damage and fail disks; see that nothing is lost and that planted bugs are caught.
    Crash(gate::crash::Arguments),
    /// Run the models of the rings under loom and shuttle, and see them catch planted bugs.
    Loom(gate::loom::Arguments),
    /// Run the rings and the core's tests under ThreadSanitizer and AddressSanitizer, and see them catch planted bugs.
    San(gate::san::Arguments),
    /// Feed hostile bytes to everything that parses files, and see planted bugs found.
    Fuzz(gate::fuzz::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Test(arguments) => test::test(&arguments),
        Verb::Bench(arguments) => bench::bench(&arguments),
        Verb::Check => check::check(),
        Verb::Install(arguments) => install::install(&arguments),
        Verb::Package(arguments) => package::package(&arguments),
        Verb::Loom(arguments) => gate::loom::run(&arguments),
        Verb::Crash(arguments) => gate::crash::run(&arguments),
        Verb::San(arguments) => gate::san::run(&arguments),
        Verb::Fuzz(arguments) => gate::fuzz::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("x: {error:#}");
            ExitCode::FAILURE
        }
    }
}
