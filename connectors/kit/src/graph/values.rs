//! What Graph writes where nothing is known.

use serde_json::Value as Json;

/// Null for an empty text.
pub fn empty(json: &Json) -> Json {
    if json == "" { Json::Null } else { json.clone() }
}

/// Null for the year 1, which is not set, and the year 9999, which is never.
pub fn unset_time(json: &Json) -> Json {
    let sentinel = |text: &str| text.starts_with("0001-") || text.starts_with("9999-");
    if json.as_str().is_some_and(sentinel) { Json::Null } else { empty(json) }
}

/// The last word of Graph's name of a type, where there is one.
pub fn kind_of(json: &Json) -> Option<&str> {
    let kind = json.get("@odata.type").and_then(Json::as_str)?;
    Some(kind.rsplit('.').next().unwrap_or(kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unset_is_null() {
        assert_eq!(unset_time(&json!("0001-01-01T00:00:00Z")), Json::Null);
        assert_eq!(unset_time(&json!("9999-12-31T23:59:59Z")), Json::Null);
        assert_eq!(unset_time(&json!("2026-01-01T00:00:00Z")), json!("2026-01-01T00:00:00Z"));
        assert_eq!(kind_of(&json!({"@odata.type": "#microsoft.graph.user"})), Some("user"));
        assert_eq!(kind_of(&json!({})), None);
    }
}
