//! When something may be done: weekly windows, freezes, and the calendar windows of budgets.
//!
//! A window is open when the clocks of its zone show a time within it. So an hour that occurs twice
//! is in it twice, and one that is skipped is not missed.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::{DateTime, Weekday};

use super::moment::{self, Zone};

/// A span of the day on some days of the week, in a zone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) zone: Zone,
    /// Monday first.
    pub(crate) days: [bool; 7],
    /// Minutes of the day; the first is in the window, `to` is not.
    pub(crate) from: u16,
    pub(crate) to: u16,
    /// Whether it ends on the day after.
    pub(crate) next_day: bool,
}

/// The names of the days, Monday first.
pub(crate) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const DAY: i64 = 86_400_000;
/// A week and two days: every window of a week has changed by then, whatever the clocks do.
const HORIZON: i64 = 9;

impl Window {
    /// Why it can never be open, or cannot be meant.
    pub(crate) fn impossible(&self) -> Option<String> {
        let from = clock(self.from);
        let to = clock(self.to);
        if !self.days.contains(&true) {
            return Some("the window names no day, so it never opens".into());
        }
        match (self.next_day, self.to.cmp(&self.from)) {
            (false, std::cmp::Ordering::Equal) => {
                Some(format!("the window from {from} to {to} never opens"))
            }
            (false, std::cmp::Ordering::Less) => Some(format!(
                "the window ends at {to}, before it starts at {from}; if it ends on the next day, say `next_day = true`"
            )),
            (true, std::cmp::Ordering::Greater) => Some(format!(
                "the window from {from} to {to} of the next day is longer than a day: write two windows"
            )),
            _ if self.from == 1_440 => Some("a window cannot start at 24:00".into()),
            _ => None,
        }
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self, now: i64) -> bool {
        let local = self.zone.local(now);
        let time = seconds(local);
        let (from, to) = (i32::from(self.from) * 60, i32::from(self.to) * 60);
        let (today, yesterday) = (self.on(local.weekday()), self.on(local.weekday().previous()));
        match self.next_day {
            false => today && (from..to).contains(&time),
            true => (today && time >= from) || (yesterday && time < to),
        }
    }

    /// When it next opens or closes; none if it never does.
    pub(crate) fn next_change(&self, now: i64) -> Option<i64> {
        // Most windows change within a day, and looking further costs more.
        [1, HORIZON].into_iter().find_map(|days| self.change_within(now, days))
    }

    fn change_within(&self, now: i64, days: i64) -> Option<i64> {
        let open = self.is_open(now);
        let midnight = self.zone.local(now).date().to_datetime(jiff::civil::Time::midnight());
        let [end, _] = self.zone.moments(midnight.checked_add((days + 1).days()).ok()?);
        let edges = self.edges(now, midnight, days);
        edges.into_iter().find(|edge| self.is_open(*edge) != open).filter(|edge| Some(*edge) <= end)
    }

    /// Every moment after `now` at which it may open or close within so many days, in order.
    fn edges(&self, now: i64, midnight: DateTime, days: i64) -> Vec<i64> {
        let mut edges = self.zone.changes(now, now.saturating_add((days + 1) * DAY));
        for day in -1..=days {
            for minute in [0, self.from, self.to] {
                let local = midnight.checked_add(day.days().minutes(i64::from(minute))).ok();
                edges
                    .extend(local.into_iter().flat_map(|local| self.zone.moments(local)).flatten());
            }
        }
        edges.retain(|edge| *edge > now);
        edges.sort_unstable();
        edges
    }

    fn on(&self, day: Weekday) -> bool {
        let place = usize::try_from(day.to_monday_zero_offset()).ok();
        place.and_then(|place| self.days.get(place)).copied().unwrap_or(false)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> =
            DAYS.into_iter().zip(self.days).filter(|(_, on)| *on).map(|(d, _)| d).collect();
        let next = if self.next_day { " of the next day" } else { "" };
        let (from, to) = (clock(self.from), clock(self.to));
        write!(f, "{} {from}–{to}{next} {}", days.join(", "), self.zone.name())
    }
}

/// A span of the calendar in which nothing may be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Freeze {
    pub(crate) zone: Zone,
    /// The first moment of it, and the first after it.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Freeze {
    /// The freeze between two local times; else why it cannot be.
    pub(crate) fn new(zone: Zone, from: DateTime, to: DateTime) -> Result<Self, String> {
        let beyond = || "the freeze lies outside the calendar".to_owned();
        // Where clocks show a time twice it is frozen from the first on, and until the second.
        let [_, end] = zone.moments(to);
        let (start, end) = (zone.moment(from).ok_or_else(beyond)?, end.ok_or_else(beyond)?);
        match start < end {
            true => Ok(Self { zone, from: start, to: end }),
            false => {
                Err(format!("the freeze ends at {to}, which is not after its start at {from}"))
            }
        }
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, now: i64) -> bool {
        (self.from..self.to).contains(&now)
    }

    /// When it next begins or ends.
    pub(crate) fn next_change(&self, now: i64) -> Option<i64> {
        [self.from, self.to].into_iter().find(|edge| *edge > now)
    }
}

/// The stretch of the calendar that a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Hour,
    Day,
    Week,
    Month,
}

impl Period {
    /// The period of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            _ => return None,
        })
    }

    /// When the one that `now` is in began, and when the next begins; none outside the calendar.
    pub(crate) fn around(self, zone: &Zone, now: i64) -> Option<(i64, i64)> {
        let local = zone.local(now);
        let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
        let (start, span) = match self {
            Self::Hour => (midnight.checked_add(i64::from(local.hour()).hours()).ok()?, 1.hours()),
            Self::Day => (midnight, 1.days()),
            Self::Week => {
                let since = i64::from(local.weekday().to_monday_zero_offset());
                (midnight.checked_sub(since.days()).ok()?, 7.days())
            }
            Self::Month => {
                (midnight.checked_sub((i64::from(local.day()) - 1).days()).ok()?, 1.months())
            }
        };
        // An hour that occurs twice is one hour here: it begins with its first time.
        let [first, second] = zone.moments(start.checked_add(span).ok()?);
        // Clocks put back over midnight show a day that was over once more.
        Some((zone.moment(start)?, first.filter(|until| *until > now).or(second)?))
    }
}

/// A moment as clocks in a zone show it: `2026-01-31 18:00 Europe/Rome`.
pub(crate) fn shown(zone: &Zone, at: i64) -> String {
    let local = zone.local(at);
    format!(
        "{} {:02}:{:02} {} ({})",
        local.date(),
        local.hour(),
        local.minute(),
        zone.name(),
        moment::text(at)
    )
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn seconds(local: DateTime) -> i32 {
    i32::from(local.hour()) * 3_600 + i32::from(local.minute()) * 60 + i32::from(local.second())
}
