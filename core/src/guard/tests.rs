//! Windows held against a clock that is read minute by minute; vectors.

mod vectors;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::moment::Zone;
use super::window::{Freeze, Period, Window};

pub(super) use vectors::{hash, vectors};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// What a wall clock shows, reckoned from the offset alone: day of the week (Monday 0) and minute.
fn wall(zone: &TimeZone, moment: i64) -> (usize, u16) {
    let offset = zone.to_offset(Timestamp::from_millisecond(moment).unwrap()).seconds();
    let local = moment / 1_000 + i64::from(offset);
    let days = local.div_euclid(86_400);
    // 1970-01-01 was a Thursday.
    (
        usize::try_from((days + 3).rem_euclid(7)).unwrap(),
        u16::try_from(local.rem_euclid(86_400) / 60).unwrap(),
    )
}

fn naive(window: &Window, zone: &TimeZone, moment: i64) -> bool {
    let (day, minute) = wall(zone, moment);
    let before = window.days[(day + 6) % 7];
    match window.next_day {
        false => window.days[day] && window.from <= minute && minute < window.to,
        true => window.days[day] && minute >= window.from || before && minute < window.to,
    }
}

fn zones() -> impl Strategy<Value = (&'static str, i64)> {
    // Each with a moment shortly before its clocks are changed, and some where they are not.
    prop::sample::select(vec![
        ("Europe/Rome", 1_774_742_400_000),         // 2026-03-29
        ("Europe/Rome", 1_792_886_400_000),         // 2026-10-25
        ("America/New_York", 1_772_928_000_000),    // 2026-03-08
        ("America/St_Johns", 1_793_491_200_000),    // 2026-11-01
        ("Australia/Lord_Howe", 1_775_308_800_000), // half an hour, 2026-04-05
        ("Pacific/Apia", 1_325_160_000_000),        // a day left out, 2011-12-30
        ("Asia/Kathmandu", 1_780_000_020_000),
        ("UTC", 1_780_000_020_000),
    ])
}

fn windows() -> impl Strategy<Value = (Window, TimeZone, i64)> {
    let clock =
        || prop_oneof![Just(0_u16), Just(120), Just(150), Just(180), Just(1_440), 0_u16..1_440];
    (zones(), any::<[bool; 7]>(), clock(), clock(), any::<bool>(), 0_i64..3 * DAY / MINUTE)
        .prop_map(|((name, near), days, from, to, next_day, minutes)| {
            let zone = Zone::named(name).unwrap();
            let window = Window { zone, days, from, to, next_day };
            (window, TimeZone::get(name).unwrap(), near - DAY + minutes * MINUTE)
        })
        .prop_filter("a window that can be", |(window, ..)| window.impossible().is_none())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_window_opens_and_closes_when_a_clock_says_so((window, zone, start) in windows()) {
        let open = window.is_open(start);
        prop_assert_eq!(open, naive(&window, &zone, start));
        // Edges of these zones are whole minutes, so looking at each minute misses none.
        let minutes = (1..=9 * 1_440).map(|m| start + m * MINUTE);
        let change = minutes.into_iter().find(|at| naive(&window, &zone, *at) != open);
        prop_assert_eq!(window.next_change(start).filter(|at| *at <= start + 9 * DAY), change);
    }

    #[test]
    fn periods_hold_the_moment_and_meet((name, near) in zones(), minutes in 0_i64..4_000) {
        let (zone, now) = (Zone::named(name).unwrap(), near + minutes * MINUTE);
        for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
            let (since, until) = period.around(&zone, now).unwrap();
            prop_assert!(since <= now && now < until, "{:?}: {} {} {}", period, since, now, until);
            prop_assert_eq!(period.around(&zone, since).unwrap(), (since, until));
            prop_assert_eq!(period.around(&zone, until).unwrap().0, until);
        }
    }
}

#[test]
fn a_freeze_begins_and_ends_by_the_clocks_of_its_zone() {
    let local = |text: &str| super::moment::parse_local(text).unwrap();
    let freeze =
        |from, to| Freeze::new(Zone::named("Europe/Rome").unwrap(), local(from), local(to));
    let winter = freeze("2026-12-20T18:00", "2027-01-04T08:00").unwrap();
    let start = 1_797_786_000_000; // 2026-12-20T17:00:00Z
    assert!(!winter.holds(start - 1) && winter.holds(start));
    assert_eq!(winter.next_change(start - 1), Some(start));
    assert_eq!(winter.next_change(start), Some(winter.to));
    assert_eq!(winter.next_change(winter.to), None);
    // 02:30 comes twice: it is frozen until the second time.
    let autumn = freeze("2026-10-24T18:00", "2026-10-25T02:30").unwrap();
    let second = 1_792_891_800_000; // 2026-10-25T01:30:00Z
    assert!(autumn.holds(second - 1) && !autumn.holds(second));
    // Both times lie in the hour that is skipped: they are one moment apart all the same.
    assert!(freeze("2026-03-29T02:10", "2026-03-29T02:20").is_ok());
    assert!(freeze("2026-03-29T02:10", "2026-03-29T02:10").is_err());
}

#[test]
fn a_day_that_clocks_show_once_more_is_not_over_before_it_is() {
    // St. John's put its clocks back at 00:01, to 23:01 of the day before, until 2011.
    let zone = Zone::named("America/St_Johns").unwrap();
    let now = 1_162_092_600_000; // 2006-10-29T03:30:00Z, 23:30 or 00:00 there for the second time
    for at in (0..120).map(|minute| now - 60 * MINUTE + minute * MINUTE) {
        let (since, until) = Period::Day.around(&zone, at).unwrap();
        assert!(since <= at && at < until, "{since} {at} {until}");
    }
}
