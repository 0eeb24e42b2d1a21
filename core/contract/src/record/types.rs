//! Logical types: what a column's values mean, whatever their physical encoding.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::{DECIMAL256_MAX_PRECISION, DataType, Field as ArrowField, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// What a column's values mean.
///
/// The text form ([`fmt::Display`], [`FromStr`]) is
/// `bool int float decimal(p,s) text bytes date datetime instant list<T> struct<a:T,b:T>`, and
/// `null` for a column without any value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum LogicalType {
    /// No value at all; can be compared with everything.
    Null,
    /// True or false.
    Bool,
    /// A whole number of up to 64 bits, with or without sign.
    Int,
    /// A binary floating-point number of up to 64 bits.
    Float,
    /// A decimal number of up to 256 bits: precision (digits in all), scale (digits after the point).
    Decimal(u8, i8),
    /// Unicode text.
    Text,
    /// Raw bytes.
    Bytes,
    /// A calendar date.
    Date,
    /// A date and time of day without a zone.
    Datetime,
    /// A point in time.
    Instant,
    /// A list of values of one type.
    List(Box<LogicalType>),
    /// Named values.
    Struct(Vec<(String, LogicalType)>),
}

/// What can be compared with what: two types are comparable when their classes are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Comparable with every class.
    Null,
    /// Truth values.
    Bool,
    /// Int, float and decimal.
    Number,
    /// Text.
    Text,
    /// Raw bytes.
    Bytes,
    /// Calendar dates.
    Date,
    /// Dates and times without a zone.
    Datetime,
    /// Points in time.
    Instant,
    /// Lists of a class.
    List(Box<Class>),
    /// Structs; members are compared by name.
    Struct(Vec<(String, Class)>),
}

impl LogicalType {
    /// The logical type of an Arrow type, whatever its encoding.
    ///
    /// # Errors
    /// `unsupported` for Arrow's time, duration, interval, map and union types: cast them to text.
    pub fn from_arrow(data_type: &DataType) -> Result<Self> {
        use DataType as D;
        Ok(match data_type {
            D::Null => Self::Null,
            D::Boolean => Self::Bool,
            D::Int8 | D::Int16 | D::Int32 | D::Int64 => Self::Int,
            D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Self::Int,
            D::Float16 | D::Float32 | D::Float64 => Self::Float,
            D::Decimal32(p, s) | D::Decimal64(p, s) => Self::Decimal(*p, *s),
            D::Decimal128(p, s) | D::Decimal256(p, s) => Self::Decimal(*p, *s),
            D::Utf8 | D::LargeUtf8 | D::Utf8View => Self::Text,
            D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => Self::Bytes,
            D::Date32 | D::Date64 => Self::Date,
            D::Timestamp(_, None) => Self::Datetime,
            D::Timestamp(_, Some(_)) => Self::Instant,
            D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) => Self::list(item)?,
            D::ListView(item) | D::LargeListView(item) => Self::list(item)?,
            D::Struct(members) => Self::members(members)?,
            D::Dictionary(_, values) => Self::from_arrow(values)?,
            D::RunEndEncoded(_, values) => Self::from_arrow(values.data_type())?,
            other => return Err(unsupported(other)),
        })
    }

    /// The Arrow type that trueup itself uses for this type.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Decimal(p, s) if *p <= 38 => DataType::Decimal128(*p, *s),
            Self::Decimal(p, s) => DataType::Decimal256(*p, *s),
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Datetime => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::List(item) => {
                DataType::List(Arc::new(ArrowField::new("item", item.to_arrow(), true)))
            }
            Self::Struct(members) => DataType::Struct(
                members
                    .iter()
                    .map(|(name, ty)| ArrowField::new(name, ty.to_arrow(), true))
                    .collect(),
            ),
        }
    }

    /// What this type can be compared with.
    pub fn class(&self) -> Class {
        match self {
            Self::Null => Class::Null,
            Self::Bool => Class::Bool,
            Self::Int | Self::Float | Self::Decimal(..) => Class::Number,
            Self::Text => Class::Text,
            Self::Bytes => Class::Bytes,
            Self::Date => Class::Date,
            Self::Datetime => Class::Datetime,
            Self::Instant => Class::Instant,
            Self::List(item) => Class::List(Box::new(item.class())),
            Self::Struct(members) => {
                Class::Struct(members.iter().map(|(name, ty)| (name.clone(), ty.class())).collect())
            }
        }
    }

    fn list(item: &ArrowField) -> Result<Self> {
        Ok(Self::List(Box::new(Self::from_arrow(item.data_type())?)))
    }

    fn members(members: &Fields) -> Result<Self> {
        let members =
            members.iter().map(|m| Ok((m.name().clone(), Self::from_arrow(m.data_type())?)));
        members.collect::<Result<_>>().map(Self::Struct)
    }
}

