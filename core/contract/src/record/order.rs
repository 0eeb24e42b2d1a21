//! The order of values, wherever the specification sorts by value.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// Where its class stands in the order of classes; null is last.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) | Self::Decimal(..) => 1,
            Self::Text(_) => 2,
            Self::Bytes(_) => 3,
            Self::Date(_) => 4,
            Self::Datetime(_) => 5,
            Self::Instant(_) => 6,
            Self::List(_) => 7,
            Self::Struct(_) => 8,
            Self::Null => 9,
        }
    }
}

impl Ord for Value {
    /// By class, then by value: false before true, numbers by value with not-a-number last, text and
    /// bytes by bytes, lists element by element, structs by the names and values of their members in
    /// the order of the names. Null is after everything.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Datetime(a), Self::Datetime(b)) | (Self::Instant(a), Self::Instant(b)) => {
                a.cmp(b)
            }
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Struct(a), Self::Struct(b)) => by_name(a).cmp(&by_name(b)),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn by_name(members: &[(String, Value)]) -> Vec<(&str, &Value)> {
    let mut members: Vec<_> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| *name);
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ordered_by_class_and_value() {
        let sorted = [
            r#"false"#,
            r#"true"#,
            r#"{"float":"-inf"}"#,
            r#"1"#,
            r#"{"decimal":"1.5"}"#,
            r#"2.0"#,
            r#"{"float":"nan"}"#,
            r#""""#,
            r#""B""#,
            r#""a""#,
            r#"{"bytes":"00"}"#,
            r#"{"date":"2026-01-31"}"#,
            r#"{"datetime":"2026-01-31T00:00:00"}"#,
            r#"{"instant":"2026-01-31T00:00:00Z"}"#,
            r#"{"list":[]}"#,
            r#"{"list":[1]}"#,
            r#"{"list":[1,2]}"#,
            r#"{"list":[2]}"#,
            r#"{"struct":{"b":1,"a":2}}"#,
            r#"{"struct":{"a":2,"b":3}}"#,
            r#"{"struct":{"b":0}}"#,
            r#"null"#,
        ]
        .map(|json| serde_json::from_str::<Value>(json).unwrap());
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{a} and {b}");
            }
        }
    }
}
