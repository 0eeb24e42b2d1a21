//! Numbers in text: what they look like, and their values.

use arrow_buffer::i256;

/// What a number in text looks like: `-12.50`, `3`, `1.5e-7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Digits before the point; none is counted for a lone zero.
    pub(crate) whole: usize,
    /// Digits after the point.
    pub(crate) scale: usize,
    /// Whether it has a point.
    pub(crate) has_point: bool,
    /// Whether it has an exponent.
    pub(crate) has_exponent: bool,
    /// Whether the last digit after the point is a zero.
    pub(crate) ends_in_zero: bool,
}

impl Shape {
    /// Digits that count.
    pub(crate) fn digits(&self) -> usize {
        self.whole + self.scale
    }
}

/// The shape of a number that is written in the one plain way: no plus, no leading zeros, no minus
/// before a zero, digits on both sides of a point. Anything else is text, so that nothing is lost.
pub(crate) fn shape(text: &[u8]) -> Option<Shape> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let (mantissa, has_exponent) = match memchr::memchr2(b'e', b'E', unsigned) {
        None => (unsigned, false),
        Some(at) => {
            is_exponent(unsigned.get(at + 1..)?).then_some(())?;
            (unsigned.get(..at)?, true)
        }
    };
    let (whole, fraction) = match memchr::memchr(b'.', mantissa) {
        None => (mantissa, None),
        Some(at) => (mantissa.get(..at)?, Some(mantissa.get(at + 1..)?)),
    };
    let digits = fraction.unwrap_or_default();
    let fits = is_whole(whole) && all_digits(digits) && fraction != Some(b"");
    let is_minus_zero =
        || unsigned.len() != text.len() && mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
    (fits && !is_minus_zero()).then(|| Shape {
        whole: if whole == b"0" { 0 } else { whole.len() },
        scale: digits.len(),
        has_point: fraction.is_some(),
        has_exponent,
        ends_in_zero: digits.last() == Some(&b'0'),
    })
}

/// Whether it is a whole number of at most 15 digits in its one plain form: what a float holds too.
#[inline]
pub(crate) fn is_short_int(text: &[u8]) -> bool {
    let digits = match text {
        [b'-', digits @ ..] => digits,
        digits => digits,
    };
    match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 15 && all_digits(rest),
        _ => false,
    }
}

/// A whole number of at most 15 digits in its one plain form.
#[inline]
pub(super) fn plain_int(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text {
        [b'-', digits @ ..] => (digits, -1),
        digits => (digits, 1),
    };
    let fits = match digits {
        [b'0'] => sign > 0,
        [b'1'..=b'9', ..] => digits.len() <= 15,
        _ => false,
    };
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    // Digits that do not fit may have wrapped.
    fits.then(|| value * sign)
}

/// A number with a point, of at most 15 digits in its one plain form: its shape, and its unscaled
/// value at this scale if it fits there.
#[inline]
pub(super) fn plain_decimal(text: &[u8], scale: usize) -> Option<(Shape, i64)> {
    let (unsigned, sign) = match text {
        [b'-', unsigned @ ..] => (unsigned, -1),
        unsigned => (unsigned, 1),
    };
    let fits = match unsigned {
        [b'0', b'.', _, ..] | [b'1'..=b'9', _, _, ..] => unsigned.len() <= 16,
        _ => false,
    };
    if !fits {
        return None;
    }
    let (mut value, mut point) = (0_i64, None);
    for (at, byte) in unsigned.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let point = point?;
    let digits = unsigned.len() - 1 - point;
    let missing = scale.checked_sub(digits)?;
    let power = i64::try_from(*POWERS.get(missing)?).ok()?;
    let shape = Shape {
        whole: if unsigned.first() == Some(&b'0') { 0 } else { point },
        scale: digits,
        has_point: true,
        has_exponent: false,
        ends_in_zero: unsigned.last() == Some(&b'0'),
    };
    let fits = digits > 0 && (value != 0 || sign > 0);
    fits.then(|| Some((shape, value.checked_mul(power)? * sign)))?
}

