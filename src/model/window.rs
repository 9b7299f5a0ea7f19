//! A time in which changes may happen: five cron fields, a length, a zone.
//!
//! Cron as POSIX `crontab(5)` and Vixie cron have it: Sunday is 0 or 7, and where both days are
//! restricted either is enough. Zones come from the IANA database in the binary.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use std::time::Duration;

/// The longest time a window may stay open: a week, after which it is always open anyway.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// How far ahead an opening is looked for: 29 February comes at least every eight years.
const DAYS_AHEAD: i64 = 8 * 366;

/// Why a window cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("accept the window {what:?}: {rule}")]
pub struct InvalidWindow {
    what: String,
    rule: &'static str,
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
        let mut minute = minute_of(here);
        let earliest = here
            .checked_sub(self.open_for)
            .and_then(|start| start.checked_sub(1.day()))
            .unwrap_or(here);
        while minute >= earliest {
            let open = |start: Timestamp| {
                start <= now && now.duration_since(start).unsigned_abs() < self.open_for
            };
            if cron.matches(minute) && instant(&zone, minute).is_some_and(open) {
                return Ok(true);
            }
            let Ok(before) = minute.checked_sub(1.minute()) else {
                break;
            };
            minute = before;
        }
        Ok(false)
    }

    /// Returns when it opens next after a time; `None` where it never does (31 February).
    ///
    /// # Errors
    /// As [`Window::check`].
    pub fn opens_after(&self, now: Timestamp) -> Result<Option<Timestamp>, InvalidWindow> {
        let (cron, zone) = self.read()?;
        let today = now.to_zoned(zone.clone()).date();
        let opening = (0..DAYS_AHEAD)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|date| cron.matches_day(*date))
            .flat_map(|date| {
                cron.times()
                    .map(move |(hour, minute)| date.at(hour, minute, 0, 0))
            })
            .filter_map(|opening| instant(&zone, opening))
            .find(|opening| *opening > now);
        Ok(opening)
    }

    fn read(&self) -> Result<(Cron, TimeZone), InvalidWindow> {
        let wrong = |what: &str, rule| InvalidWindow {
            what: what.to_owned(),
            rule,
        };
        let cron = Cron::parse(&self.cron).ok_or_else(|| {
            let rule = "write five cron fields: minute, hour, day of month, month, day of week, as in \"0 9 * * 1-5\"";
            wrong(&self.cron, rule)
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

fn minute_of(time: DateTime) -> DateTime {
    time.date().at(time.hour(), time.minute(), 0, 0)
}

/// A wall-clock time that the zone skips is taken as the same distance after the skip.
fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(time)
        .compatible()
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Which minutes, hours, days, months and weekdays, each as a set of bits.
struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Where both are restricted, one of them is enough.
    either_day: bool,
}

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return None;
        };
        let sundays = field(weekdays, 0, 7, &DAY_NAMES)?;
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTH_NAMES)?,
            // Seven is Sunday too.
            weekdays: (sundays | sundays >> 7) & 0x7f,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    fn matches(&self, time: DateTime) -> bool {
        has(self.minutes, time.minute())
            && has(self.hours, time.hour())
            && self.matches_day(time.date())
    }

    fn matches_day(&self, date: jiff::civil::Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month())
            && if self.either_day {
                day || weekday
            } else {
                day && weekday
            }
    }

    fn times(&self) -> impl Iterator<Item = (i8, i8)> + use<> {
        let (hours, minutes) = (self.hours, self.minutes);
        (0..24)
            .filter(move |hour| has(hours, *hour))
            .flat_map(move |hour| {
                (0..60)
                    .filter(move |minute| has(minutes, *minute))
                    .map(move |minute| (hour, minute))
            })
    }
}

const DAY_NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTH_NAMES: [&str; 13] = [
    "", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

fn has(bits: u64, place: i8) -> bool {
    u32::try_from(place).is_ok_and(|place| bits >> place & 1 == 1)
}

/// Reads a list of `*`, `n`, `n-m`, each with an optional `/step`.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let named = names
            .iter()
            .position(|name| !name.is_empty() && name.eq_ignore_ascii_case(text));
        let digits = || text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match named {
            Some(place) => u32::try_from(place).ok()?,
            None if digits() => text.parse().ok()?,
            None => return None,
        };
        (least..=most).contains(&value).then_some(value)
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|s| *s > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return None;
        }
        for place in (first..=last).step_by(step.unwrap_or(1)) {
            bits |= 1 << place;
        }
    }
    Some(bits)
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
        let never = window("0 0 31 2 *", 1, "UTC");
        assert_eq!(never.opens_after(at("2026-01-01T00:00:00Z")), Ok(None));
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
