//! What a server's refusals say (RFC 7644 §3.12, RFC 9865 §2.2).

use serde::Deserialize;
use trueup_connector::Kind;
use trueup_kit::{Answer, Detail};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    scim_type: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

/// Reads a SCIM error.
pub(crate) fn detail(answer: &Answer) -> Option<Detail> {
    let body: Body = answer.json().ok()?;
    let detail = Detail::new(body.detail.unwrap_or_default());
    let Some(code) = body.scim_type else { return Some(detail) };
    let kind = match code.as_str() {
        "uniqueness" | "expiredCursor" => Some(Kind::Conflict),
        "tooMany" => Some(Kind::Limit),
        "sensitive" | "mutability" => Some(Kind::Forbidden),
        _ => None,
    };
    let detail = detail.with_code(code);
    Some(kind.into_iter().fold(detail, Detail::with_kind))
}