impl Class {
    /// Whether values of the two classes can be compared at all.
    pub fn comparable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => true,
            (Self::List(a), Self::List(b)) => a.comparable(b),
            (Self::Struct(a), Self::Struct(b)) => members_comparable(a, b),
            (a, b) => a == b,
        }
    }
}

fn members_comparable(a: &[(String, Class)], b: &[(String, Class)]) -> bool {
    a.iter().all(|(name, class)| match b.iter().find(|(other, _)| other == name) {
        Some((_, other)) => class.comparable(other),
        None => true,
    })
}

fn unsupported(data_type: &DataType) -> Error {
    let message = format!(
        "columns of the Arrow type `{data_type}` cannot be compared; cast it to text, int or instant first"
    );
    Error::new(Kind::Unsupported, message)
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Date => f.write_str("date"),
            Self::Datetime => f.write_str("datetime"),
            Self::Instant => f.write_str("instant"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Struct(members) => {
                let members: Vec<_> =
                    members.iter().map(|(name, ty)| format!("{name}:{ty}")).collect();
                write!(f, "struct<{}>", members.join(","))
            }
        }
    }
}

impl FromStr for LogicalType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let inner = |prefix: &str, close: char| text.strip_prefix(prefix)?.strip_suffix(close);
        if let Some(item) = inner("list<", '>') {
            return Ok(Self::List(Box::new(item.parse()?)));
        }
        if let Some(members) = inner("struct<", '>') {
            return split(members).into_iter().map(member).collect::<Result<_>>().map(Self::Struct);
        }
        if let Some(digits) = inner("decimal(", ')') {
            return decimal(digits).ok_or_else(|| unknown(text));
        }
        simple(text).ok_or_else(|| unknown(text))
    }
}

fn simple(text: &str) -> Option<LogicalType> {
    Some(match text {
        "null" => LogicalType::Null,
        "bool" => LogicalType::Bool,
        "int" => LogicalType::Int,
        "float" => LogicalType::Float,
        "text" => LogicalType::Text,
        "bytes" => LogicalType::Bytes,
        "date" => LogicalType::Date,
        "datetime" => LogicalType::Datetime,
        "instant" => LogicalType::Instant,
        _ => return None,
    })
}

fn decimal(digits: &str) -> Option<LogicalType> {
    let (precision, scale) = digits.split_once(',')?;
    let (precision, scale): (u8, i8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let fits = (1..=DECIMAL256_MAX_PRECISION).contains(&precision)
        && i16::from(scale) <= i16::from(precision);
    fits.then_some(LogicalType::Decimal(precision, scale))
}

fn member(text: &str) -> Result<(String, LogicalType)> {
    let (name, ty) = text.split_once(':').ok_or_else(|| unknown(text))?;
    Ok((name.trim().to_owned(), ty.parse()?))
}

/// Splits at commas that are not inside brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let outer = |c: char| {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(outer).filter(|part| !part.trim().is_empty()).collect()
}

fn unknown(text: &str) -> Error {
    let known = "bool, int, float, decimal(p,s), text, bytes, date, datetime, instant, list<…>, struct<name:…>";
    Error::new(Kind::Invalid, format!("unknown type `{text}`; the types are {known}"))
}

impl From<LogicalType> for String {
    fn from(ty: LogicalType) -> Self {
        ty.to_string()
    }
}

impl TryFrom<String> for LogicalType {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_go_there_and_back() {
        for text in [
            "bool",
            "decimal(38,2)",
            "list<list<text>>",
            "struct<a:int,b:struct<c:decimal(5,-2),d:list<date>>>",
        ] {
            assert_eq!(text.parse::<LogicalType>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_type_is_named() {
        for text in ["integer", "decimal(99,2)", "decimal(5,9)", "struct<a>", "list<>"] {
            let error = text.parse::<LogicalType>().unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{text}");
        }
    }

    #[test]
    fn arrow_types_go_there_and_back() {
        for text in ["int", "decimal(76,5)", "instant", "datetime", "struct<a:bool,b:list<bytes>>"]
        {
            let ty: LogicalType = text.parse().unwrap();
            assert_eq!(LogicalType::from_arrow(&ty.to_arrow()).unwrap(), ty);
        }
    }

    #[test]
    fn numbers_are_one_class_and_nothing_else_mixes() {
        let class = |text: &str| text.parse::<LogicalType>().unwrap().class();
        assert!(class("int").comparable(&class("decimal(5,2)")));
        assert!(!class("int").comparable(&class("text")));
        assert!(!class("datetime").comparable(&class("instant")));
        assert!(class("null").comparable(&class("list<text>")));
        assert!(class("struct<a:int>").comparable(&class("struct<a:float,b:text>")));
        assert!(!class("struct<a:int>").comparable(&class("struct<a:text>")));
    }
}
