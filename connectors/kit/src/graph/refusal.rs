//! What Graph's refusals say; Intune's messages are JSON again, sometimes twice.

use serde_json::Value as Json;
use trueup_connector::Kind;

use crate::answer::Answer;
use crate::failure::Detail;

/// Reads a Graph error, Entra's or Intune's; it is made for [`Client::new`](crate::Client::new).
pub fn detail(answer: &Answer) -> Option<Detail> {
    let body: Json = answer.json().ok()?;
    let error = body.get("error")?;
    let message = match error.get("message") {
        Some(Json::String(text)) => plain(text, 2),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    // What the metadata promises and the service behind it lacks.
    let unrouted = ["No OData route", "No method match route"];
    let lacking = unrouted.iter().any(|start| message.starts_with(start));
    let detail = Detail::new(message);
    let Some(code) = error.get("code").and_then(Json::as_str) else { return Some(detail) };
    let detail = detail.with_code(code);
    if conflicts(error) {
        return Some(detail.with_code("ObjectConflict").with_kind(Kind::Conflict));
    }
    Some(match (answer.status, code) {
        (_, "ConditionNotMet" | "preconditionFailed") => detail.with_kind(Kind::Conflict),
        (_, "TooManyRequests" | "activityLimitReached") => detail.with_kind(Kind::Throttled),
        // Two writes met: a moment later it works.
        (_, "Directory_ConcurrencyViolation") => detail.with_kind(Kind::Unavailable),
        (_, "syncStateNotFound" | "resyncRequired") => detail.with_kind(Kind::Conflict),
        (400, _) if lacking => detail.with_kind(Kind::Unsupported),
        _ => detail,
    })
}

/// Another object has what has to be its own.
fn conflicts(error: &Json) -> bool {
    let mut details = error.get("details").and_then(Json::as_array).into_iter().flatten();
    details.any(|detail| {
        let code = detail.get("code").and_then(Json::as_str);
        matches!(code, Some("ObjectConflict" | "ConflictingObjects"))
    })
}

/// The words in a message that may be JSON again, without what is for the vendor's support.
fn plain(text: &str, deep: u8) -> String {
    let inner: Option<Json> = serde_json::from_str(text).ok();
    let inner = inner.as_ref().and_then(|json| json.get("Message")?.as_str());
    match inner {
        Some(inner) if deep > 0 => plain(inner, deep - 1),
        _ => text.split(" - Operation ID").next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_found_however_deep() {
        let once = json!({"_version": 3, "Message": "No right - Operation ID (for support): 0"});
        let twice =
            json!({"Message": json!({"ErrorCode": "x", "Message": "No right"}).to_string()});
        for text in ["No right".to_owned(), once.to_string(), twice.to_string()] {
            assert_eq!(plain(&text, 2), "No right");
        }
        assert_eq!(plain("{broken", 2), "{broken");
    }
}
