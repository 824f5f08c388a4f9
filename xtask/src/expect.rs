//! What the flights pipeline must find, counted from the input file alone.
//!
//! **Promise.** Nothing here uses Ringmain or the pipeline's own code: a total that both arrive at was not lost,
//! invented or counted twice on the way through streams, queues and four languages.
//!
//! A row counts if it has all columns, known numbers where numbers belong (or `NA`), a carrier and a time. What else
//! the file holds is skipped, as the pipeline must skip it.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

const COLUMNS: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,\
                       flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour";
const TEXT_COLUMNS: [&str; 5] = ["carrier", "tailnum", "origin", "dest", "time_hour"];
/// Longer lines are no rows.
const LINE_BYTES_MAX: usize = 4096;
/// A departure delay from which a flight becomes a task.
const TASK_DELAY_MINUTES: f64 = 60.0;

/// The totals of one file.
#[derive(Debug, Default, PartialEq)]
pub struct Expected {
    /// Lines after the first, blank ones left out.
    pub rows: u64,
    /// Rows that parse.
    pub records: u64,
    /// Rows that do not.
    pub skipped: u64,
    /// Flights that left at least an hour late.
    pub tasks: u64,
    /// Tasks without an arrival delay.
    pub dead: u64,
    /// By carrier.
    pub carriers: BTreeMap<String, Carrier>,
}

/// The totals of one carrier.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
pub struct Carrier {
    /// Flights that left: those with a departure delay.
    pub departures: u64,
    /// Flights that did not.
    pub cancellations: u64,
    /// Minutes late at departure, all flights together; early ones count below zero.
    pub delay_minutes_sum: f64,
}

impl Expected {
    /// Flights that left.
    pub fn departures(&self) -> u64 {
        self.carriers.values().map(|carrier| carrier.departures).sum()
    }

    /// Flights that did not leave.
    pub fn cancellations(&self) -> u64 {
        self.carriers.values().map(|carrier| carrier.cancellations).sum()
    }
}

/// Counts a file, plain or gzipped.
///
/// # Errors
///
/// The file cannot be read, or its first line does not name the columns.
pub fn count(path: &Path) -> Result<Expected> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut first_bytes = Vec::new();
    (&mut file).take(2).read_to_end(&mut first_bytes).with_context(|| format!("cannot read {shown}"))?;
    file.rewind().with_context(|| format!("cannot read {shown}"))?;
    let counted = match first_bytes.as_slice() {
        [0x1f, 0x8b] => count_lines(BufReader::new(flate2::read::MultiGzDecoder::new(file))),
        _ => count_lines(BufReader::new(file)),
    };
    counted.with_context(|| format!("cannot count {shown}"))
}

fn count_lines(reader: impl BufRead) -> Result<Expected> {
    let mut lines = reader.split(b'\n');
    let header = lines.next().transpose()?.unwrap_or_default();
    let header = String::from_utf8_lossy(&header);
    let names = header.trim_start_matches('\u{feff}').trim_end_matches('\r').replace('"', "");
    ensure!(names == COLUMNS, "its first line is not {COLUMNS}");

    let mut expected = Expected::default();
    for line in lines {
        let mut line = line?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        expected.rows += 1;
        match row(&line) {
            Some(row) => expected.add(&row),
            None => expected.skipped += 1,
        }
    }
    Ok(expected)
}

impl Expected {
    fn add(&mut self, row: &BTreeMap<&str, String>) {
        let number = |column: &str| row.get(column).and_then(|field| field.parse::<f64>().ok());
        self.records += 1;
        let carrier = self.carriers.entry(row.get("carrier").cloned().unwrap_or_default()).or_default();
        let Some(delay) = number("dep_delay") else {
            carrier.cancellations += 1;
            return;
        };
        carrier.departures += 1;
        carrier.delay_minutes_sum += delay;
        if delay >= TASK_DELAY_MINUTES {
            self.tasks += 1;
            self.dead += u64::from(number("arr_delay").is_none());
        }
    }
}

/// One line by column, if it is a row. Each line is read by itself, so that an unpaired quote spoils only its own.
fn row(line: &[u8]) -> Option<BTreeMap<&'static str, String>> {
    if line.len() > LINE_BYTES_MAX {
        return None;
    }
    let mut record = csv::StringRecord::new();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(line);
    if !reader.read_record(&mut record).ok()? || record.len() != COLUMNS.split(',').count() {
        return None;
    }
    let row: BTreeMap<_, _> = COLUMNS.split(',').zip(record.iter().map(str::to_owned)).collect();
    let well_formed = row.iter().all(|(column, field)| match *column {
        "carrier" => !field.is_empty() && field != "NA",
        "time_hour" => is_time(field),
        column if TEXT_COLUMNS.contains(&column) => true,
        _ => field == "NA" || field.parse().is_ok_and(f64::is_finite),
    });
    well_formed.then_some(row)
}

