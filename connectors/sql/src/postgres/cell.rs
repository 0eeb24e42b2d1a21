//! One binary value into its column; only what fits without loss.

use std::str;

use super::numeric::{Numeric, Special};
use super::types::Wire;
use crate::columns::{Builder, ListParts};

/// PostgreSQL counts from 2000-01-01.
const DAYS_TO_2000: i32 = 10_957;
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// Appends a value; an error says what does not fit, and then the column is not to be used further.
#[inline]
pub(crate) fn append(
    builder: &mut Builder,
    wire: &Wire,
    value: Option<&[u8]>,
) -> Result<(), String> {
    let Some(bytes) = value else {
        builder.append_null();
        return Ok(());
    };
    match (builder, wire) {
        (Builder::Text(b), Wire::Text) => b.append_value(text(bytes)?),
        (Builder::Int(b), Wire::Int2) => b.append_value(i16::from_be_bytes(fixed(bytes)?).into()),
        (Builder::Int(b), Wire::Int4) => b.append_value(i32::from_be_bytes(fixed(bytes)?).into()),
        (Builder::Int(b), Wire::Int8) => b.append_value(i64::from_be_bytes(fixed(bytes)?)),
        (Builder::Int(b), Wire::Oid) => b.append_value(u32::from_be_bytes(fixed(bytes)?).into()),
        (Builder::Bool(b), Wire::Bool) => b.append_value(fixed::<1>(bytes)? != [0]),
        (Builder::Float(b), Wire::Float4) => {
            b.append_value(f32::from_be_bytes(fixed(bytes)?).into());
        }
        (Builder::Float(b), Wire::Float8) => b.append_value(f64::from_be_bytes(fixed(bytes)?)),
        (Builder::Bytes(b), Wire::Bytea) => b.append_value(bytes),
        (Builder::Date(b), Wire::Date) => b.append_value(date(bytes)?),
        (Builder::Datetime(b) | Builder::Instant(b), Wire::Timestamp) => {
            b.append_value(timestamp(bytes)?);
        }
        (Builder::Decimal(b, digits), Wire::Numeric) => {
            let number = numeric(bytes)?;
            let exact = number.narrow(digits.scale).and_then(|value| digits.narrow(value.into()));
            let exact = exact.or_else(|| digits.narrow(number.wide(digits.scale)?));
            b.append_value(exact.ok_or_else(|| too_long(&number))?);
        }
        (Builder::Wide(b, digits), Wire::Numeric) => {
            let number = numeric(bytes)?;
            let exact = number.wide(digits.scale).and_then(|value| digits.wide(value));
            b.append_value(exact.ok_or_else(|| too_long(&number))?);
        }
        (Builder::List(list), Wire::List(item)) => array(list, item, bytes)?,
        _ => return Err("the value is not of the type that was described".into()),
    }
    Ok(())
}

/// Reads big-endian numbers off the front of bytes.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// A value with its length before it; the inner `None` is null.
    pub(crate) fn value(&mut self) -> Option<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Some(None),
            length => self.take(usize::try_from(length).ok()?).map(Some),
        }
    }
}

fn array(list: &mut ListParts, item: &Wire, bytes: &[u8]) -> Result<(), String> {
    let mut rest = Bytes(bytes);
    let mut head = || Some((rest.i32()?, rest.i32()?, rest.i32()?));
    let (dimensions, _, _) = head().ok_or_else(malformed)?;
    if dimensions == 0 {
        list.append(0);
        return Ok(());
    }
    if dimensions != 1 {
        return Err(format!("the array has {dimensions} dimensions, and a list has one"));
    }
    let length = rest.i32().and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(malformed)?;
    let first = rest.i32().ok_or_else(malformed)?;
    if first != 1 {
        return Err(format!("the array counts from {first}, and a list from 1"));
    }
    for _ in 0..length {
        append(&mut list.items, item, rest.value().ok_or_else(malformed)?)?;
    }
    list.append(length);
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes).map_err(|_| {
        let shown: String = String::from_utf8_lossy(bytes).chars().take(80).collect();
        format!("the text `{shown}` is not UTF-8")
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| malformed())
}

fn date(bytes: &[u8]) -> Result<i32, String> {
    match i32::from_be_bytes(fixed(bytes)?) {
        i32::MAX => Err("the date `infinity` is on no calendar".into()),
        i32::MIN => Err("the date `-infinity` is on no calendar".into()),
        days => days.checked_add(DAYS_TO_2000).ok_or_else(|| "the date is too far away".into()),
    }
}

fn timestamp(bytes: &[u8]) -> Result<i64, String> {
    match i64::from_be_bytes(fixed(bytes)?) {
        i64::MAX => Err("the time `infinity` is on no calendar".into()),
        i64::MIN => Err("the time `-infinity` is on no calendar".into()),
        micros => micros.checked_add(MICROS_TO_2000).ok_or_else(|| {
            format!("the time {micros} microseconds after 2000-01-01 is too far away")
        }),
    }
}

fn numeric(bytes: &[u8]) -> Result<Numeric<'_>, String> {
    Numeric::parse(bytes).map_err(|special| match special {
        Special::NaN => "the numeric `NaN` is no decimal number".into(),
        Special::Infinity => "the numeric `Infinity` is no decimal number".into(),
        Special::NegativeInfinity => "the numeric `-Infinity` is no decimal number".into(),
        Special::Malformed => malformed(),
    })
}

fn too_long(number: &Numeric<'_>) -> String {
    format!("the numeric `{number}` has more digits than its column had when it was described")
}

fn malformed() -> String {
    "the server sent a malformed value".into()
}
