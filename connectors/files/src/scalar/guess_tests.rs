//! What is inferred from which values.

use proptest::prelude::*;
use trueup_connector::LogicalType;

use super::*;

fn guess(values: &[&str]) -> Guess {
    let mut guess = Guess::default();
    for (row, value) in values.iter().enumerate() {
        guess.see(value.as_bytes(), || row as u64 + 1);
    }
    guess
}

#[track_caller]
fn check(values: &[&str], want: &str) {
    assert_eq!(guess(values).finish().0.ty.to_string(), want, "{values:?}");
}

#[test]
fn whole_numbers() {
    check(&["1", "-20", "0"], "int");
    check(&["9223372036854775807"], "int");
    check(&["9223372036854775808", "1"], "decimal(19,0)");
    check(&["007"], "text");
    check(&["1", "007"], "text");
    check(&["-0"], "text");
    check(&["+1"], "text");
    check(&[&"9".repeat(76)], "decimal(76,0)");
    check(&[&"9".repeat(77)], "text");
}

#[test]
fn decimals_lose_nothing() {
    check(&["1.10", "12.25"], "decimal(4,2)");
    check(&["1.5", "12.25", "3"], "decimal(4,2)");
    check(&["1.5", "12.25", "3.0"], "decimal(4,2)");
    check(&["1.1", "1.10"], "text");
    check(&["3", "3.0"], "text");
    check(&["3", "3.0", "2.5"], "text");
    check(&["-0.00"], "text");
    check(&["0.5"], "decimal(1,1)");
    check(&["0.0"], "decimal(1,1)");
}

#[test]
fn floats_only_where_they_hold_every_digit() {
    check(&["1e-7", "0.5"], "float");
    check(&["1e-7", "0.30000000000000004"], "float");
    check(&["1e-7", "0.30000000000000001"], "text");
    check(&["1e999"], "text");
}

#[test]
fn times() {
    check(&["2026-01-31", "2024-02-29"], "date");
    check(&["2026-01-31", "2026-02-30"], "text");
    check(&["2026-01-31T10:00:00", "2026-01-31 10:00:00.5"], "datetime");
    check(&["2026-01-31T10:00:00Z", "2026-01-31T10:00:00+02:00"], "instant");
    check(&["2026-01-31T10:00:00Z", "2026-01-31T10:00:00"], "text");
    check(&["2026-01-31", "2026-01-31T10:00:00"], "text");
    check(&["9999-12-31T00:00:00"], "datetime");
    check(&["9999-12-31T00:00:00", "2026-01-01T00:00:00.123456789"], "text");
    assert_eq!(guess(&["9999-12-31T00:00:00"]).finish().0.unit, TimeUnit::Microsecond);
}

#[test]
fn words() {
    check(&["true", "false"], "bool");
    check(&["True"], "text");
    check(&["true", "1"], "text");
    check(&[""], "text");
    check(&[], "null");
}

#[test]
fn the_evidence_names_the_first_value() {
    let (_, out) = guess(&["1", "2.5", "x", "y"]).finish();
    assert_eq!(out[0].to_string(), "`x` in line 3 is not a number in its plain form");
    let (_, out) = guess(&["1", "2.5", "3.25"]).finish();
    assert_eq!(out[0].to_string(), "`2.5` in line 2 is not an int");
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,3}",
        3 => "-?[0-9]{1,2}\\.[0-9]{1,2}",
        1 => "[0-9]{17,21}",
        1 => "[1-9]e-?[1-9]",
        1 => "true|false|x|2026-01-0[1-9]|2026-01-01T00:00:0[0-9]Z?",
    ]
}

proptest! {
    #[test]
    fn parts_seen_apart_are_the_whole(values in prop::collection::vec(value(), 0..12), at in 0..12_usize) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let whole = guess(&values);
        let at = at.min(values.len());
        let mut parts = guess(&values[..at]);
        let mut later = Guess::default();
        for (row, value) in values.iter().enumerate().skip(at) {
            later.see(value.as_bytes(), || row as u64 + 1);
        }
        parts.merge(later);
        prop_assert_eq!(parts.finish(), whole.finish());
    }

    /// Different texts of a column never become the same value, and each text its own value again.
    #[test]
    fn no_two_texts_become_one_value(values in prop::collection::vec("-?[0-9]{1,2}(\\.[0-9]{1,2})?", 1..6)) {
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        if guess(&texts).finish().0.ty != LogicalType::Text {
            for a in &texts {
                for b in &texts {
                    let number = |t: &str| t.parse::<trueup_connector::Number>().unwrap();
                    prop_assert_eq!(a == b, number(a) == number(b), "{} {}", a, b);
                }
            }
        }
    }
}
