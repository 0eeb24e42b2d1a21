//! PostgreSQL's binary numerics: digits to the base 10,000.

use arrow_buffer::i256;

/// A numeric as it came over the wire.
pub(crate) struct Numeric<'a> {
    digits: &'a [u8],
    weight: i16,
    negative: bool,
}

/// What is no number that a decimal can hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Special {
    NaN,
    Infinity,
    NegativeInfinity,
    Malformed,
}

impl<'a> Numeric<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Special> {
        let (head, digits) = bytes.split_at_checked(8).ok_or(Special::Malformed)?;
        let &[n1, n2, w1, w2, s1, s2, _, _] = head else { return Err(Special::Malformed) };
        let negative = match u16::from_be_bytes([s1, s2]) {
            0x0000 => false,
            0x4000 => true,
            0xC000 => return Err(Special::NaN),
            0xD000 => return Err(Special::Infinity),
            0xF000 => return Err(Special::NegativeInfinity),
            _ => return Err(Special::Malformed),
        };
        if digits.len() != usize::from(u16::from_be_bytes([n1, n2])) * 2 {
            return Err(Special::Malformed);
        }
        Ok(Self { digits, weight: i16::from_be_bytes([w1, w2]), negative })
    }

    /// The value times 10^scale; `None` where that is not whole or too large.
    pub(crate) fn narrow(&self, scale: i8) -> Option<i128> {
        let whole = self.digits().try_fold(0_i128, |value, digit| {
            value.checked_mul(10_000)?.checked_add(digit.into())
        })?;
        let shift = self.shift(scale);
        let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
        let value = match shift {
            0.. => whole.checked_mul(factor)?,
            _ => (whole % factor == 0).then_some(whole / factor)?,
        };
        Some(if self.negative { -value } else { value })
    }

    /// As [`Numeric::narrow`], for up to 76 digits.
    pub(crate) fn wide(&self, scale: i8) -> Option<i256> {
        let small = |value: i128| i256::from_i128(value);
        let whole = self.digits().try_fold(i256::ZERO, |value, digit| {
            value.checked_mul(small(10_000))?.checked_add(small(digit.into()))
        })?;
        let shift = self.shift(scale);
        let factor = small(10).checked_pow(shift.unsigned_abs())?;
        let value = match shift {
            0.. => whole.checked_mul(factor)?,
            _ if whole.checked_rem(factor)? == i256::ZERO => whole.checked_div(factor)?,
            _ => return None,
        };
        Some(if self.negative { value.wrapping_neg() } else { value })
    }

    fn digits(&self) -> impl Iterator<Item = u16> {
        self.digits.chunks_exact(2).map(|pair| match pair {
            [a, b] => u16::from_be_bytes([*a, *b]),
            _ => 0,
        })
    }

    /// By how many tens the digits, read as a whole number, are to be multiplied.
    fn shift(&self, scale: i8) -> i32 {
        let count = i32::try_from(self.digits.len() / 2).unwrap_or(i32::MAX / 8);
        match count {
            0 => 0,
            _ => 4 * (i32::from(self.weight) - count + 1) + i32::from(scale),
        }
    }
}

impl std::fmt::Display for Numeric<'_> {
    /// For messages: the digits as PostgreSQL sent them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits: String = self.digits().map(|digit| format!("{digit:04}")).collect();
        let (point, sign) =
            ((i32::from(self.weight) + 1) * 4, if self.negative { "-" } else { "" });
        let digits = match usize::try_from(point) {
            Ok(point) if point <= digits.len() => {
                let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, ""));
                let (whole, fraction) =
                    (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
                let whole = if whole.is_empty() { "0" } else { whole };
                if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
            }
            _ => {
                let power = self.shift(0);
                format!("{}e{power}", digits.trim_start_matches('0'))
            }
        };
        match digits.char_indices().nth(100) {
            Some((end, _)) => write!(f, "{sign}{}…", digits.get(..end).unwrap_or_default()),
            None => write!(f, "{sign}{digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let mut bytes = u16::try_from(digits.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend([0, 0]);
        digits.iter().for_each(|digit| bytes.extend(digit.to_be_bytes()));
        bytes
    }

    #[test]
    fn values_come_out_exact_or_not_at_all() {
        for (weight, sign, digits, scale, want, text) in [
            (0, 0, vec![12, 3400], 2, Some(1234), "12.34"),
            (0, 0x4000, vec![12, 3400], 2, Some(-1234), "-12.34"),
            (0, 0, vec![12, 3450], 2, None, "12.345"),
            (1, 0, vec![5], 0, Some(50_000), "5e4"),
            (-1, 0, vec![1], 4, Some(1), "0.0001"),
            (-2, 0, vec![1000], 8, Some(1000), "1000e-8"),
            (0, 0, vec![], 3, Some(0), "0"),
        ] {
            let bytes = wire(weight, sign, &digits);
            let number = Numeric::parse(&bytes).unwrap();
            assert_eq!(number.narrow(scale), want, "{digits:?}");
            assert_eq!(number.wide(scale), want.map(i256::from_i128), "{digits:?}");
            if !digits.is_empty() {
                assert_eq!(number.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_said() {
        for (bytes, want) in [
            (wire(0, 0xC000, &[]), Special::NaN),
            (wire(0, 0xD000, &[]), Special::Infinity),
            (wire(0, 0xF000, &[]), Special::NegativeInfinity),
            (wire(0, 0x1234, &[]), Special::Malformed),
            (vec![0, 1, 0], Special::Malformed),
            (vec![0, 9, 0, 0, 0, 0, 0, 0], Special::Malformed),
        ] {
            assert_eq!(Numeric::parse(&bytes).err(), Some(want));
        }
    }

    #[test]
    fn more_than_38_digits_need_the_wide_form() {
        let bytes = wire(11, 0, &[9999; 12]);
        let number = Numeric::parse(&bytes).unwrap();
        assert_eq!(number.narrow(0), None);
        assert_eq!(number.wide(0).unwrap().to_string(), "9".repeat(48));
        assert_eq!(number.wide(60), None);
    }
}
