//! Last of four: verifies what C, Python and Node left in a hub directory.

use ringmain::{Hub, Result, Start};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let Some(directory) = std::env::args().nth(1) else {
        eprintln!("usage: cross-language HUB_DIRECTORY");
        return ExitCode::from(2);
    };
    match verify(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("verify: {error}");
            ExitCode::FAILURE
        }
    }
}

fn verify(directory: &str) -> Result<()> {
    let hub = Hub::open(directory)?;
    let relay = hub.queue("relay").open()?;
    let stats = relay.stats()?;
    assert_eq!((stats.ready, stats.scheduled, stats.leased), (0, 0, 0), "everything is worked off");
    assert!(relay.try_receive()?.is_none());

    let letters = hub.queue("relay.dead").open()?.peek(0, 100)?;
    let values: Vec<String> =
        letters.iter().map(|l| String::from_utf8_lossy(l.value()).into_owned()).collect();
    assert_eq!(values, (20..25).map(|i| format!("task {i}")).collect::<Vec<_>>());
    for letter in &letters {
        assert_eq!(letter.header("rm-dead-reason"), Some(&b"rejected"[..]));
        assert_eq!(letter.header("rm-dead-error"), Some(&b"Python will not have it"[..]));
        assert_eq!(letter.header("from"), Some(&b"C"[..]));
        assert_eq!(
            (letter.header("rm-attempts"), letter.header("rm-failures")),
            (Some(&b"1"[..]), Some(&b"0"[..]))
        );
    }

    let log = hub.stream("log").partitions(4).open()?;
    let records = log.reader(Start::Earliest)?.collect::<Result<Vec<_>>>()?;
    assert_eq!(records.len(), 101);
    let last = records.iter().find(|record| record.value() == b"from Node").map(|record| record.partition());
    let third = records.iter().find(|record| record.key() == Some(b"key 3")).map(|record| record.partition());
    assert!(last.is_some() && last == third, "a key has the same partition in every language");
    let mut audit = log.group("audit").join()?;
    assert_eq!(audit.poll(1000, Duration::ZERO)?.len(), 1, "all but Node's record was committed by Python");
    Ok(())
}