/// A whole number of 64 bits; a plus and leading zeros are taken too.
#[inline]
pub(crate) fn int(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text {
        [b'-', digits @ ..] => (digits, -1),
        [b'+', digits @ ..] => (digits, 1),
        digits => (digits, 1),
    };
    if digits.is_empty() || digits.len() > 18 {
        return long_int(text);
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return long_int(text);
        }
        value = value * 10 + i64::from(digit);
    }
    Some(value * sign)
}

/// A whole number that is long, or written as `5.0` or `1e3`.
#[cold]
fn long_int(text: &[u8]) -> Option<i64> {
    let whole = wide_decimal(text, 19, 0)?.to_i128()?;
    i64::try_from(whole).ok()
}

/// An unscaled decimal of this scale, if the number fits it exactly.
///
/// Exponents are taken, as are a plus and leading zeros; zeros after the last digit that count
/// nothing may be more than the scale.
#[inline]
pub(crate) fn decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        digits => (digits, false),
    };
    if digits.len() > 18 || scale < 0 {
        return wide_decimal(text, precision, scale)?.to_i128();
    }
    let (mut value, mut seen, mut after) = (0_u64, 0_u8, None::<i8>);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
            seen = 1;
            after = after.map(|n| n + 1);
        } else if *byte == b'.' && after.is_none() {
            after = Some(0);
        } else {
            return wide_decimal(text, precision, scale)?.to_i128();
        }
    }
    let missing = scale - after.unwrap_or(0);
    if seen == 0 || missing < 0 {
        return wide_decimal(text, precision, scale)?.to_i128();
    }
    let power = *POWERS.get(usize::from(missing.unsigned_abs()))?;
    let value = i128::from(value).checked_mul(power)?;
    let fits = POWERS.get(usize::from(precision)).is_none_or(|limit| value < *limit);
    fits.then_some(if negative { -value } else { value })
}

/// The same for up to 256 bits.
pub(crate) fn wide_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i256> {
    let text = std::str::from_utf8(text).ok()?;
    let number: trueup_connector::Number = text.parse().ok()?;
    let unscaled = number.to_unscaled(scale)?;
    let limit = i256::from_i128(10).checked_pow(precision.into());
    limit.is_none_or(|limit| unscaled.wrapping_abs() < limit).then_some(unscaled)
}

/// The nearest float, where the number is in the range of floats.
#[inline]
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let is_word = || matches!(text, "nan" | "NaN" | "inf" | "-inf" | "Infinity" | "-Infinity");
    let value: f64 = text.parse().ok()?;
    // Digits beyond the range of floats must not become infinite silently, nor those below it zero.
    let fits = if value.is_normal() { true } else { is_word() || is_tiny(text, value) };
    fits.then_some(value)
}

/// Whether a float gives back all digits of this number.
pub(crate) fn is_float(text: &[u8], shape: &Shape) -> bool {
    let Some(value) = float(text) else { return false };
    if value == 0.0 || value.is_normal() && shape.digits() <= 15 {
        return true;
    }
    let shortest = format!("{value:e}");
    std::str::from_utf8(text).is_ok_and(|text| is_same(text, &shortest))
}

/// Whether a float that is zero or below the normal ones has all digits of the text: such floats
/// have fewer digits than others, and the smallest have one.
#[cold]
fn is_tiny(text: &str, value: f64) -> bool {
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let digits = digits.filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    match digits.checked_sub(1) {
        None => value == 0.0,
        // No float has more digits than this.
        Some(after) => {
            value.is_subnormal() && is_same(text, &format!("{value:.*e}", after.min(800)))
        }
    }
}

/// Whether two texts are the same number.
fn is_same(a: &str, b: &str) -> bool {
    let exact = |text: &str| text.parse::<trueup_connector::Number>().ok();
    exact(a).is_some_and(|a| Some(a) == exact(b))
}

/// Powers of ten that fit 128 bits.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < 39 {
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiling")]
        {
            powers[i] = powers[i - 1] * 10;
        }
        i += 1;
    }
    powers
};

fn is_whole(text: &[u8]) -> bool {
    match text {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => all_digits(rest),
        _ => false,
    }
}

