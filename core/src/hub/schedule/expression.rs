//! Reading an expression: five or six fields, `@hourly` and its like, or `@every` and a time.

use crate::error::{Error, Result};
use crate::hub::schedule::calendar::Calendar;
use crate::hub::schedule::field::{Field, KINDS, number};
use crate::limits::{CRON_BYTES_MAX, TIME_ZONE_BYTES_MAX};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::OnceLock;

/// Short names of expressions.
const NAMED: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const EVERY: &str = "@every";
/// Longest time of `@every` in seconds.
const EVERY_SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
const UNITS: [(char, u64); 4] = [('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];

/// What an expression says.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Cron(Calendar),
    /// So many seconds.
    Every(u64),
}

impl Expression {
    /// # Errors
    /// `InvalidArgument` saying where it is wrong and what is allowed there; `TooLarge`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.len() > CRON_BYTES_MAX {
            let (bytes, limit_bytes) = (text.len() as u64, CRON_BYTES_MAX as u64);
            return Err(Error::TooLarge { what: "cron expression", bytes, limit_bytes });
        }
        let refused = |at: usize, what: String| {
            let character = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
            Error::invalid("cron", format!("{what}; at character {character} of {text:?}"))
        };
        if let Some(name) = text.trim().strip_prefix('@') {
            let name = format!("@{name}");
            if let Some(time) = name.strip_prefix(EVERY) {
                return every(time.trim()).map(Self::Every).map_err(|what| refused(0, what));
            }
            let named = NAMED.iter().find(|(known, _)| *known == name);
            return named.map_or_else(
                || {
                    let known = NAMED.map(|(known, _)| known).join(", ");
                    Err(refused(0, format!("{name:?} is none of {known}, {EVERY} TIME")))
                },
                |(_, fields)| Self::parse(fields),
            );
        }
        Self::parse_fields(text, refused)
    }

    fn parse_fields(text: &str, refused: impl Fn(usize, String) -> Error) -> Result<Self> {
        let words: Vec<(usize, &str)> = text
            .split_ascii_whitespace()
            .map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
            .collect();
        let kinds = match words.len() {
            5 => KINDS.get(1..).unwrap_or_default(),
            6 => &KINDS[..],
            count => {
                let what = format!(
                    "{count} fields; 5 (minute, hour, day of month, month, weekday) or 6 (a second before them) are allowed"
                );
                return Err(refused(0, what));
            }
        };
        let mut fields = Vec::with_capacity(KINDS.len());
        for (kind, (at, word)) in kinds.iter().zip(&words) {
            let field = Field::parse(kind, word).map_err(|(within, what)| refused(at + within, what))?;
            fields.push(field);
        }
        if let [first, ..] = &KINDS
            && fields.len() == 5
        {
            let zero = Field::parse(first, "0").map_err(|(_, what)| refused(0, what))?;
            fields.insert(0, zero);
        }
        let &[second, minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(refused(0, "not five or six fields".into()));
        };
        let calendar = Calendar { second, minute, hour, day, month, weekday };
        if calendar.first_from(&TimeZone::UTC, 0).is_none() {
            return Err(refused(0, "no month has such a day: it would never fire".into()));
        }
        Ok(Self::Cron(calendar))
    }
}

/// Reads a time like `90s` or `1h30m`.
fn every(text: &str) -> Result<u64, String> {
    let allowed = || {
        format!(
            "{text:?} is no time for {EVERY}: numbers with d, h, m or s are allowed, 1s to ten years; for instance 1h30m"
        )
    };
    let (mut seconds, mut digits) = (0_u64, String::new());
    for character in text.chars() {
        match UNITS.iter().find(|(unit, _)| *unit == character) {
            Some((_, unit_seconds)) => {
                let count = number(&digits).ok_or_else(allowed)?;
                let more = u64::from(count).saturating_mul(*unit_seconds);
                seconds = seconds.saturating_add(more);
                digits.clear();
            }
            None => digits.push(character),
        }
    }
    if !digits.is_empty() || !(1..=EVERY_SECONDS_MAX).contains(&seconds) {
        return Err(allowed());
    }
    Ok(seconds)
}

/// The zone of an IANA name, from the table in this library: the same on every machine.
///
/// # Errors
/// `InvalidArgument`.
pub(super) fn zone(name: &str) -> Result<TimeZone> {
    static TABLE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let found = if name.len() <= TIME_ZONE_BYTES_MAX {
        TABLE.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
    } else {
        None
    };
    found.ok_or_else(|| {
        let shown: String = name.chars().take(TIME_ZONE_BYTES_MAX).collect();
        Error::invalid(
            "time_zone",
            format!("{shown:?} is no IANA name; for instance \"Europe/Berlin\" or \"UTC\""),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(expression: &str) -> String {
        Expression::parse(expression).unwrap_err().to_string()
    }

    #[test]
    fn an_expression_that_is_wrong_is_refused_with_the_place_and_what_is_allowed() {
        for (expression, words) in [
            ("", "0 fields; 5"),
            ("* * * *", "4 fields"),
            ("0 0 0 1 1 * 2026", "7 fields"),
            ("61 * * * *", "minute \"61\": 0 to 59 are allowed; at character 1 of"),
            ("0 0  1,32 * *", "day of month \"32\": 1 to 31 are allowed; at character 8 of"),
            ("0 0 * * MON-ÖST", "weekday \"ÖST\""),
            ("0 0 30 2 *", "never"),
            ("@reboot", "@hourly"),
            ("@every", "1h30m"),
            ("@every 5", "\"5\""),
            ("@every 0s", "1s to ten years"),
            ("@every 1.5h", "1.5h"),
            ("@every 99999d", "ten years"),
            ("@every -5s", "-5s"),
        ] {
            assert!(refused(expression).contains(words), "{expression}: {}", refused(expression));
        }
        assert!(refused(&"*".repeat(CRON_BYTES_MAX + 1)).contains("256"));
        assert!(zone("Berlin").unwrap_err().to_string().contains("Europe/Berlin"));
        assert!(zone(&"x".repeat(1 << 20)).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn every_takes_what_adds_up() {
        for (text, seconds) in [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1m1m", 120)] {
            let expression = Expression::parse(&format!("@every {text}")).unwrap();
            assert!(
                matches!(expression, Expression::Every(found) if found == seconds),
                "{text}: {expression:?}"
            );
        }
    }

    #[test]
    fn a_zone_is_found_without_any_table_of_the_system() {
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            zone(name).unwrap();
        }
    }
}
