//! Filters that the server gets, and that are checked here again.

use trueup_connector::{Condition, Predicate, Value};

/// A predicate over `user_name` as a SCIM filter; `None` where it cannot be said.
///
/// The server compares without regard to case, so it may give more than asked for.
pub(crate) fn scim(predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::Field(name, condition) if name == "user_name" => one(condition),
        Predicate::All(all) => joined(all, " and "),
        Predicate::Any(any) => joined(any, " or "),
        _ => None,
    }
}

fn joined(parts: &[Predicate], with: &str) -> Option<String> {
    let parts = parts.iter().map(|part| Some(format!("({})", scim(part)?)));
    let parts: Vec<String> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join(with))
}

fn one(condition: &Condition) -> Option<String> {
    match condition {
        Condition::Is(value) => equal("userName", value),
        Condition::In(values) => {
            let parts: Vec<String> =
                values.iter().map(|value| equal("userName", value)).collect::<Option<_>>()?;
            (!parts.is_empty()).then(|| parts.join(" or "))
        }
        Condition::StartsWith(start) => Some(format!("userName sw {}", quoted(start))),
        _ => None,
    }
}

fn equal(attribute: &str, value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(format!("{attribute} eq {}", quoted(text))),
        _ => None,
    }
}

/// A text as JSON has it, which is what filters take.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_said_is_said() {
        let within =
            |json: &str| Predicate::from_json(&serde_json::from_str(json).unwrap()).unwrap();
        for (json, filter) in [
            (r#"{"field":"user_name","is":"a\"b"}"#, Some(r#"userName eq "a\"b""#)),
            (r#"{"field":"user_name","starts_with":"svc"}"#, Some(r#"userName sw "svc""#)),
            (
                r#"{"all":[{"field":"user_name","in":["a","b"]},{"field":"user_name","starts_with":"a"}]}"#,
                Some(r#"(userName eq "a" or userName eq "b") and (userName sw "a")"#),
            ),
            (r#"{"field":"user_name","from":"a"}"#, None),
            (r#"{"field":"id","is":"a"}"#, None),
        ] {
            assert_eq!(scim(&within(json)).as_deref(), filter, "{json}");
        }
    }
}