fn is_exponent(text: &[u8]) -> bool {
    let digits = match text {
        [b'-' | b'+', digits @ ..] => digits,
        digits => digits,
    };
    !digits.is_empty() && digits.len() < 5 && all_digits(digits)
}

#[inline]
fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plain_form_is_a_number() {
        for text in ["0", "-1", "12", "0.5", "-0.05", "1e5", "1.5E-7", "123456789012345678901"] {
            assert!(shape(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "", "-", "007", "+1", "-0", "-0.00", "1.", ".5", "1e", "0x1", "1 ", "1_0", "--1",
            "1e99999",
        ] {
            assert!(shape(text.as_bytes()).is_none(), "{text}");
        }
        for text in [
            "0", "-1", "12", "1.5", "-0.05", "0.0", "-0", "-0.0", "01", "1.", ".5", "1.2.3", "1x",
            "-", "",
        ] {
            let text = text.as_bytes();
            assert_eq!(plain_int(text).is_some(), is_short_int(text), "{text:?}");
            let shown = shape(text).filter(|shape| shape.has_point);
            assert_eq!(plain_decimal(text, 4).map(|(shape, _)| shape), shown, "{text:?}");
            assert_eq!(
                plain_decimal(text, 4).map(|(_, n)| n.into()),
                shown.and_then(|_| decimal(text, 9, 4))
            );
        }
        assert!(is_short_int(b"-123456789012345") && !is_short_int(b"1234567890123456"));
    }

    #[test]
    fn decimals_are_exact_or_nothing() {
        let check = |text: &str, want| assert_eq!(decimal(text.as_bytes(), 10, 2), want, "{text}");
        check("12.5", Some(1250));
        check("-0.01", Some(-1));
        check("7", Some(700));
        check("1.500", Some(150));
        check("1.505", None);
        check("1e2", Some(10000));
        check("99999999.99", Some(9_999_999_999));
        check("100000000", None);
        check(".", None);
        check("", None);
        check("1.2.3", None);
        assert_eq!(decimal(b"12345678901234567890.5", 30, 1), Some(123_456_789_012_345_678_905));
    }

    #[test]
    fn ints_and_floats() {
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(
            (int(b"9223372036854775808"), int(b""), int(b"-"), int(b"1a")),
            (None, None, None, None)
        );
        assert_eq!(
            (float(b"1e400"), float(b"0.1"), float(b"NaN").map(f64::is_nan)),
            (None, Some(0.1), Some(true))
        );
        let whole = |text: &[u8]| is_float(text, &shape(text).unwrap());
        assert!(whole(b"0.30000000000000004") && !whole(b"0.30000000000000001"));
        let long = b"1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901e5";
        assert!(!whole(long));
    }

    #[test]
    fn below_the_range_of_floats_is_no_float() {
        let whole = |text: &str| is_float(text.as_bytes(), &shape(text.as_bytes()).unwrap());
        for text in ["1e-400", "-1e-400", "3e-324", "1e-324", "1.23456789e-320"] {
            assert!(float(text.as_bytes()).is_none() && !whole(text), "{text}");
        }
        for text in
            ["0e0", "0.0", "0e-400", "5e-324", "-1.2347e-320", "2.2250738585072014e-308", "1e-308"]
        {
            assert!(whole(text), "{text}");
        }
        // Declared, a float may be written with more digits than it needs, or fewer.
        for text in ["4.9406564584124654e-324", "4.9E-324", "4.94065645841246544e-324"] {
            assert_eq!((float(text.as_bytes()), whole(text)), (Some(5e-324), false), "{text}");
        }
        assert_eq!(
            (float(b"-0.0"), float(b"1e400"), float(b"inf")),
            (Some(-0.0), None, Some(f64::INFINITY))
        );
    }

    #[test]
    fn what_overflows_is_nothing() {
        assert_eq!(plain_int(b"-9223372036854775808"), None);
        assert_eq!(plain_int(b"-99999999999999999999"), None);
        assert_eq!((decimal(b"2", 38, 38), decimal(b"0", 38, 38)), (None, Some(0)));
    }
}
