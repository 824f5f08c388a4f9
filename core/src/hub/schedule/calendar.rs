//! The instants of a cron expression in a time zone. Pure: seconds since 1970 in, seconds since 1970 out.
//!
//! **Promise.** The slot after an instant is the first second at which a clock on the wall of that zone shows what the expression says.
//! Where clocks are put forward, an expression that names hours fires at the end of the gap, once, for all that it would have in it. Where
//! they are put back, it fires when the hour comes first, and not again. One that allows every hour goes by what passes: it fires
//! whenever the clock shows the minute.
//!
//! **Picture.** Between two changes of its clocks a zone is a constant offset. Each such span is searched as wall time, minus what the
//! span before has shown already, plus what was left out between them.
//!
//! ```text
//!   real   ------|=========|---------->     span
//!   wall    1:59 | 3:00 ...                 gap 2:00 to 3:00: what is in it comes at the bar
//!   wall    2:59 | 2:00 ...                 2:00 to 3:00 was shown before: not again
//! ```

use crate::hub::schedule::field::Field;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

const DAY: i64 = 24 * 3600;
/// Where the search ends: the 29th of February comes after eight years at the latest.
const DAYS_MAX: i64 = 8 * 366 + 1;

/// See the module's description.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    pub(super) second: Field,
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day: Field,
    pub(super) month: Field,
    pub(super) weekday: Field,
}

/// A time in which the clocks of a zone are not changed.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Its first second; none at the beginning of time.
    from: Option<i64>,
    /// The first second after it.
    until: Option<i64>,
    /// What the wall shows, less the real time.
    offset: i64,
    /// That before it.
    offset_before: i64,
}

impl Span {
    /// The span of an instant. None beyond what calendars reach.
    fn of(zone: &TimeZone, second: i64) -> Option<Self> {
        let instant = Timestamp::from_second(second).ok()?;
        // Strictly before: changes are at whole seconds.
        let after = Timestamp::from_second(second + 1).ok()?;
        let from = zone.preceding(after).next().map(|change| change.timestamp().as_second());
        let until = zone.following(instant).next().map(|change| change.timestamp().as_second());
        let offset = i64::from(zone.to_offset(instant).seconds());
        let before = from.and_then(|from| Timestamp::from_second(from - 1).ok());
        let offset_before = before.map_or(offset, |before| i64::from(zone.to_offset(before).seconds()));
        Some(Self { from, until, offset, offset_before })
    }
}

impl Calendar {
    /// The first slot at or after an instant. None: never, or not within eight years.
    pub(super) fn first_from(&self, zone: &TimeZone, second: i64) -> Option<i64> {
        let names_hours = !self.hour.is_every_hour();
        let mut at = second;
        while at <= second + DAYS_MAX * DAY {
            let span = Span::of(zone, at)?;
            let mut wall = at + span.offset;
            if names_hours && let Some(from) = span.from {
                let (gap, shown) = (from + span.offset_before, from + span.offset);
                if at == from && self.first_on_wall(gap).is_some_and(|slot| slot < shown) {
                    return Some(from);
                }
                wall = wall.max(gap);
            }
            let slot = self.first_on_wall(wall).map(|slot| slot - span.offset);
            match (slot, span.until) {
                (Some(slot), until) if until.is_none_or(|until| slot < until) => return Some(slot),
                (_, Some(until)) => at = until,
                (_, None) => return None,
            }
        }
        None
    }

    /// The same without a zone: in seconds since 1970 on the wall.
    fn first_on_wall(&self, wall: i64) -> Option<i64> {
        let (first_day, mut time) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        for day in first_day..first_day + DAYS_MAX {
            if self.has_day(day)?
                && let Some(time) = self.first_in_day(time)
            {
                return Some(day * DAY + time);
            }
            time = 0;
        }
        None
    }

    /// Whether it has slots on a day, counted from 1970. None beyond what calendars reach.
    fn has_day(&self, day: i64) -> Option<bool> {
        let date = Offset::UTC.to_datetime(Timestamp::from_second(day * DAY).ok()?).date();
        let value = |number: i8| u8::try_from(number).unwrap_or_default();
        let in_month = self.day.has(value(date.day()));
        let in_week = self.weekday.has(value(date.weekday().to_sunday_zero_offset()));
        // Both are named: either will do.
        let either = !self.day.is_star && !self.weekday.is_star;
        let has = if either { in_month || in_week } else { in_month && in_week };
        Some(has && self.month.has(value(date.month())))
    }

