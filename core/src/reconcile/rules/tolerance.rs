//! Numbers and times that are near enough.

use trueup_connector::{Cell, Number, Result, Value};

use super::rule::Amount;
use super::words::invalid;

/// How far apart numbers may be; either bound suffices.
#[derive(Clone, Debug)]
pub(super) struct Tolerance {
    absolute: Option<Bound>,
    relative: Option<Bound>,
}

/// An amount, exactly and in the forms that are fast to compute with.
#[derive(Clone, Debug)]
struct Bound {
    exact: Number,
    /// `digits × 10^exponent`, where the digits fit.
    small: Option<(u128, i32)>,
    /// The nearest double.
    float: f64,
}

impl Tolerance {
    pub(super) fn new(
        field: &str,
        absolute: Option<&Amount>,
        relative: Option<&Amount>,
    ) -> Result<Self> {
        let bound = |amount: &Amount| Bound::new(field, amount);
        let (absolute, relative) =
            (absolute.map(bound).transpose()?, relative.map(bound).transpose()?);
        Ok(Self { absolute, relative })
    }

    /// The amounts in canonical form, by name.
    pub(super) fn amounts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let amounts = [("absolute", &self.absolute), ("relative", &self.relative)];
        amounts
            .into_iter()
            .filter_map(|(name, bound)| Some((name, bound.as_ref()?.exact.to_string())))
    }

    /// Whether two different numbers are near enough.
    pub(super) fn near(&self, a: &Value, b: &Value) -> bool {
        let (Some(a), Some(b)) = (a.number(), b.number()) else { return false };
        self.near_numbers(&a, &b)
    }

    /// [`Tolerance::near`] of cells, without big numbers where that is exact.
    pub(super) fn near_cells(&self, a: &Cell<'_>, b: &Cell<'_>) -> bool {
        let fast = match (a, b) {
            (Cell::Int(a), Cell::Int(b)) => self.near_units(*a, *b, 0),
            (Cell::Float(a), Cell::Float(b)) => self.near_floats(*a, *b),
            (Cell::Decimal(a, s), Cell::Decimal(b, t)) if s == t => {
                let units = a.to_i128().zip(b.to_i128());
                units.and_then(|(a, b)| self.near_units(a, b, (*s).into()))
            }
            _ => None,
        };
        fast.unwrap_or_else(|| match (a.number(), b.number()) {
            (Some(a), Some(b)) => self.near_numbers(&a, &b),
            _ => false,
        })
    }

    fn near_numbers(&self, a: &Number, b: &Number) -> bool {
        if !a.is_finite() || !b.is_finite() {
            return false;
        }
        let absolute = self.absolute.as_ref().is_some_and(|bound| a.within(b, &bound.exact));
        absolute
            || self.relative.as_ref().is_some_and(|bound| {
                a.share_of_larger(b, &bound.exact).is_some_and(|share| a.within(b, &share))
            })
    }

    /// Of whole counts of `10^-scale`; `None` where that would take more than 128 bits.
    fn near_units(&self, a: i128, b: i128, scale: i32) -> Option<bool> {
        let apart = a.abs_diff(b);
        if let Some(bound) = &self.absolute {
            let (digits, exponent) = bound.small?;
            if at_most(apart, digits, exponent + scale) {
                return Some(true);
            }
        }
        let Some(bound) = &self.relative else { return Some(false) };
        let (digits, exponent) = bound.small?;
        let larger = a.unsigned_abs().max(b.unsigned_abs());
        Some(at_most(apart, digits.checked_mul(larger)?, exponent))
    }

    /// `None` where rounding could decide.
    fn near_floats(&self, a: f64, b: f64) -> Option<bool> {
        if !a.is_finite() || !b.is_finite() {
            return Some(false);
        }
        let apart = (a - b).abs();
        let absolute = self.absolute.as_ref().map(|bound| bound.float);
        let relative = self.relative.as_ref().map(|bound| bound.float * a.abs().max(b.abs()));
        let near = |bound: Option<f64>| bound.map_or(Some(false), |bound| clearly(apart, bound));
        match (near(absolute), near(relative)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        }
    }
}

impl Bound {
    fn new(field: &str, amount: &Amount) -> Result<Self> {
        let exact = amount.0.parse().ok();
        let exact = exact.filter(|n: &Number| n.is_finite() && !n.is_negative());
        let exact = exact
            .ok_or_else(|| invalid(format!("`{}` is not a tolerance for `{field}`", amount.0)))?;
        let text = exact.to_string();
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let small = digits.parse().ok().zip(exponent.parse().ok());
        Ok(Self { small, float: text.parse().unwrap_or(f64::NAN), exact })
    }
}

/// Whether `apart <= digits × 10^exponent`. What does not fit into 128 bits is more than what does.
fn at_most(apart: u128, digits: u128, exponent: i32) -> bool {
    if apart == 0 || digits == 0 {
        return apart == 0;
    }
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    if exponent < 0 {
        power.and_then(|power| apart.checked_mul(power)).is_some_and(|apart| apart <= digits)
    } else {
        power.and_then(|power| digits.checked_mul(power)).is_none_or(|bound| apart <= bound)
    }
}

/// Whether `apart <= bound` beyond the doubt of a few roundings of either; `None` if in doubt.
fn clearly(apart: f64, bound: f64) -> Option<bool> {
    const DOUBT: f64 = 8.0 * f64::EPSILON;
    // Near the ends of what doubles hold, roundings are not relative to the value.
    if !(1e-290..1e290).contains(&bound) {
        return None;
    }
    if apart <= bound * (1.0 - DOUBT) {
        return Some(true);
    }
    (apart >= bound * (1.0 + DOUBT)).then_some(false)
}

/// Reads `90s`: digits and a unit, in nanoseconds.
pub(super) fn read_time(field: &str, text: &str) -> Result<u128> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(digits);
    let unit = match unit {
        "ns" => Some(1),
        "us" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        "d" => Some(NANOS_PER_DAY),
        _ => None,
    };
    let count: Option<u128> = digits.parse().ok();
    count.zip(unit).and_then(|(count, unit)| count.checked_mul(unit)).ok_or_else(|| {
        invalid(format!("`{text}` is not a time tolerance for `{field}`; write it like `90s`"))
    })
}

const NANOS_PER_DAY: u128 = 86_400_000_000_000;

/// How many nanoseconds two times of one type are apart; a day has 24 hours.
pub(super) fn apart(a: &Value, b: &Value) -> Option<u128> {
    match (a, b) {
        (Value::Date(a), Value::Date(b)) => Some(u128::from(a.abs_diff(*b)) * NANOS_PER_DAY),
        (Value::Datetime(a), Value::Datetime(b)) | (Value::Instant(a), Value::Instant(b)) => {
            Some(a.abs_diff(*b))
        }
        _ => None,
    }
}

/// [`apart`] of cells.
pub(super) fn apart_cells(a: &Cell<'_>, b: &Cell<'_>) -> Option<u128> {
    match (a, b) {
        (Cell::Date(a), Cell::Date(b)) => Some(u128::from(a.abs_diff(*b)) * NANOS_PER_DAY),
        (Cell::Datetime(a), Cell::Datetime(b)) | (Cell::Instant(a), Cell::Instant(b)) => {
            Some(a.abs_diff(*b))
        }
        _ => None,
    }
}
