//! Which type holds all numbers of a column.

use trueup_connector::LogicalType;

use super::guess::{Plan, Sample};
use super::number::{self, Shape};
use crate::inference::RuledOut;

/// Digits of the widest decimal.
const WIDEST: usize = 76;

/// What is known of the numbers of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The most digits before the point.
    whole: usize,
    scales: Option<(usize, usize)>,
    has_whole: bool,
    has_point_zero: bool,
    point: Option<Sample>,
    /// The first that is beyond 64 bits.
    wide: Option<Sample>,
    exponent: Option<Sample>,
    /// The first whose digits a float would lose.
    not_float: Option<Sample>,
    /// The first that ends in a zero that counts nothing.
    spare_zero: Option<Sample>,
}

impl Numbers {
    /// Takes a whole number of at most 15 digits.
    #[inline]
    pub(crate) fn see_short(&mut self, text: &[u8]) {
        // Counting a minus or a lone zero as a digit here would make decimals wider than needed.
        let digits = text.len() - usize::from(text.first() == Some(&b'-'));
        self.whole = self.whole.max(if text == b"0" { 0 } else { digits });
        self.see_whole();
    }

    #[inline]
    fn see_whole(&mut self) {
        self.has_whole = true;
        let (_, high) = self.scales.unwrap_or_default();
        self.scales = Some((0, high));
    }

    /// Takes a number with a point and at most 15 digits, unless it is evidence.
    #[inline]
    pub(super) fn see_plain(&mut self, shape: &Shape) -> bool {
        let is_point_zero = shape.scale == 1 && shape.ends_in_zero;
        let is_spare = shape.ends_in_zero && !is_point_zero;
        if self.point.is_none() || (is_spare && self.spare_zero.is_none()) {
            return false;
        }
        self.whole = self.whole.max(shape.whole);
        self.has_point_zero |= is_point_zero;
        let (low, high) = self.scales.unwrap_or((shape.scale, shape.scale));
        self.scales = Some((low.min(shape.scale), high.max(shape.scale)));
        true
    }

    pub(crate) fn see(&mut self, text: &[u8], shape: &Shape, line: &impl Fn() -> u64) {
        let note = |slot: &mut Option<Sample>, applies: bool| {
            if applies && slot.is_none() {
                *slot = Some(Sample::new(text, line()));
            }
        };
        self.whole = self.whole.max(shape.whole);
        note(&mut self.exponent, shape.has_exponent);
        note(&mut self.point, shape.has_point);
        note(
            &mut self.wide,
            !shape.has_point && !shape.has_exponent && number::int(text).is_none(),
        );
        note(&mut self.not_float, needs_look(shape) && !number::is_float(text, shape));
        let is_point_zero = shape.scale == 1 && shape.ends_in_zero;
        note(&mut self.spare_zero, shape.ends_in_zero && !is_point_zero);
        self.has_point_zero |= is_point_zero;
        self.has_whole |= !shape.has_point;
        let (low, high) = self.scales.unwrap_or((shape.scale, shape.scale));
        self.scales = Some((low.min(shape.scale), high.max(shape.scale)));
    }

    pub(crate) fn merge(&mut self, later: Self) {
        let earlier = |mine: &mut Option<Sample>, theirs| *mine = mine.take().or(theirs);
        self.whole = self.whole.max(later.whole);
        self.scales = match (self.scales, later.scales) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (a, b) => a.or(b),
        };
        self.has_whole |= later.has_whole;
        self.has_point_zero |= later.has_point_zero;
        earlier(&mut self.point, later.point);
        earlier(&mut self.wide, later.wide);
        earlier(&mut self.exponent, later.exponent);
        earlier(&mut self.not_float, later.not_float);
        earlier(&mut self.spare_zero, later.spare_zero);
    }

    /// The type where two different texts must never become the same value.
    pub(crate) fn finish(&self) -> (Plan, Vec<RuledOut>) {
        let (low, high) = self.scales.unwrap_or_default();
        let mixed = low != high && self.exponent.is_none();
        let why = match &self.spare_zero {
            Some(zero) if mixed => Some(zero),
            _ if mixed && self.has_whole && self.has_point_zero => self.point.as_ref(),
            _ => None,
        };
        match why {
            None => self.finish_values(),
            Some(sample) => {
                let mut out = self.not_int();
                let why = "a decimal of one scale: `1.5` and `1.50` would become the same value";
                out.push(sample.rules_out(why));
                (Plan::new(LogicalType::Text), out)
            }
        }
    }

    /// The type where only the values count, as in JSON.
    pub(crate) fn finish_values(&self) -> (Plan, Vec<RuledOut>) {
        let (_, scale) = self.scales.unwrap_or_default();
        let precision = (self.whole + scale).max(1);
        let mut out = self.not_int();
        let ty = if out.is_empty() {
            LogicalType::Int
        } else if let Some(exponent) = &self.exponent {
            out.push(exponent.rules_out("a decimal"));
            out.extend(self.not_float.iter().map(|sample| sample.rules_out("a float")));
            if self.not_float.is_some() { LogicalType::Text } else { LogicalType::Float }
        } else if let (Ok(p), Ok(s), true) =
            (u8::try_from(precision), i8::try_from(scale), precision <= WIDEST)
        {
            LogicalType::Decimal(p, s)
        } else {
            let sample = self.wide.as_ref().or(self.point.as_ref());
            out.extend(
                sample.map(|sample| sample.rules_out("a decimal of 76 digits, with the others")),
            );
            LogicalType::Text
        };
        (Plan::new(ty), out)
    }

    fn not_int(&self) -> Vec<RuledOut> {
        let wide = self.wide.as_ref().map(|sample| sample.rules_out("an int of 64 bits"));
        let point = self.point.as_ref().map(|sample| sample.rules_out("an int"));
        let exponent = self.exponent.as_ref().map(|sample| sample.rules_out("an int"));
        wide.or(point).or(exponent).into_iter().collect()
    }
}

/// Up to 15 digits, with an exponent in range, a float holds every decimal.
fn needs_look(shape: &Shape) -> bool {
    shape.has_exponent || shape.digits() > 15
}
