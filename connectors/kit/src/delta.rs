//! What changed since a reading, as OData tells it (OData 4.01 §11.4, as Microsoft Graph has it).

use serde_json::Value as Json;
use trueup_connector::{Error, Kind, Removed, Result};

/// One page of what changed.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Changes {
    /// What was made or changed.
    pub records: Vec<Json>,
    /// What is gone, by the system's identifiers. What may come back counts as gone too.
    pub removed: Vec<Removed>,
    /// The address of the next page.
    pub next: Option<String>,
    /// On the last page: the address that tells what changes from now on.
    pub resume: Option<String>,
}

impl Changes {
    /// Reads a page.
    ///
    /// # Errors
    /// `protocol` where it has no list, an entry without an identifier, or neither a next page nor
    /// an address to resume from: taken for the last, it would be the start of a gap.
    ///
    /// ```
    /// use serde_json::json;
    /// use trueup_connector::Removed;
    /// use trueup_kit::delta::Changes;
    ///
    /// let page = Changes::read(json!({
    ///     "value": [{"id": "1", "name": "a"}, {"id": "2", "@removed": {"reason": "deleted"}}],
    ///     "@odata.deltaLink": "https://a.example/users/delta?$deltatoken=x"}))?;
    /// assert_eq!(page.removed, [Removed::Id("2".into())]);
    /// assert!(page.next.is_none() && page.resume.is_some());
    /// # Ok::<(), trueup_connector::Error>(())
    /// ```
    pub fn read(page: Json) -> Result<Self> {
        let link = |name: &str| page.get(name).and_then(Json::as_str).map(str::to_owned);
        let (next, resume) = (link("@odata.nextLink"), link("@odata.deltaLink"));
        if next.is_none() && resume.is_none() {
            return Err(broken("has neither a next page nor an address to resume from"));
        }
        let mut changes = Self { next, resume, ..Self::default() };
        let Some(Json::Array(entries)) = page.get("value") else {
            return Err(broken("has no list `value`"));
        };
        for entry in entries {
            let id = entry.get("id").and_then(Json::as_str);
            let id = id.ok_or_else(|| broken("has an entry without `id`"))?;
            match entry.get("@removed") {
                Some(_) => changes.removed.push(Removed::Id(id.to_owned())),
                None => changes.records.push(entry.clone()),
            }
        }
        Ok(changes)
    }
}

/// The error that a token which the system no longer knows is: everything has to be read again.
///
/// `None` for other errors. Systems say it with 410, or with 400 or 404 and one of these codes.
pub fn expired(error: &Error) -> Option<Error> {
    let said = |name: &str| error.context().find(|(known, _)| *known == name).map(|(_, text)| text);
    let gone = said("status") == Some("410")
        || matches!(
            said("code"),
            Some("syncStateNotFound" | "resyncRequired" | "SyncStateNotFound")
        );
    gone.then(|| {
        let message =
            "the system no longer knows what changed since that reading; read the whole resource";
        Error::new(Kind::Conflict, message)
    })
}

fn broken(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("a page of changes {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_that_would_leave_a_gap_is_refused() {
        for page in [
            json!({"value": []}),
            json!({"@odata.deltaLink": "x"}),
            json!({"@odata.deltaLink": "x", "value": [{"name": "a"}]}),
        ] {
            assert_eq!(Changes::read(page).unwrap_err().kind(), Kind::Protocol);
        }
    }

    #[test]
    fn an_expired_token_is_a_conflict() {
        let gone = Error::new(Kind::Conflict, "x").with("status", 410);
        assert_eq!(expired(&gone).unwrap().kind(), Kind::Conflict);
        let coded =
            Error::new(Kind::Invalid, "x").with("status", 400).with("code", "resyncRequired");
        assert!(expired(&coded).is_some());
        assert!(expired(&Error::new(Kind::Invalid, "x").with("status", 400)).is_none());
    }
}
