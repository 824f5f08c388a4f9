//! Step 1 of the flights pipeline: every row of a file of departures becomes a record of the stream `flights`.
//!
//! The key is the tail number, so that the flights of one aircraft stay in order; the value is the row as JSON; the
//! header `carrier` lets later steps count without parsing; the event time is the scheduled hour. A row that does
//! not parse is reported with its line number and left out.

mod input;
mod row;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use input::{Line, Lines};
use ringmain::{Hub, Message, Stream};
use row::Row;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Records appended with one call: large enough to share a sync, small enough to stay far below the batch limits.
const BATCH_RECORDS: usize = 1024;
/// Bad rows reported one by one; the rest are only counted, so that a file of something else does not fill a disk.
const REPORTED_ROWS_MAX: u64 = 100;

/// Append the rows of a CSV file of departures (plain or gzip) to the stream `flights` of a hub.
#[derive(Parser)]
struct Arguments {
    /// Directory of the hub; made if it does not exist.
    hub: PathBuf,
    /// The file of departures.
    #[arg(long)]
    input: PathBuf,
}

/// What the step did, printed as one line of JSON.
#[derive(serde::Serialize)]
struct Report {
    step: &'static str,
    rows: u64,
    records: u64,
    skipped: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = ingest(&arguments.hub, &arguments.input).and_then(|report| {
        let line = serde_json::to_string(&report)?;
        Ok((report, line))
    });
    match done {
        Ok((report, line)) => {
            eprintln!(
                "rust: {} rows, {} records appended to the stream flights, {} skipped, {:.2} s",
                report.rows, report.records, report.skipped, report.seconds
            );
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("flights: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn ingest(hub: &Path, input: &Path) -> Result<Report> {
    let shown = input.display();
    let file = File::open(input).with_context(|| format!("cannot open {shown}"))?;
    let bytes = file.metadata().with_context(|| format!("cannot look at {shown}"))?.len();
    let progress = progress_bar(bytes);
    let started = Instant::now();
    let mut lines = Lines::new(progress.wrap_read(file)).with_context(|| format!("cannot read {shown}"))?;
    row::check_header(lines.next_line().with_context(|| format!("cannot read {shown}"))?.as_ref())
        .with_context(|| format!("{shown} is not a file of departures"))?;

    let hub = Hub::open(hub)?;
    let stream = hub.stream("flights").partitions(4).open()?;
    let mut report = Report { step: "rust", rows: 0, records: 0, skipped: 0, seconds: 0.0 };
    let mut batch = Vec::with_capacity(BATCH_RECORDS);
    while let Some(line) = lines.next_line().with_context(|| format!("cannot read {shown}"))? {
        if line.is_blank() {
            continue;
        }
        report.rows += 1;
        match Row::parse(&line) {
            Ok(row) => batch.push(row),
            Err(problem) => {
                report.skipped += 1;
                progress.suspend(|| report_bad_row(&line, &problem, report.skipped));
            }
        }
        if batch.len() == BATCH_RECORDS {
            report.records += append(&stream, &mut batch)?;
        }
    }
    report.records += append(&stream, &mut batch)?;
    hub.close(Duration::from_secs(30))?;
    progress.finish_and_clear();
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Appends the batch and empties it. Returns how many records that were, once they are on disk.
fn append(stream: &Stream, batch: &mut Vec<Row>) -> Result<u64> {
    let messages: Vec<Message<'_>> = batch
        .iter()
        .map(|row| {
            let message = Message::new(&row.json).header("carrier", &row.carrier).event_time(row.time_ns);
            match &row.tail_number {
                Some(tail_number) => message.key(tail_number),
                None => message,
            }
        })
        .collect();
    let count = stream.append_batch(&messages)?.len() as u64;
    batch.clear();
    Ok(count)
}

fn report_bad_row(line: &Line, problem: &str, skipped: u64) {
    if skipped <= REPORTED_ROWS_MAX {
        eprintln!("flights: line {}: skipped: {problem}", line.number);
    } else if skipped == REPORTED_ROWS_MAX + 1 {
        eprintln!("flights: line {}: skipped, too; further ones are only counted", line.number);
    }
}

/// A bar over the bytes of the file. Draws nothing when standard error is not a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_rows_are_told_from_unusual_ones() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/bad-rows.csv");
        let mut lines = Lines::new(File::open(path).unwrap()).unwrap();
        row::check_header(lines.next_line().unwrap().as_ref()).unwrap();
        let rows = std::iter::from_fn(|| lines.next_line().unwrap()).filter(|line| !line.is_blank());
        let (good, bad): (Vec<_>, Vec<_>) = rows.map(|line| Row::parse(&line)).partition(Result::is_ok);
        assert_eq!((good.len(), bad.len()), (12, 23), "{bad:?}");
    }

    #[test]
    fn a_missing_file_is_named_and_nothing_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let hub = directory.path().join("hub");
        let error = ingest(&hub, &directory.path().join("nowhere.csv")).err().unwrap();
        assert!(format!("{error:#}").contains("nowhere.csv"));
        assert!(!hub.exists());
    }

    #[test]
    fn a_file_of_something_else_is_refused_before_the_hub_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let input = directory.path().join("other.csv");
        std::fs::write(&input, "a,b\n1,2\n").unwrap();
        let hub = directory.path().join("hub");
        let error = ingest(&hub, &input).err().unwrap();
        assert!(format!("{error:#}").contains("year"), "{error:#}");
        assert!(!hub.exists());
    }
}
