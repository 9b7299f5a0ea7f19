//! A time in which changes may happen: five cron fields, a length, a zone.
//!
//! Cron as POSIX `crontab(5)` and Vixie cron have it: Sunday is 0 or 7, and where both days are
//! restricted either is enough. Zones come from the IANA database in the binary.

use cron::Schedule;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use std::str::FromStr as _;
use std::time::Duration;

/// The longest time a window may stay open: a week, after which it is always open anyway.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Why a window cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("accept the window {what:?}: {rule}")]
pub struct InvalidWindow {
    what: String,
    rule: String,
}

/// A time in which changes may happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Five cron fields, in the zone's wall-clock time: when it opens.
    pub cron: String,
    /// How long it stays open.
    pub open_for: Duration,
    /// IANA name of the zone.
    pub timezone: String,
}

impl Window {
    /// Says whether the window can be used, for the place where it is read.
    ///
    /// # Errors
    /// A cron text, zone or length that means nothing, named.
    pub fn check(&self) -> Result<(), InvalidWindow> {
        self.read().map(|_| ())
    }

    /// Tells whether it is open at a time.
    ///
    /// # Errors
    /// As [`Window::check`].
    pub fn is_open(&self, now: Timestamp) -> Result<bool, InvalidWindow> {
        let (cron, zone) = self.read()?;
        let here = now.to_zoned(zone.clone()).datetime();
        // A day more than it is open, for the hour that a zone may skip or repeat.
        let earliest = here
            .checked_sub(self.open_for)
            .and_then(|start| start.checked_sub(1.day()))
            .unwrap_or(here);
        let latest = here.checked_add(1.day()).unwrap_or(here);
        let covers = |start: Timestamp| {
            start <= now && now.duration_since(start).unsigned_abs() < self.open_for
        };
        Ok(cron
            .openings(earliest)
            .take_while(|opening| *opening <= latest)
            .filter_map(|opening| instant(&zone, opening))
            .any(covers))
    }

    /// Returns when it opens next after a time; `None` where it never does (31 February).
    ///
    /// # Errors
    /// As [`Window::check`].
    pub fn opens_after(&self, now: Timestamp) -> Result<Option<Timestamp>, InvalidWindow> {
        let (cron, zone) = self.read()?;
        let here = now.to_zoned(zone.clone()).datetime();
        let earliest = here.checked_sub(1.day()).unwrap_or(here);
        Ok(cron
            .openings(earliest)
            .filter_map(|opening| instant(&zone, opening))
            .find(|opening| *opening > now))
    }

    fn read(&self) -> Result<(Cron, TimeZone), InvalidWindow> {
        let wrong = |what: &str, rule: &str| InvalidWindow {
            what: what.to_owned(),
            rule: rule.to_owned(),
        };
        let cron = Cron::parse(&self.cron).ok_or_else(|| match out_of_range(&self.cron) {
            Some(field) => wrong(&self.cron, &field),
            None => wrong(
                &self.cron,
                "write five cron fields: minute, hour, day of month, month, day of week, as in \"0 9 * * 1-5\"",
            ),
        })?;
        let zone = TimeZoneDatabase::bundled()
            .get(&self.timezone)
            .map_err(|_| {
                wrong(
                    &self.timezone,
                    "use a zone of the IANA database, as in \"Europe/Berlin\"",
                )
            })?;
        if self.open_for.is_zero() || self.open_for > LONGEST {
            return Err(wrong(
                &self.cron,
                "let it stay open for more than nothing and at most 7 days",
            ));
        }
        Ok((cron, zone))
    }
}

/// A wall-clock time that the zone skips is taken as the same distance after the skip.
fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(time)
        .compatible()
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// When it opens, on the wall clock: one schedule, or two of which either is enough.
struct Cron(Vec<Schedule>);

impl Cron {
    /// Reads five fields. The crate counts Sunday as 1 and wants both days to match: weekdays go to
    /// it by name, and where both days are restricted there are two schedules.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return None;
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "*,-/".contains(c);
        if !text.chars().all(|c| plain(c) || c.is_ascii_whitespace()) {
            return None;
        }
        let named = named_days(weekdays)?;
        let schedule = |days: &str, weekdays: &str| {
            Schedule::from_str(&format!("0 {minutes} {hours} {days} {months} {weekdays}")).ok()
        };
        if days.starts_with('*') || weekdays.starts_with('*') {
            return Some(Self(vec![schedule(days, &named)?]));
        }
        Some(Self(vec![schedule(days, "*")?, schedule("*", &named)?]))
    }

    /// Returns the openings from a wall-clock time on, in order.
    fn openings(&self, from: DateTime) -> impl Iterator<Item = DateTime> {
        // The crate wants a zone; it is told the wall clock as if that were UTC.
        let from = from
            .to_zoned(TimeZone::UTC)
            .map_or(0, |zoned| zoned.timestamp().as_second());
        let from = chrono::DateTime::from_timestamp(from - 1, 0).unwrap_or_default();
        let mut each: Vec<_> = self
            .0
            .iter()
            .map(|one| one.after(&from).peekable())
            .collect();
        std::iter::from_fn(move || {
            let next = each
                .iter_mut()
                .filter_map(|one| one.peek().copied())
                .min()?;
            for one in &mut each {
                one.next_if_eq(&next);
            }
            let next = Timestamp::from_second(next.timestamp()).ok()?;
            Some(next.to_zoned(TimeZone::UTC).datetime())
        })
    }
}

