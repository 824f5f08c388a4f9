//! One field of a cron expression: the set of values that it allows.

/// What a field may hold.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    first: u8,
    last: u8,
    /// Names of the values from `first` on.
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The fields in their order. Sunday is 0, and 7 as well.
pub(super) const KINDS: [Kind; 6] = [
    Kind { name: "second", first: 0, last: 59, names: &[] },
    Kind { name: "minute", first: 0, last: 59, names: &[] },
    Kind { name: "hour", first: 0, last: 23, names: &[] },
    Kind { name: "day of month", first: 1, last: 31, names: &[] },
    Kind { name: "month", first: 1, last: 12, names: &MONTHS },
    Kind { name: "weekday", first: 0, last: 7, names: &WEEKDAYS },
];

/// A set of values below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// It begins with a star.
    pub(super) is_star: bool,
}

impl Kind {
    fn allowed(&self) -> String {
        let names = match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!("{} to {}{names} are allowed", self.first, self.last)
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => Some(self.first + index as u8),
            None => number(text).and_then(|number| u8::try_from(number).ok()),
        };
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| {
            let found = if text.is_empty() { "nothing".to_owned() } else { format!("{text:?}") };
            format!("{} {found}: {}", self.name, self.allowed())
        })
    }
}

/// Digits only: the number parsers of the language take a sign.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Field {
    /// Reads `*`, `5`, `1-5`, `*/10`, `20-40/5`, `20/5`, or several with commas. What is wrong comes with its byte in the text.
    pub(super) fn parse(kind: &Kind, text: &str) -> Result<Self, (usize, String)> {
        let mut field = Self { bits: 0, is_star: text.starts_with('*') };
        let mut at = 0;
        for item in text.split(',') {
            let values = Self::parse_item(kind, item).map_err(|what| (at, what))?;
            values.for_each(|value| field.bits |= 1 << value);
            at += item.len() + 1;
        }
        if kind.last == 7 && field.has(7) {
            field.bits = field.bits & !(1 << 7) | 1;
        }
        Ok(field)
    }

    fn parse_item(kind: &Kind, item: &str) -> Result<impl Iterator<Item = u8> + use<>, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        // Sunday twice would be two days.
        let last = if kind.last == 7 { 6 } else { kind.last };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (kind.first, last),
            Some((from, to)) => (kind.value(from)?, kind.value(to)?),
            None if step.is_some() => (kind.value(range)?, last),
            None => (kind.value(range)?, kind.value(range)?),
        };
        if from > to {
            return Err(format!(
                "{} {range:?} ends before it begins; write two ranges with a comma",
                kind.name
            ));
        }
        let step = match step {
            None => 1,
            Some(step) => number(step)
                .filter(|step| (1..=u32::from(kind.last)).contains(step))
                .ok_or_else(|| format!("step {step:?} of {}: 1 to {} are allowed", kind.name, kind.last))?,
        };
        Ok((from..=to).step_by(step as usize))
    }

    /// Whether it allows a value.
    pub(super) fn has(self, value: u8) -> bool {
        self.bits & (1 << value) != 0
    }

    /// The first value that it allows from this one on.
    pub(super) fn first_from(self, value: u8) -> Option<u8> {
        let rest = self.bits.checked_shr(value.into())?;
        (rest != 0).then(|| value + rest.trailing_zeros() as u8)
    }

    /// Whether it allows all values of a day's hours.
    pub(super) fn is_every_hour(self) -> bool {
        self.bits == (1 << 24) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(kind: usize, text: &str) -> Vec<u8> {
        let field = Field::parse(&KINDS[kind], text).unwrap();
        std::iter::successors(field.first_from(0), |value| field.first_from(value + 1)).collect()
    }

    #[test]
    fn stars_ranges_steps_lists_and_names_are_read() {
        assert_eq!(values(1, "*/20"), [0, 20, 40]);
        assert_eq!(values(1, "50/4"), [50, 54, 58]);
        assert_eq!(values(2, "9-17/4,1"), [1, 9, 13, 17]);
        assert_eq!(values(4, "jan,DEC"), [1, 12]);
        assert_eq!(values(5, "FRI-7"), [0, 5, 6]);
        assert_eq!(values(5, "*"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(values(3, "*/15"), [1, 16, 31]);
    }

    #[test]
    fn what_is_not_allowed_is_refused_with_its_place() {
        for (kind, text, at, words) in [
            (1, "60", 0, "0 to 59"),
            (1, "1,2,x", 4, "minute \"x\""),
            (2, "5,", 2, "nothing"),
            (2, "5-", 0, "nothing"),
            (2, "17-9", 0, "ends before"),
            (3, "0", 0, "1 to 31"),
            (4, "JANUARY", 0, "JAN to DEC"),
            (5, "8", 0, "SUN to SAT"),
            (1, "*/0", 0, "step \"0\""),
            (1, "*/+5", 0, "step \"+5\""),
            (1, "+5", 0, "minute \"+5\""),
            (3, "L", 0, "day of month \"L\""),
            (1, "99999999999", 0, "0 to 59"),
        ] {
            let (found_at, found) = Field::parse(&KINDS[kind], text).unwrap_err();
            assert!(found_at == at && found.contains(words), "{text}: {found_at} {found}");
        }
    }
}
