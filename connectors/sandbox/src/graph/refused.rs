//! Why a call was not carried out, in the two forms that Graph has for it.

use serde_json::{Value as Json, json};

use crate::http::{Call, Reply};

/// What every answer names.
pub(super) const REQUEST: &str = "00000000-0000-4000-8000-000000000000";

/// Why a call was not carried out.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// What is wrong with which property.
    pub(super) detail: Option<(&'static str, &'static str)>,
    /// Where to go instead.
    pub(super) location: Option<String>,
}

pub(super) type Outcome<T> = Result<T, Refused>;

impl Refused {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: None, location: None }
    }

    /// In Intune's words.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// In Intune's words.
    pub(super) fn absent(id: &str) -> Self {
        Self::new(404, "ResourceNotFound", format!("The resource {id} was not found"))
    }

    /// In Entra's words.
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// In Entra's words.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// In Entra's words.
    pub(super) fn missing(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not \
             present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub(super) fn about(mut self, code: &'static str, target: &'static str) -> Self {
        self.detail = Some((code, target));
        self
    }

    /// The reply to this call; Intune's errors have a message that is JSON again.
    pub(super) fn reply(&self, call: &Call) -> Reply {
        self.written(["/deviceManagement", "/deviceAppManagement"].iter().any(|area| {
            call.path.split_once("/v1.0").is_some_and(|(_, path)| path.starts_with(area))
        }))
    }

    pub(super) fn written(&self, nested: bool) -> Reply {
        let message = match nested && self.code != "InvalidAuthenticationToken" {
            true => self.nested(),
            false => self.message.clone(),
        };
        let mut error = json!({"code": self.code, "message": message, "innerError":
            {"date": "2026-01-01T00:00:00", "request-id": REQUEST, "client-request-id": REQUEST}});
        if let (Some((code, target)), Json::Object(members)) = (self.detail, &mut error) {
            let detail = json!([{"code": code, "message": self.message, "target": target}]);
            members.insert("details".into(), detail);
        }
        let reply = Reply::json(self.status, &json!({"error": error}));
        let reply = match &self.location {
            Some(location) => reply.header("location", location),
            None => reply,
        };
        match self.status {
            401 => reply.header("www-authenticate", "Bearer realm=\"\", error=\"invalid_token\""),
            _ => reply,
        }
    }

    fn nested(&self) -> String {
        let words = format!(
            "{} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity \
             ID: {REQUEST} - Url: https://fef.example/StatelessService",
            self.message
        );
        json!({"_version": 3, "Message": words, "CustomApiErrorPhrase": "", "RetryAfter": null,
            "ErrorSourceService": "", "HttpHeaders": "{}"})
        .to_string()
    }
}

pub(super) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

pub(super) fn body(call: &Call) -> Outcome<Json> {
    call.json().ok_or_else(|| Refused::bad("The body is not JSON."))
}
