//! One row of a file of departures: checked, and turned into what a record needs.

use crate::input::{LINE_BYTES_MAX, Line};
use anyhow::{Result, bail};
use serde::Serializer;
use serde_json::Number;

/// The columns, in order. `true` where the column holds numbers.
const COLUMNS: [(&str, bool); 19] = [
    ("year", true),
    ("month", true),
    ("day", true),
    ("dep_time", true),
    ("sched_dep_time", true),
    ("dep_delay", true),
    ("arr_time", true),
    ("sched_arr_time", true),
    ("arr_delay", true),
    ("carrier", false),
    ("flight", true),
    ("tailnum", false),
    ("origin", false),
    ("dest", false),
    ("air_time", true),
    ("distance", true),
    ("hour", true),
    ("minute", true),
    ("time_hour", false),
];
const CARRIER: usize = 9;
const TAIL_NUMBER: usize = 11;
const TIME_HOUR: usize = 18;
/// How the files write what is not known.
const NOT_KNOWN: &str = "NA";

/// What a record needs from a row.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// The row as a JSON object, in the order of the columns.
    pub json: Vec<u8>,
    /// The carrier's code.
    pub carrier: String,
    /// The aircraft, if known.
    pub tail_number: Option<String>,
    /// The scheduled hour in nanoseconds since 1970.
    pub time_ns: u64,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(Number),
    Text(&'a str),
    NotKnown(()),
}

/// Checks that a file's first line names the columns.
///
/// # Errors
///
/// The first column that is not where it should be.
pub fn check_header(line: Option<&Line>) -> Result<()> {
    let Some(line) = line else { bail!("it is empty") };
    let bytes = line.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line.bytes);
    let names = std::str::from_utf8(bytes).ok().and_then(|text| fields(text).ok()).unwrap_or_default();
    for (index, (column, _)) in COLUMNS.iter().enumerate() {
        if names.get(index).map(String::as_str) != Some(*column) {
            bail!("its first line must name {} columns, {column:?} as number {}", COLUMNS.len(), index + 1);
        }
    }
    if names.len() > COLUMNS.len() {
        bail!("its first line names {} columns, {} are known", names.len(), COLUMNS.len());
    }
    Ok(())
}

impl Row {
    /// Parses one line.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person to read.
    pub fn parse(line: &Line) -> Result<Self, String> {
        if line.bytes.len() > LINE_BYTES_MAX {
            return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
        }
        let text = std::str::from_utf8(&line.bytes).map_err(|_| "not UTF-8".to_owned())?;
        let fields = fields(text)?;
        if fields.len() != COLUMNS.len() {
            return Err(format!("{} fields where there are {} columns", fields.len(), COLUMNS.len()));
        }
        let mut values = Vec::with_capacity(COLUMNS.len());
        for ((column, numeric), field) in COLUMNS.iter().zip(&fields) {
            values.push((column, value(column, *numeric, field)?));
        }
        let [carrier, tail_number, time_hour] = [CARRIER, TAIL_NUMBER, TIME_HOUR].map(|index| &fields[index]);
        if carrier.is_empty() || carrier == NOT_KNOWN {
            return Err("carrier is not known".to_owned());
        }
        let time_ns = utc_ns(time_hour)
            .ok_or_else(|| format!("time_hour is {time_hour:?}, not a time like 2013-01-31T10:00:00Z"))?;
        let mut json = Vec::with_capacity(384);
        serde_json::Serializer::new(&mut json).collect_map(values).map_err(|error| error.to_string())?;
        let tail_number = (tail_number != NOT_KNOWN).then(|| tail_number.clone());
        Ok(Self { json, carrier: carrier.clone(), tail_number, time_ns })
    }
}

/// Splits one line. Each line is a row of its own: an unpaired quote spoils its line and no other.
fn fields(text: &str) -> Result<Vec<String>, String> {
    if !text.contains('"') {
        return Ok(text.split(',').map(str::to_owned).collect());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(text.as_bytes());
    match reader.records().next() {
        Some(Ok(record)) => Ok(record.iter().map(str::to_owned).collect()),
        Some(Err(error)) => Err(error.to_string()),
        None => Ok(Vec::new()),
    }
}

fn value<'a>(column: &str, numeric: bool, field: &'a str) -> Result<Value<'a>, String> {
    if field == NOT_KNOWN {
        return Ok(Value::NotKnown(()));
    }
    if !numeric {
        return Ok(Value::Text(field));
    }
    let number = match field.parse::<i64>() {
        Ok(whole) => Some(Number::from(whole)),
        Err(_) => field.parse().ok().and_then(Number::from_f64),
    };
    number
        .map(Value::Number)
        .ok_or_else(|| format!("{column} is {field:?}, neither a number nor {NOT_KNOWN}"))
}

