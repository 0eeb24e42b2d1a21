//! The promise on values: exactly or not at all.

use trueup_connector::{Field, LogicalType, Number, Receipt, Value};

use super::rows::{Row, difference};
use super::target::Target;
use super::{Broken, Promise, Subject};

/// A value is written exactly, or the change fails and nothing is changed.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn exact_values(subject: &Subject) -> Result<(), Broken> {
    let Some(target) = Target::of(subject, Promise::ExactValues).await? else { return Ok(()) };
    target.made(0).await?;
    let mut state = target.state().await?;
    for field in target.settable() {
        for value in values(&field.ty) {
            state = try_value(&target, field, value, state).await?;
        }
    }
    Ok(())
}

/// Sets a field; gives the records as they are afterwards.
async fn try_value(
    target: &Target<'_>,
    field: &Field,
    value: Value,
    before: Vec<Row>,
) -> Result<Vec<Row>, Broken> {
    let (name, row) = (&field.name, target.one_of(&before, target.fresh(0)?)?);
    if row.field(name) == value {
        return Ok(before);
    }
    let change = target.update(&row, vec![(name.clone(), value.clone())]);
    let receipt = target.apply_one(&change).await?;
    let after = target.state().await?;
    match receipt {
        Receipt::Done { .. } => match target.one_of(&after, &row)?.field(name) {
            kept if kept == value => Ok(after),
            kept => Err(target.broken(&format!("`{name}` was set to {value:?}, and is {kept:?}"))),
        },
        Receipt::Failed(_) | Receipt::Refused(_) => match difference(&after, &before, false) {
            None => Ok(after),
            Some(detail) => {
                let detail = format!("{value:?} did not fit `{name}`, and all the same {detail}");
                Err(target.broken(&detail))
            }
        },
        odd => Err(target.broken(&format!("a change of `{name}` to {value:?} is {odd:?}"))),
    }
}

/// What is at the edge of a type, and just over it.
fn values(ty: &LogicalType) -> Vec<Value> {
    let mut values = match ty {
        LogicalType::Bool => vec![Value::from(true), Value::from(false)],
        LogicalType::Int => ints(),
        LogicalType::Float => floats(),
        LogicalType::Decimal(precision, scale) => decimals(*precision, *scale),
        LogicalType::Text => texts(),
        LogicalType::Bytes => [&[][..], &[0], &[0, 255, 39, 34, 92, 10]]
            .map(|bytes| Value::from(bytes.to_vec()))
            .into(),
        LogicalType::Date => [0, -1, 2_932_896, 2_932_897, -719_162, -719_529, i64::from(i32::MAX)]
            .map(Value::Date)
            .into(),
        LogicalType::Datetime => moments().map(Value::Datetime).into(),
        LogicalType::Instant => moments().map(Value::Instant).into(),
        LogicalType::List(item) => {
            let items = self::values(item);
            vec![Value::List(Vec::new()), Value::List(vec![Value::Null]), Value::List(items)]
        }
        _ => Vec::new(),
    };
    values.push(Value::Null);
    // Of another type altogether.
    values.push(Value::from("no number, no date"));
    values.push(Value::from(true));
    values
}

fn ints() -> Vec<Value> {
    let edges = [0, -1, 1 << 31, -(1 << 31) - 1, (1 << 53) + 1, i64::MAX.into(), i64::MIN.into()];
    let over = [i128::from(i64::MAX) + 1, u64::MAX.into(), i128::from(i64::MIN) - 1, i128::MAX];
    let mut values: Vec<Value> = edges.into_iter().chain(over).map(Value::Int).collect();
    values.push(Value::from(0.5));
    values
}

fn floats() -> Vec<Value> {
    let edges = [0.0, -0.0, 0.1, 1e300, -1e-300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0e15];
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let mut values: Vec<Value> = edges.into_iter().chain(odd).map(Value::Float).collect();
    values.push(Value::Int((1 << 53) + 1));
    values
}

fn decimals(precision: u8, scale: i8) -> Vec<Value> {
    let (scale_digits, nines) = (usize::from(scale.unsigned_abs()), "9".repeat(precision.into()));
    let whole = nines.len().saturating_sub(scale_digits);
    let (whole, fraction) = nines.split_at_checked(whole).unwrap_or((&nines, ""));
    let texts = [
        format!("{whole}.{fraction}0"),
        format!("-{whole}.{fraction}0"),
        format!("9{whole}.{fraction}0"),
        format!("0.{}1", "0".repeat(scale_digits)),
        format!("0.{}1", "0".repeat(scale_digits.saturating_sub(1))),
        "0".to_owned(),
        "1".to_owned(),
    ];
    let numbers = texts.iter().filter_map(|text| text.parse::<Number>().ok());
    numbers
        .map(|number| {
            let shown = number.digits().map_or(0, |(scale, _)| scale.max(0));
            Value::Decimal(number, shown)
        })
        .collect()
}

fn texts() -> Vec<Value> {
    let long = "é".repeat(5_000);
    let texts = [
        "",
        " ",
        " a ",
        "null",
        "NULL",
        "true",
        "0",
        "007",
        "1e3",
        "2026-01-31",
        "a,b;c\td",
        "\"",
        "'",
        "\\",
        "\"a\"\"b\"",
        "line\nline",
        "line\r\nline\r",
        "#",
        "e\u{301} é ＡＢ ß ſ",
        "🦀👩‍👩‍👧",
        "\u{feff}a",
        "\u{0}",
        "\u{1}\u{7f}\u{2028}",
        "%s {} $1 ?1",
        &long,
    ];
    texts.map(Value::from).into()
}

fn moments() -> [i128; 8] {
    let day = 86_400_000_000_000_i128;
    [
        0,
        -1_000,
        1_000_000_000,
        123_456_789,
        253_402_300_799_999_999_000,
        253_402_300_800_000_000_000,
        -62_135_596_800_000_000_000,
        -800_000 * day,
    ]
}
