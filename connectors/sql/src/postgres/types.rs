//! What PostgreSQL's types mean, and how they come over the wire.

use trueup_connector::LogicalType;

/// How a value comes over the wire, in binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytea,
    Date,
    Timestamp,
    List(Box<Wire>),
}

/// What a column's type means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnType {
    pub(crate) wire: Wire,
    /// `None` for a numeric without stated digits, or with more than fit: the values decide.
    pub(crate) ty: Option<LogicalType>,
    /// What the server is asked to cast it to.
    pub(crate) cast: &'static str,
}

/// The most digits a decimal can have.
pub(crate) const MOST_DIGITS: u8 = 76;

/// A type of the catalogue: its name, where PostgreSQL itself defines it, or the items of an array.
pub(crate) struct TypeName<'a> {
    pub(crate) builtin: Option<&'a str>,
    pub(crate) is_array: bool,
    pub(crate) item: Option<&'a str>,
    pub(crate) modifier: i32,
}

impl ColumnType {
    /// What a type of the catalogue means.
    pub(crate) fn of(name: &TypeName<'_>) -> Self {
        if name.is_array {
            return Self::list(name.item.and_then(|item| scalar(item, name.modifier)));
        }
        let scalar = name.builtin.and_then(|builtin| scalar(builtin, name.modifier));
        match scalar {
            Some((wire, ty)) => Self { wire, ty, cast: "" },
            // Exactly as PostgreSQL prints it.
            None => Self { wire: Wire::Text, ty: Some(LogicalType::Text), cast: "::text" },
        }
    }

    fn list(item: Option<(Wire, Option<LogicalType>)>) -> Self {
        let cast = if item.is_some() { "" } else { "::text[]" };
        let (wire, ty) = item.unwrap_or((Wire::Text, Some(LogicalType::Text)));
        let ty = ty.map(|item| LogicalType::List(Box::new(item)));
        Self { wire: Wire::List(Box::new(wire)), ty, cast }
    }

    /// The type once the digits of its numerics are known.
    pub(crate) fn settled(&self, scale: u8, whole: usize) -> LogicalType {
        let scale = scale.min(MOST_DIGITS);
        let digits = whole.saturating_add(scale.into()).clamp(1, MOST_DIGITS.into());
        let digits = u8::try_from(digits).unwrap_or(MOST_DIGITS);
        let decimal = LogicalType::Decimal(digits, i8::try_from(scale).unwrap_or_default());
        match self.wire {
            Wire::List(_) => LogicalType::List(Box::new(decimal)),
            _ => decimal,
        }
    }
}

/// The types that come over the wire as what they are.
fn scalar(name: &str, modifier: i32) -> Option<(Wire, Option<LogicalType>)> {
    let (wire, ty) = match name {
        "bool" => (Wire::Bool, LogicalType::Bool),
        "int2" => (Wire::Int2, LogicalType::Int),
        "int4" => (Wire::Int4, LogicalType::Int),
        "int8" => (Wire::Int8, LogicalType::Int),
        "oid" => (Wire::Oid, LogicalType::Int),
        "float4" => (Wire::Float4, LogicalType::Float),
        "float8" => (Wire::Float8, LogicalType::Float),
        "text" | "varchar" | "bpchar" | "name" => (Wire::Text, LogicalType::Text),
        "bytea" => (Wire::Bytea, LogicalType::Bytes),
        "date" => (Wire::Date, LogicalType::Date),
        "timestamp" => (Wire::Timestamp, LogicalType::Datetime),
        "timestamptz" => (Wire::Timestamp, LogicalType::Instant),
        "numeric" => return Some((Wire::Numeric, decimal(modifier))),
        _ => return None,
    };
    Some((wire, Some(ty)))
}

/// The digits that `numeric(p,s)` states; a negative scale means zeros before the point, and a scale
/// above the precision zeros after it.
fn decimal(modifier: i32) -> Option<LogicalType> {
    let stated = modifier.checked_sub(4).filter(|stated| *stated >= 0)?;
    let precision = (stated >> 16) & 0xffff;
    let scale = ((stated & 0x7ff) ^ 0x400) - 0x400;
    let (precision, scale) = match scale {
        negative if negative < 0 => (precision - negative, 0),
        scale => (precision.max(scale), scale),
    };
    let precision = u8::try_from(precision).ok().filter(|digits| *digits <= MOST_DIGITS)?;
    Some(LogicalType::Decimal(precision, i8::try_from(scale).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_digits() {
        // `(precision << 16 | scale & 0x7ff) + 4`, as PostgreSQL packs them.
        let pack = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        for (modifier, want) in [
            (pack(10, 2), Some((10, 2))),
            (pack(5, 0), Some((5, 0))),
            (pack(2, -3), Some((5, 0))),
            (pack(3, 5), Some((5, 5))),
            (pack(77, 0), None),
            (pack(1000, 500), None),
            (-1, None),
        ] {
            let want = want.map(|(p, s)| LogicalType::Decimal(p, s));
            assert_eq!(decimal(modifier), want, "{modifier}");
        }
    }

    #[test]
    fn digits_of_values_are_bounded() {
        let name = TypeName { builtin: Some("numeric"), is_array: false, item: None, modifier: -1 };
        let open = ColumnType::of(&name);
        assert_eq!(open.ty, None);
        assert_eq!(open.settled(2, 5), LogicalType::Decimal(7, 2));
        assert_eq!(open.settled(0, 0), LogicalType::Decimal(1, 0));
        assert_eq!(open.settled(200, 500), LogicalType::Decimal(76, 76));
    }
}