    /// The first time of a day at or after this one, in seconds.
    fn first_in_day(&self, time: i64) -> Option<i64> {
        let part = |seconds: i64| u8::try_from(seconds).unwrap_or(u8::MAX);
        let (hour, minute, second) = (part(time / 3600), part(time / 60 % 60), part(time % 60));
        let at = |hour: u8, minute: u8, second: u8| {
            Some(i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
        };
        let (first_minute, first_second) = (self.minute.first_from(0)?, self.second.first_from(0)?);
        if self.hour.has(hour) {
            if self.minute.has(minute)
                && let Some(second) = self.second.first_from(second)
            {
                return at(hour, minute, second);
            }
            if let Some(minute) = self.minute.first_from(minute + 1) {
                return at(hour, minute, first_second);
            }
        }
        at(self.hour.first_from(hour + 1)?, first_minute, first_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::schedule::expression::{Expression, zone};
    use proptest::prelude::*;

    fn calendar(expression: &str) -> Calendar {
        match Expression::parse(expression).unwrap() {
            Expression::Cron(calendar) => calendar,
            Expression::Every(_) => panic!("{expression} has no calendar"),
        }
    }

    /// What a clock on the wall shows, and whether the expression says so.
    fn shows(calendar: &Calendar, wall: i64) -> bool {
        let part = |seconds: i64| u8::try_from(seconds).unwrap();
        let time = wall.rem_euclid(DAY);
        calendar.has_day(wall.div_euclid(DAY)).unwrap()
            && calendar.hour.has(part(time / 3600))
            && calendar.minute.has(part(time / 60 % 60))
            && calendar.second.has(part(time % 60))
    }

    /// The slots of a time, found by looking at the clock every second; one that names hours is told what it has shown before, and what
    /// it has left out.
    fn walked(calendar: &Calendar, zone: &TimeZone, seconds: std::ops::Range<i64>) -> Vec<i64> {
        let wall =
            |second| second + i64::from(zone.to_offset(Timestamp::from_second(second).unwrap()).seconds());
        // Long before the first, so that what was shown before it is known.
        let mut shown = wall(seconds.start - 4 * DAY);
        let mut slots = Vec::new();
        for second in seconds.start - 4 * DAY..seconds.end {
            let now = wall(second);
            let is_slot = if calendar.hour.is_every_hour() {
                shows(calendar, now)
            } else {
                (shown + 1..=now).any(|passed| shows(calendar, passed))
            };
            if is_slot && second >= seconds.start {
                slots.push(second);
            }
            shown = shown.max(now);
        }
        slots
    }

    fn found(calendar: &Calendar, zone: &TimeZone, seconds: std::ops::Range<i64>) -> Vec<i64> {
        let next = |from| calendar.first_from(zone, from).filter(|slot| *slot < seconds.end);
        std::iter::successors(next(seconds.start), |slot| next(slot + 1)).collect()
    }

    /// Changes of clocks by an hour, by half an hour, at midnight, in the other half of the world; a day left out, and none at all.
    const ZONES: [(&str, &str); 9] = [
        ("Europe/Berlin", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("Asia/Beirut", "2026-03-28T22:00:00Z"),
        ("America/Havana", "2026-11-01T05:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("UTC", "2026-03-29T01:00:00Z"),
    ];

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    /// Fields that are often hit within hours.
    fn expressions() -> impl Strategy<Value = String> {
        let of = |texts: &'static [&'static str]| proptest::sample::select(texts);
        let second = of(&["0", "0", "*/25", "7,59"]);
        let minute = of(&["0", "30", "*/7", "*", "59", "10-20/5"]);
        let hour = of(&["*", "2", "1-3", "*/2", "0", "23", "0-23", "1,4"]);
        let day = of(&["*", "*", "29", "1-31/2", "*/3"]);
        let month = of(&["*", "*", "MAR-APR,OCT-DEC"]);
        let weekday = of(&["*", "*", "SUN", "6-7", "1-5"]);
        (second, minute, hour, day, month, weekday)
            .prop_map(|(s, m, h, d, mo, w)| format!("{s} {m} {h} {d} {mo} {w}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        /// Each is on the expression, after the one before, and none is left out: looking at the clock every second finds the same.
        #[test]
        fn slots_are_those_that_a_clock_on_the_wall_shows(
            expression in expressions(), place in proptest::sample::select(&ZONES[..]), before in 0..8 * 3600_i64,
        ) {
            let (calendar, zone) = (calendar(&expression), zone(place.0).unwrap());
            let from = instant(place.1) - before;
            let seconds = from..from + 12 * 3600;
            prop_assert_eq!(found(&calendar, &zone, seconds.clone()), walked(&calendar, &zone, seconds));
        }
    }

    fn slots(expression: &str, zone_name: &str, from: &str, until: &str) -> Vec<String> {
        let slots = found(&calendar(expression), &zone(zone_name).unwrap(), instant(from)..instant(until));
        slots.iter().map(|slot| Timestamp::from_second(*slot).unwrap().to_string()).collect()
    }

    #[test]
    fn what_is_in_a_spring_gap_comes_once_at_its_end() {
        for expression in ["30 2 * * *", "*/10 2 * * *", "0,59 2 * * *"] {
            let found = slots(expression, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
            assert_eq!(found, ["2026-03-29T01:00:00Z"], "{expression}");
        }
        let day_left_out =
            slots("0 12 * * *", "Pacific/Apia", "2011-12-29T11:00:00Z", "2011-12-31T12:00:00Z");
        assert_eq!(day_left_out, ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]);
    }

    #[test]
    fn an_hour_that_comes_twice_in_autumn_fires_the_first_time_only() {
        let found = slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(found, ["2026-10-25T00:30:00Z"]);
    }

    #[test]
    fn what_fires_every_hour_keeps_its_distance_in_real_time_over_both_changes() {
        for day in ["2026-03-29", "2026-10-25"] {
            let [from, until] = ["T00:00:00Z", "T03:00:00Z"].map(|time| format!("{day}{time}"));
            let found = slots("30 * * * *", "Europe/Berlin", &from, &until);
            assert_eq!(found, ["00", "01", "02"].map(|hour| format!("{day}T{hour}:30:00Z")));
        }
    }

    #[test]
    fn leap_days_and_years_without_one_are_found() {
        let found = slots("0 0 29 2 *", "UTC", "2096-01-01T00:00:00Z", "2105-01-01T00:00:00Z");
        assert_eq!(found, ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_day_of_the_month_or_a_weekday_will_do_if_both_are_named() {
        let found = slots("0 0 13 * FRI", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z");
        assert_eq!(found.len(), 4, "{found:?}");
        let both = slots("0 0 */2 * FRI", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z");
        assert_eq!(both, ["2026-02-13T00:00:00Z", "2026-02-27T00:00:00Z"]);
    }
}