/// Nanoseconds since 1970 of a time written exactly as `YYYY-MM-DDThh:mm:ssZ`, from 1970 to 2553.
fn utc_ns(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if bytes.len() != 20 || marks.iter().any(|(index, mark)| bytes[*index] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let month_days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_in_month = *month_days.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if !(1970..2554).contains(&year) || !(1..=days_in_month).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Leap days before this year, counted from year 1, less those before 1970.
    let past = year - 1;
    let leap_days = past / 4 - past / 100 + past / 400 - 477;
    let days_before: u64 = month_days.iter().take(month as usize - 1).sum();
    let days = (year - 1970) * 365 + leap_days + days_before + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z";

    fn parse(text: &str) -> Result<Row, String> {
        Row::parse(&Line { number: 2, bytes: text.as_bytes().to_vec() })
    }

    #[test]
    fn a_row_becomes_json_with_numbers_strings_and_nulls_in_the_order_of_the_columns() {
        let row = parse(&GOOD.replace("830", "NA").replace(",11,", ",-1.5,")).unwrap();
        assert_eq!(
            String::from_utf8(row.json).unwrap(),
            concat!(
                r#"{"year":2013,"month":1,"day":1,"dep_time":517,"sched_dep_time":515,"dep_delay":2,"#,
                r#""arr_time":null,"sched_arr_time":819,"arr_delay":-1.5,"carrier":"UA","flight":1545,"#,
                r#""tailnum":"N14228","origin":"EWR","dest":"IAH","air_time":227,"distance":1400,"hour":5,"#,
                r#""minute":15,"time_hour":"2013-01-01T10:00:00Z"}"#
            )
        );
        assert_eq!((row.carrier.as_str(), row.tail_number.as_deref()), ("UA", Some("N14228")));
        assert_eq!(row.time_ns, 1_357_034_400_000_000_000);
    }

    #[test]
    fn an_unknown_tail_number_gives_no_key() {
        assert_eq!(parse(&GOOD.replace("N14228", "NA")).unwrap().tail_number, None);
    }

    #[test]
    fn quoted_fields_are_read_as_if_they_were_not() {
        assert_eq!(parse(&GOOD.replace("UA", "\"UA\"")).unwrap(), parse(GOOD).unwrap());
    }

    #[test]
    fn a_row_that_does_not_parse_says_which_field_is_wrong() {
        for (bad, said) in [
            ("nonsense".to_owned(), "1 fields"),
            (GOOD.replace("517", "soon"), "dep_time"),
            (GOOD.replace(",11,", ",,"), "arr_delay"),
            (GOOD.replace(",11,", ",nan,"), "arr_delay"),
            (GOOD.replace("UA", "NA"), "carrier"),
            (GOOD.replace("T10", " 10"), "time_hour"),
            (GOOD.replace("01-01T", "02-29T"), "time_hour"),
            (GOOD.replace("UA", "\"UA"), "fields"),
            (GOOD.replace("UA", &"U".repeat(5000)), "4096"),
        ] {
            let problem = parse(&bad).unwrap_err();
            assert!(problem.contains(said), "{bad}: {problem}");
        }
    }

    #[test]
    fn event_times_agree_with_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1972-02-29T23:59:59Z", 68_255_999),
            ("1972-03-01T00:00:00Z", 68_256_000),
            ("2000-12-31T00:00:00Z", 978_220_800),
            ("2013-01-01T10:00:00Z", 1_357_034_400),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(utc_ns(text), Some(seconds * 1_000_000_000), "{text}");
        }
    }

    #[test]
    fn a_header_with_another_column_is_refused_by_name() {
        let header = COLUMNS.map(|(name, _)| name).join(",");
        let check = |text: &str| check_header(Some(&Line { number: 1, bytes: text.as_bytes().to_vec() }));
        assert!(check(&header).is_ok());
        assert!(check(&format!("\u{feff}{header}")).is_ok());
        assert!(check(&header.replace("dest", "to")).unwrap_err().to_string().contains("\"dest\""));
        assert!(check(&format!("{header},more")).is_err());
        assert!(check_header(None).is_err());
    }
}