/// The fields, with the least and the most that may stand in each.
const FIELDS: [(&str, u32, u32); 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
];

/// Returns what is wrong with the first number that its field does not have.
fn out_of_range(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let named = FIELDS
        .iter()
        .zip(&fields)
        .filter(|_| fields.len() == FIELDS.len());
    let mut wrong = named.flat_map(|((name, least, most), field)| {
        let ranges = field.split(',').filter_map(|part| part.split('/').next());
        let numbers = ranges.flat_map(|range| range.split('-'));
        let numbers = numbers.filter_map(|number| number.parse::<u32>().ok());
        numbers
            .filter(|number| !(*least..=*most).contains(number))
            .map(move |number| format!("the {name} {number} is not from {least} to {most}"))
    });
    wrong.next()
}

const DAY_NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Returns a list of days, ranges and steps as the crate's names; Sunday is 0 or 7 here.
fn named_days(text: &str) -> Option<String> {
    let day = |text: &str| {
        let named = DAY_NAMES
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        named.or_else(|| text.parse().ok().filter(|day| *day <= 7))
    };
    let mut named = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (day(first)?, day(last)?),
            None if step.is_some() => (day(range)?, 7),
            None => (day(range)?, day(range)?),
        };
        if first > last {
            return None;
        }
        let days = (first..=last).step_by(step.unwrap_or(1));
        named.extend(days.map(|day| DAY_NAMES[day % 7]));
    }
    Some(named.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(cron: &str, hours: u64, timezone: &str) -> Window {
        Window {
            cron: cron.into(),
            open_for: Duration::from_secs(hours * 3600),
            timezone: timezone.into(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn office_hours_are_monday_to_friday_on_the_wall_clock() {
        let office = window("0 9 * * 1-5", 8, "Europe/Berlin");
        let open = |text| office.is_open(at(text)).unwrap();
        // 2026-11-20 is a Friday; Berlin is an hour ahead in winter, two in summer.
        assert!(open("2026-11-20T08:00:00Z") && open("2026-11-20T15:59:59Z"));
        assert!(!open("2026-11-20T07:59:59Z") && !open("2026-11-20T16:00:00Z"));
        assert!(!open("2026-11-22T10:00:00Z"), "Sunday");
        assert!(open("2026-07-06T07:00:00Z"));
        let next = office.opens_after(at("2026-11-20T08:00:00Z")).unwrap();
        assert_eq!(next, Some(at("2026-11-23T08:00:00Z")));
    }

    #[test]
    fn a_window_lasts_over_midnight_and_a_skipped_hour() {
        let night = window("30 22 * * sat", 6, "UTC");
        assert!(night.is_open(at("2026-11-22T04:29:00Z")).unwrap());
        // Clocks go from 02:00 to 03:00 in Berlin on 2026-03-29.
        let skipped = window("30 2 * * *", 1, "Europe/Berlin");
        assert!(skipped.is_open(at("2026-03-29T01:45:00Z")).unwrap());
    }

    #[test]
    fn either_day_is_enough_where_both_are_restricted() {
        let either = window("0 0 1 * 7", 24, "UTC");
        assert!(either.is_open(at("2026-11-01T12:00:00Z")).unwrap());
        assert!(either.is_open(at("2026-11-22T12:00:00Z")).unwrap());
        assert!(!either.is_open(at("2026-11-24T12:00:00Z")).unwrap());
        // From Friday over the Sunday that is 7, and every second day from Monday.
        for (days, open) in [("5-7", "22"), ("Fri,7", "22"), ("1/2", "23"), ("*/3", "25")] {
            let some = window(&format!("0 0 * * {days}"), 24, "UTC");
            let noon = format!("2026-11-{open}T12:00:00Z");
            assert!(some.is_open(at(&noon)).unwrap(), "{days}");
            assert!(!some.is_open(at("2026-11-24T12:00:00Z")).unwrap(), "{days}");
        }
        let never = window("0 0 31 2 *", 1, "UTC");
        assert_eq!(never.opens_after(at("2026-01-01T00:00:00Z")), Ok(None));
    }

    #[test]
    fn a_number_out_of_range_is_named_with_its_field() {
        for (cron, told) in [
            ("0 99 * * 1-5", "the hour 99 is not from 0 to 23"),
            ("*/5 9 0 * *", "the day of month 0 is not from 1 to 31"),
            ("0 9 * * 1-8", "the day of week 8 is not from 0 to 7"),
            ("0 9 * *", "write five cron fields"),
        ] {
            let wrong = window(cron, 1, "UTC").check().unwrap_err().to_string();
            assert!(wrong.contains(told), "{wrong}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for cron in [
            "",
            "* * * *",
            "60 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "@daily",
            "a * * * *",
            "+1 * * * *",
        ] {
            assert!(window(cron, 1, "UTC").check().is_err(), "{cron}");
        }
        assert!(window("* * * * *", 1, "Mars/Base").check().is_err());
        assert!(window("* * * * *", 0, "UTC").check().is_err());
        assert!(
            window("*/15,3 8-18/2 * jan,feb mon-fri", 1, "UTC")
                .check()
                .is_ok()
        );
    }
}
