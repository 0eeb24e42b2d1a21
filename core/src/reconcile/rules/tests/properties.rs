//! What holds for all values: agreeing is reflexive, normalising stable, the fast ways exact.

use arrow_buffer::i256;
use proptest::prelude::*;
use serde_json::json;
use trueup_connector::Cell;

use super::*;

/// A rule, a type it fits, and whether normalising twice is normalising once.
///
/// Aliases chain, and white space that goes after the Unicode form was made can leave what that form
/// would put together.
fn rules() -> Vec<(Json, &'static str, bool)> {
    vec![
        (json!("exact"), "text", true),
        (json!({"text": {"case": "ignore"}}), "text", true),
        (json!({"text": {"unicode": "nfc", "space": "collapse"}}), "text", true),
        (json!({"text": {"case": "ignore", "unicode": "nfc", "space": "trim"}}), "text", true),
        (json!({"text": {"unicode": "nfkc", "space": "remove"}}), "text", false),
        (json!({"default": "x", "aliases": {"a": "b", "b": "c"}}), "text", false),
        (json!({"default": 1}), "int", true),
        (json!({"tolerance": {"absolute": "0.5", "relative": "0.01"}}), "decimal(20,2)", true),
        (json!({"time_tolerance": "90s", "zone": "Europe/Dublin"}), "datetime", true),
        (json!({"compare": "set", "text": {"case": "ignore"}}), "list<text>", true),
        (json!("subset"), "list<int>", true),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = "[aAbBß İıſå\u{30a}\u{1e9e}\u{345}ﬁ²¨\u{a0}\u{3000}\t]{0,6}";
    let single = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
        (-4_000_000_000_i64..4_000_000_000)
            .prop_map(|s| Value::Datetime(i128::from(s) * 500_000_000)),
        any::<i32>().prop_map(|days| Value::Date(days.into())),
    ];
    let list = prop::collection::vec(single.clone(), 0..5).prop_map(Value::List);
    prop_oneof![4 => single, 1 => list]
}

proptest! {
    #[test]
    fn a_normalised_value_agrees_with_itself(value in any_value(), pick in 0..rules().len()) {
        let (rule, ty, stable) = rules().swap_remove(pick);
        let rule = ready(rule, ty);
        let once = rule.normalise(value.clone()).unwrap();
        prop_assert!(rule.agree(&once, &once));
        if stable {
            prop_assert_eq!(rule.normalise(once.clone()).unwrap(), once.clone());
        }
        if rule.is_plain() {
            prop_assert_eq!(once, value);
        }
    }

    #[test]
    fn near_ints_are_near_numbers(
        a in any::<i64>(), apart in -300_i64..300, absolute in 0_u32..400, tenths in 0_u8..4,
    ) {
        let b = a.saturating_add(apart);
        let rule = Rule::either_tolerance(format!("{absolute}.{tenths}"), "0.000000000001");
        let exact = i128::from(a.abs_diff(b)) * 10 <= i128::from(absolute) * 10 + i128::from(tenths)
            || i128::from(a.abs_diff(b)) * 1_000_000_000_000
                <= i128::from(a.unsigned_abs().max(b.unsigned_abs()));
        check(&rule, &Cell::Int(a.into()), &Cell::Int(b.into()), Some(exact))?;
    }

    #[test]
    fn near_floats_are_near_numbers(a in any::<f64>(), steps in 0_u64..40, share in 0_u64..40) {
        let b = f64::from_bits(a.to_bits().saturating_add(steps));
        let amount = format!("{share}e-17");
        check(&Rule::relative_tolerance(amount.as_str()), &Cell::Float(a), &Cell::Float(b), None)?;
        check(&Rule::tolerance(amount), &Cell::Float(a / 1e300), &Cell::Float(b / 1e300), None)?;
    }

    #[test]
    fn near_decimals_are_near_numbers(
        a in any::<i64>(), apart in -30_i64..30, scale in -3_i8..20, digits in 0_u8..40, e in -22..4,
    ) {
        let (a, b) = (i128::from(a), i128::from(a) + i128::from(apart));
        let cells = [a, b].map(|n| Cell::Decimal(i256::from_i128(n), scale));
        let amount = format!("{digits}e{e}");
        check(&Rule::tolerance(amount.as_str()), &cells[0], &cells[1], None)?;
        check(&Rule::relative_tolerance(amount), &cells[0], &cells[1], None)?;
    }

    #[test]
    fn near_times_are_near(a in any::<i64>(), b in any::<i64>(), most in any::<u32>()) {
        let rule = Rule::time_tolerance(format!("{most}s"));
        let rule = compiled(&rule, "date").unwrap();
        let cells = [Cell::Date(a), Cell::Date(b)];
        let [x, y] = cells.each_ref().map(Cell::to_value);
        prop_assert_eq!(rule.agree_cells(&cells[0], &cells[1]).unwrap(), rule.agree(&x, &y));
    }
}

/// The fast way of cells against the exact way of values, both ways round.
fn check(rule: &Rule, a: &Cell<'_>, b: &Cell<'_>, want: Option<bool>) -> Result<(), TestCaseError> {
    let rule = compiled(rule, "float").unwrap();
    let exact = rule.agree(&a.to_value(), &b.to_value());
    prop_assert_eq!(rule.agree_cells(a, b).unwrap(), exact);
    prop_assert_eq!(rule.agree_cells(b, a).unwrap(), exact);
    prop_assert_eq!(want.unwrap_or(exact), exact);
    Ok(())
}
