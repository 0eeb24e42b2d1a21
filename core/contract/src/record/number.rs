//! Exact numbers: the one value behind an int, a decimal and a float.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use arrow_buffer::i256;
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, Zero};

use crate::error::{Error, Kind, Result};

/// An exact number: `coefficient × 10^exponent`, an infinity, or not a number.
///
/// Every int, decimal and binary float has exactly one such form, so numbers of different types
/// are equal when their values are equal: 5, 5.00 and 5.0 are, 2^53 + 1 and the float 2^53 are not.
/// There is one zero and one not-a-number. The order is that of the values, with not-a-number last.
///
/// [`fmt::Display`] writes the canonical text of the byte-level spec (`docs/spec`): `0`, `nan`,
/// `inf`, `-inf`, or digits without leading or trailing zeros, `e`, and the exponent.
///
/// ```
/// use trueup_connector::Number;
///
/// assert_eq!(Number::from(0.5), "0.500".parse().unwrap());
/// assert_eq!(Number::from(100).to_string(), "1e2");
/// assert_ne!(Number::from(0.1), "0.1".parse().unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    NegativeInfinity,
    Finite { coefficient: BigInt, exponent: i32 },
    Infinity,
    Nan,
}

impl Number {
    /// `unscaled × 10^-scale`, the value of a decimal.
    pub fn decimal(unscaled: i256, scale: i8) -> Self {
        let coefficient = match unscaled.to_i128() {
            Some(small) => BigInt::from(small),
            None => BigInt::from_signed_bytes_le(&unscaled.to_le_bytes()),
        };
        Self::finite(coefficient, -i32::from(scale))
    }

    /// Whether it is neither infinite nor not a number.
    pub fn is_finite(&self) -> bool {
        matches!(self.0, Form::Finite { .. })
    }

    /// Whether `|self - other| <= bound`; equal infinities are 0 apart, and so are two
    /// not-a-numbers.
    pub fn within(&self, other: &Self, bound: &Self) -> bool {
        if self == other {
            return !bound.is_negative();
        }
        match (self.parts(), other.parts(), bound.parts()) {
            (Some(a), Some(b), Some(bound)) => {
                let e = a.1.min(b.1).min(bound.1);
                (raise(a, e) - raise(b, e)).abs() <= raise(bound, e)
            }
            _ => bound.0 == Form::Infinity && self.is_finite() && other.is_finite(),
        }
    }

    /// `factor × max(|self|, |other|)`; `None` where one of them is not finite.
    pub fn share_of_larger(&self, other: &Self, factor: &Self) -> Option<Self> {
        let (a, b, factor) = (self.parts()?, other.parts()?, factor.parts()?);
        let e = a.1.min(b.1);
        let larger = raise(a, e).abs().max(raise(b, e).abs());
        Some(Self::finite(larger * factor.0, e + factor.1))
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Form::NegativeInfinity => true,
            Form::Finite { coefficient, .. } => coefficient.is_negative(),
            Form::Infinity | Form::Nan => false,
        }
    }

    /// The unscaled value at this scale, where the number has no more digits than that and they
    /// fit into 256 bits.
    pub fn to_unscaled(&self, scale: i8) -> Option<i256> {
        let (coefficient, exponent) = self.parts()?;
        let shift = u32::try_from(exponent.checked_add(i32::from(scale))?).ok()?;
        let wide = (shift <= 80).then(|| coefficient * BigInt::from(10).pow(shift))?;
        i256::from_string(&wide.to_string())
    }

    /// How many digits it needs after the point (negative: zeros before it), and how many in all.
    pub fn digits(&self) -> Option<(i32, usize)> {
        let (coefficient, exponent) = self.parts()?;
        Some((-exponent, coefficient.abs().to_string().len()))
    }

    fn finite(coefficient: BigInt, exponent: i32) -> Self {
        let (coefficient, exponent) = normal(coefficient, exponent);
        Self(Form::Finite { coefficient, exponent })
    }

    fn parts(&self) -> Option<(&BigInt, i32)> {
        match &self.0 {
            Form::Finite { coefficient, exponent } => Some((coefficient, *exponent)),
            _ => None,
        }
    }

    fn rank(&self) -> i8 {
        match self.0 {
            Form::NegativeInfinity => 0,
            Form::Finite { .. } => 1,
            Form::Infinity => 2,
            Form::Nan => 3,
        }
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Self {
        Self::finite(BigInt::from(value), 0)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::from(i128::from(value))
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self::from(i128::from(value))
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        if value.is_nan() {
            return Self(Form::Nan);
        }
        if value.is_infinite() {
            return Self(if value > 0.0 { Form::Infinity } else { Form::NegativeInfinity });
        }
        let (mantissa, exponent, sign) = num_traits::float::FloatCore::integer_decode(value);
        let mantissa = BigInt::from(mantissa) * sign;
        match u32::try_from(exponent) {
            Ok(up) => Self::finite(mantissa << up, 0),
            // m × 2^-k = m × 5^k × 10^-k
            Err(_) => {
                let down = u32::from(exponent.unsigned_abs());
                Self::finite(mantissa * BigInt::from(5).pow(down), i32::from(exponent))
            }
        }
    }
}