/// Whether a text is a time of the form `2013-01-31T10:00:00Z` that the calendar knows.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape != "0000-00-00T00:00:00Z" {
        return false;
    }
    let parts: Vec<u32> =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = parts[..] else { return false };
    let days = match month {
        2 if year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1970..=2553).contains(&year) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn flight(dep_time: &str, dep_delay: &str, arr_delay: &str, carrier: &str) -> String {
        format!(
            "2013,1,1,{dep_time},515,{dep_delay},830,819,{arr_delay},{carrier},1545,N14228,EWR,IAH,227,1400,5,15,\
             2013-01-01T10:00:00Z\n"
        )
    }

    fn counted(rows: &str) -> Expected {
        count_lines(format!("{COLUMNS}\n{rows}").as_bytes()).unwrap()
    }

    #[test]
    fn departures_cancellations_delays_tasks_and_dead_are_told_apart() {
        let rows = [
            flight("517", "-2", "11", "UA"),
            flight("517", "60", "50", "UA"),
            flight("517", "59", "NA", "UA"),
            flight("517", "61", "NA", "AA"),
            flight("NA", "NA", "NA", "AA"),
        ];
        let expected = counted(&rows.concat());
        assert_eq!((expected.rows, expected.records, expected.skipped), (5, 5, 0));
        assert_eq!((expected.tasks, expected.dead), (2, 1));
        assert_eq!((expected.departures(), expected.cancellations()), (4, 1));
        let ua = Carrier { departures: 3, cancellations: 0, delay_minutes_sum: 117.0 };
        let aa = Carrier { departures: 1, cancellations: 1, delay_minutes_sum: 61.0 };
        assert_eq!(expected.carriers, BTreeMap::from([("AA".into(), aa), ("UA".into(), ua)]));
    }

    #[test]
    fn rows_that_do_not_parse_are_counted_and_the_rest_goes_on() {
        let good = flight("517", "2", "11", "UA");
        let bad = [
            "nonsense\n".to_owned(),
            good.replace("517", "soon"),
            good.replace(",2,", ",,"),
            good.replace(",2,", ",inf,"),
            good.replace("UA", "NA"),
            good.replace("UA", "\"UA"),
            good.replace("01-01T", "02-29T"),
            good.replace("UA", &"U".repeat(5000)),
            good.replace("IAH,", ""),
        ];
        let expected = counted(&format!("{good}{}\r\n\n{good}", bad.concat()));
        assert_eq!((expected.rows, expected.records, expected.skipped), (11, 2, 9));
    }

    #[test]
    fn bytes_that_are_not_text_are_a_bad_row_and_no_error() {
        let mut file = format!("{COLUMNS}\n").into_bytes();
        file.extend_from_slice(b"\xff\xfe,,,\n");
        file.extend_from_slice(flight("517", "2", "11", "UA").as_bytes());
        let expected = count_lines(file.as_slice()).unwrap();
        assert_eq!((expected.records, expected.skipped), (1, 1));
    }

    #[test]
    fn gzip_and_plain_text_are_counted_alike_whatever_the_name() {
        let text = format!("{COLUMNS}\r\n{}", flight("517", "2", "11", "\"UA\""));
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain.gz");
        std::fs::write(&plain, &text).unwrap();
        let packed = directory.path().join("packed.csv");
        let mut gzip =
            flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap();
        let expected = count(&packed).unwrap();
        assert_eq!((expected.records, expected.carriers.len()), (1, 1));
        assert_eq!(expected, count(&plain).unwrap());
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        assert!(count_lines("a,b\n1,2\n".as_bytes()).is_err());
        assert!(count_lines("".as_bytes()).is_err());
    }

    #[test]
    fn the_month_that_comes_with_the_repository_has_the_known_totals() {
        let expected = count(&crate::run::default_input()).unwrap();
        assert_eq!((expected.rows, expected.skipped, expected.carriers.len()), (27_004, 0, 16));
        assert_eq!((expected.tasks, expected.dead, expected.cancellations()), (1852, 13, 521));
    }

    #[test]
    fn bad_rows_are_told_from_unusual_ones_as_the_pipeline_does() {
        let expected = count(&crate::paths::root().join("examples/data/bad-rows.csv")).unwrap();
        assert_eq!((expected.rows, expected.records, expected.skipped), (35, 12, 23));
        assert_eq!((expected.tasks, expected.dead), (2, 1));
    }
}
