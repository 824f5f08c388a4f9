//! A suite that is killed leaves nothing on the disk. In a program of its own, as a suite that ends in good order removes what others
//! left.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long something that happens soon may take on a machine that is busy.
const SOON: Duration = Duration::from_secs(60);

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < SOON, "waited in vain until {what}");
        thread::yield_now();
    }
}

#[test]
fn a_suite_that_is_killed_leaves_nothing() {
    let program = env!("CARGO_BIN_EXE_seeded_stream");
    let mut suite = Command::new(program)
        .args(["--cell", "partitioning", "--peer", "sound", "--rounds", "100000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let target = Path::new(program).ancestors().nth(2).unwrap();
    let mine = target.join("bench/scratch").join(suite.id().to_string());
    wait_until("it has something on the disk", || mine.exists());
    suite.kill().unwrap();
    suite.wait().unwrap();
    wait_until("that is gone", || !mine.exists());
}