impl FromStr for Number {
    type Err = Error;

    /// Reads `-12.50`, `3`, `1e-5`, `nan`, `inf`, `-inf`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "nan" | "NaN" => return Ok(Self(Form::Nan)),
            "inf" | "Infinity" => return Ok(Self(Form::Infinity)),
            "-inf" | "-Infinity" => return Ok(Self(Form::NegativeInfinity)),
            _ => {}
        }
        parse(text).ok_or_else(|| Error::new(Kind::Data, format!("`{text}` is not a number")))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.parts(), other.parts()) {
            (Some(a), Some(b)) => {
                let e = a.1.min(b.1);
                raise(a, e).cmp(&raise(b, e))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Nan => f.write_str("nan"),
            Form::Infinity => f.write_str("inf"),
            Form::NegativeInfinity => f.write_str("-inf"),
            Form::Finite { coefficient, .. } if coefficient.is_zero() => f.write_str("0"),
            Form::Finite { coefficient, exponent } => write!(f, "{coefficient}e{exponent}"),
        }
    }
}

fn normal(coefficient: BigInt, exponent: i32) -> (BigInt, i32) {
    if coefficient.is_zero() {
        return (coefficient, 0);
    }
    if let Ok(small) = i128::try_from(&coefficient) {
        let (small, zeros) = strip_small(small);
        return (BigInt::from(small), exponent + zeros);
    }
    let digits = coefficient.magnitude().to_string();
    let kept = digits.trim_end_matches('0');
    let zeros = i32::try_from(digits.len() - kept.len()).unwrap_or(i32::MAX);
    let sign = if coefficient.sign() == Sign::Minus { -1 } else { 1 };
    let kept = kept.parse::<BigInt>().unwrap_or(coefficient);
    (kept * sign, exponent.saturating_add(zeros))
}

fn strip_small(mut value: i128) -> (i128, i32) {
    let mut zeros = 0;
    while value % 10 == 0 {
        value /= 10;
        zeros += 1;
    }
    (value, zeros)
}

/// The coefficient at the lower exponent `e`.
fn raise((coefficient, exponent): (&BigInt, i32), e: i32) -> BigInt {
    coefficient * BigInt::from(10).pow(exponent.abs_diff(e))
}

fn parse(text: &str) -> Option<Number> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    // A hostile exponent must not cost unbounded memory later.
    if !(-5_000..=5_000).contains(&exponent) {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (digits.is_empty() && fraction.is_empty()) || !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    let coefficient: BigInt = format!("{digits}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?;
    let signed = if whole.starts_with('-') { -coefficient } else { coefficient };
    Some(Number::finite(signed, exponent - scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn one_value_has_one_form() {
        assert_eq!(Number::from(5), Number::decimal(i256::from(500), 2));
        assert_eq!(Number::from(5), Number::from(5.0));
        assert_eq!(Number::from(-0.0), Number::from(0));
        assert_eq!(Number::from(f64::NAN), n("nan"));
        assert_ne!(Number::from((1_i64 << 53) + 1), Number::from((1_u64 << 53) as f64));
        assert_eq!(n(&Number::from(1e300).to_string()), Number::from(1e300));
        assert_ne!(Number::from(1e300), n("1e300"));
    }

    #[test]
    fn canonical_text_is_exact() {
        assert_eq!(n("-012.500").to_string(), "-125e-1");
        assert_eq!(Number::from(u64::MAX as i128).to_string(), "18446744073709551615e0");
        assert_eq!(
            Number::from(0.1).to_string(),
            "1000000000000000055511151231257827021181583404541015625e-55"
        );
    }

    #[test]
    fn order_is_that_of_the_values() {
        let sorted = ["-inf", "-2", "-1.5", "0", "1e-9", "0.1", "1e3", "inf", "nan"].map(n);
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn bounds_are_inclusive_and_exact() {
        assert!(n("1.1").within(&n("1.0"), &n("0.1")));
        assert!(!n("1.1").within(&n("1.0"), &n("0.0999")));
        assert!(n("inf").within(&n("inf"), &n("0")));
        assert!(!n("inf").within(&n("1"), &n("100")));
        assert!(!n("nan").within(&n("1"), &n("100")));
        assert_eq!(n("-10").share_of_larger(&n("8"), &n("0.2")), Some(n("2")));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "1.2.3", "0x10", "1e999999999", "１"] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn decimals_come_back_only_when_they_fit() {
        assert_eq!(n("1.5").to_unscaled(2), Some(i256::from(150)));
        assert_eq!(n("1.55").to_unscaled(1), None);
        assert_eq!(n("1e80").to_unscaled(2), None);
    }
}
