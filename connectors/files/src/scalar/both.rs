//! Seeing values and making a column of them at the same time, by what the type seems to be.

use super::build::{Build, Chars, Texts, Values};
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
    pub(crate) fn extend<'a>(&mut self, texts: &impl Texts<'a>, line: impl Fn(usize) -> u64) {
        let mut first = 0;
        if let Some(build) = &mut self.build {
            let guess = &mut self.guess;
            let taken = match build {
                Build::Int(into) => ints(guess, into, texts, &line),
                Build::Date(into) => dates(guess, into, texts, &line),
                Build::Decimal(into, p, s) => decimals(guess, into, (*p, *s), texts, &line),
                Build::Text(into) => chars(guess, into, texts, &line),
                _ => return self.others(texts, &line),
            };
            match taken {
                Ok(()) => return,
                Err(row) => (self.build, first) = (None, row + 1),
            }
        }
        self.guess.see_from(first, texts, &line);
    }

    fn others<'a>(&mut self, texts: &impl Texts<'a>, line: &impl Fn(usize) -> u64) {
        self.guess.see_from(0, texts, line);
        if self.build.as_mut().is_some_and(|build| build.extend(texts).is_err()) {
            self.build = None;
        }
    }
}

#[inline]
fn ints<'a>(
    guess: &mut Guess,
    into: &mut Values<Int64Type>,
    texts: &impl Texts<'a>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for row in 0..texts.len() {
        let Some(raw) = texts.value(row) else {
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
    texts: &impl Texts<'a>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for row in 0..texts.len() {
        let Some(raw) = texts.value(row) else {
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
    texts: &impl Texts<'a>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    // The precision is whatever the values turn out to need; it is set at the end.
    let (most, places) = (precision.max(38), usize::from(scale.unsigned_abs()));
    for row in 0..texts.len() {
        let Some(raw) = texts.value(row) else {
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
fn chars<'a>(
    guess: &mut Guess,
    into: &mut Chars,
    texts: &impl Texts<'a>,
    line: &impl Fn(usize) -> u64,
) -> Result<(), usize> {
    for row in 0..texts.len() {
        let Some(raw) = texts.value(row) else {
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
