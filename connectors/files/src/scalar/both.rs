//! Seeing values and making a column of them at the same time, by what the type seems to be.

use super::build::{Build, Raw, Texts, Values};
use super::guess::{Guess, Lead};
use super::{number, time};
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type};

/// A column that is guessed and built at once.
#[derive(Debug)]
pub(crate) struct Both {
    pub(crate) guess: Guess,
    /// `None` once a value did not fit the type that was expected.
    pub(crate) build: Option<Build>,
}

impl Both {
    /// Takes values; the same as seeing them and adding them one after the other.
    #[inline]
    pub(crate) fn extend<'a>(
        &mut self,
        mut values: impl Iterator<Item = Option<Raw<'a>>>,
        line: impl Fn(usize) -> u64,
    ) {
        let mut row = 0;
        if let Some(build) = &mut self.build {
            let (guess, values) = (&mut self.guess, &mut values);
            let taken = match build {
                Build::Int(into) => ints(guess, into, values, &line),
                Build::Date(into) => dates(guess, into, values, &line),
                Build::Decimal(into, p, s) => decimals(guess, into, (*p, *s), values, &line),
                Build::Text(into) => texts(guess, into, values, &line),
                _ => others(guess, build, values, &line),
            };
            match taken {
                Ok(()) => return,
                Err(at) => (self.build, row) = (None, at + 1),
            }
        }
        for (value, row) in values.zip(row..) {
            see(&mut self.guess, value, || line(row));
        }
    }
}

#[inline(always)]
fn see(guess: &mut Guess, value: Option<Raw<'_>>, line: impl Fn() -> u64) {
    match value {
        None => guess.see_null(),
        Some(raw) => guess.see(raw.text, line),
    }
}

#[inline]
fn others<'a>(
    guess: &mut Guess,
    build: &mut Build,
    values: &mut impl Iterator<Item = Option<Raw<'a>>>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    let mut row = 0;
    build.extend(values.inspect(|value| {
        see(guess, *value, || line(row));
        row += 1;
    }))
}

#[inline]
fn ints<'a>(
    guess: &mut Guess,
    into: &mut Values<Int64Type>,
    values: &mut impl Iterator<Item = Option<Raw<'a>>>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for (row, value) in values.enumerate() {
        let Some(raw) = value else {
            guess.see_null();
            into.push_null();
            continue;
        };
        match number::plain_int(raw.text) {
            Some(value) if guess.lead == Lead::Number => {
                guess.values += 1;
                guess.numbers.see_short(raw.text);
                into.push(value);
            }
            _ => {
                guess.see(raw.text, || line(row));
                into.push(number::int(raw.text).ok_or(row)?);
            }
        }
    }
    Ok(())
}

#[inline]
fn dates<'a>(
    guess: &mut Guess,
    into: &mut Values<Date32Type>,
    values: &mut impl Iterator<Item = Option<Raw<'a>>>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for (row, value) in values.enumerate() {
        let Some(raw) = value else {
            guess.see_null();
            into.push_null();
            continue;
        };
        let date = time::date(raw.text);
        match date.is_some() && guess.lead == Lead::Date {
            true => guess.values += 1,
            false => guess.see(raw.text, || line(row)),
        }
        into.push(date.ok_or(row)?);
    }
    Ok(())
}

#[inline]
fn decimals<'a>(
    guess: &mut Guess,
    into: &mut Values<Decimal128Type>,
    (precision, scale): (u8, i8),
    values: &mut impl Iterator<Item = Option<Raw<'a>>>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    // The precision is whatever the values turn out to need; it is set at the end.
    let (most, places) = (precision.max(38), usize::from(scale.unsigned_abs()));
    for (row, value) in values.enumerate() {
        let Some(raw) = value else {
            guess.see_null();
            into.push_null();
            continue;
        };
        if guess.lead == Lead::Number
            && let Some((shape, value)) = number::plain_decimal(raw.text, places)
            && guess.numbers.see_plain(&shape)
        {
            guess.values += 1;
            into.push(value.into());
            continue;
        }
        guess.see(raw.text, || line(row));
        into.push(number::decimal(raw.text, most, scale).ok_or(row)?);
    }
    Ok(())
}

#[inline]
fn texts<'a>(
    guess: &mut Guess,
    into: &mut Texts,
    values: &mut impl Iterator<Item = Option<Raw<'a>>>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for (row, value) in values.enumerate() {
        let Some(raw) = value else {
            guess.see_null();
            into.push_null();
            continue;
        };
        match guess.lead == Lead::Text {
            true => guess.values += 1,
            false => guess.see(raw.text, || line(row)),
        }
        into.push(raw).ok_or(row)?;
    }
    Ok(())
}
