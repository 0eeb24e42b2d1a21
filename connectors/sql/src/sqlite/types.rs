//! What declared column types mean.

use trueup_connector::LogicalType;

/// The type that a declaration states; `None` where it states none, so that the values decide.
pub(crate) fn declared(declaration: &str) -> Option<LogicalType> {
    let text = declaration.trim().to_ascii_uppercase();
    let (word, digits) = match text.split_once('(') {
        Some((word, rest)) => (word.trim_end(), rest.split(')').next()),
        None => (text.as_str(), None),
    };
    match word {
        "BOOL" | "BOOLEAN" => Some(LogicalType::Bool),
        "DATE" => Some(LogicalType::Date),
        "DATETIME" | "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => Some(LogicalType::Datetime),
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" | "DATETIMEOFFSET" => Some(LogicalType::Instant),
        "DECIMAL" | "NUMERIC" => digits.and_then(decimal),
        _ => by_affinity(&text),
    }
}

/// SQLite's own rules of affinity, in their order.
fn by_affinity(text: &str) -> Option<LogicalType> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["INT"]) {
        Some(LogicalType::Int)
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Some(LogicalType::Text)
    } else if has(&["BLOB"]) {
        Some(LogicalType::Bytes)
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Some(LogicalType::Float)
    } else {
        None
    }
}

fn decimal(digits: &str) -> Option<LogicalType> {
    let (precision, scale) = digits.split_once(',').unwrap_or((digits, "0"));
    let (precision, scale): (u8, u8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let scale = i8::try_from(scale).ok().filter(|_| scale <= precision)?;
    (1..=76).contains(&precision).then_some(LogicalType::Decimal(precision, scale))
}

/// How often each storage class stands in a column.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Classes {
    pub(crate) integers: u64,
    pub(crate) reals: u64,
    pub(crate) texts: u64,
    pub(crate) blobs: u64,
}

impl Classes {
    /// Whether all values are of one class.
    pub(crate) fn is_one(self) -> bool {
        let counts = [self.integers, self.reals, self.texts, self.blobs];
        counts.into_iter().filter(|count| *count > 0).count() == 1
    }

    /// The type that holds most of the values; the others are found when they are read.
    pub(crate) fn ty(self) -> LogicalType {
        let numbers = self.integers + self.reals;
        match numbers.max(self.texts).max(self.blobs) {
            0 => LogicalType::Null,
            most if most == self.texts => LogicalType::Text,
            most if most == self.blobs => LogicalType::Bytes,
            _ if self.reals == 0 => LogicalType::Int,
            _ => LogicalType::Float,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declaration: &str, want: &str) {
        let got = declared(declaration).map_or_else(|| "-".to_owned(), |ty| ty.to_string());
        assert_eq!(got, want, "{declaration}");
    }

    #[test]
    fn declarations_state_types() {
        for (declaration, want) in [
            ("INTEGER", "int"),
            ("unsigned big int", "int"),
            ("varchar(20)", "text"),
            ("DOUBLE PRECISION", "float"),
            ("blob", "bytes"),
            ("Boolean", "bool"),
            ("date", "date"),
            ("DATETIME", "datetime"),
            ("timestamp with time zone", "instant"),
            ("DECIMAL(10, 2)", "decimal(10,2)"),
            ("NUMERIC(5)", "decimal(5,0)"),
            ("DECIMAL(99,2)", "-"),
            ("DECIMAL(5,9)", "-"),
            ("NUMERIC", "-"),
            ("", "-"),
            ("STRING", "-"),
        ] {
            check(declaration, want);
        }
    }

    #[test]
    fn most_values_decide_where_nothing_is_declared() {
        let ty = |integers, reals, texts, blobs| {
            Classes { integers, reals, texts, blobs }.ty().to_string()
        };
        assert_eq!(ty(0, 0, 0, 0), "null");
        assert_eq!(ty(3, 0, 0, 0), "int");
        assert_eq!(ty(3, 1, 0, 0), "float");
        assert_eq!(ty(3, 0, 4, 0), "text");
        assert_eq!(ty(3, 0, 2, 0), "int");
        assert_eq!(ty(0, 0, 0, 1), "bytes");
    }
}
