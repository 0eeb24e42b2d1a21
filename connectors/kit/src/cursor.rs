//! Cursors: where a reading stands, in text that only this connector takes.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::digest::{Context as Digest, SHA256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use trueup_connector::{Cursor, Error, Identity, Kind, Result};

/// Makes cursors that hold where a reading stands, so that another process can go on with them.
///
/// A cursor of another system, instance, tenant or resource is `invalid`, and so is one that was
/// altered. That is a check against mistakes: a cursor is neither secret nor a credential.
///
/// ```
/// use trueup_connector::{Identity, Kind};
/// use trueup_kit::Cursors;
///
/// let cursors = Cursors::new(&Identity::new("scim", "https://a.example/"));
/// let cursor = cursors.seal("users", &101)?;
/// assert_eq!(cursors.open::<u64>("users", &cursor)?, 101);
/// assert_eq!(cursors.open::<u64>("groups", &cursor).unwrap_err().kind(), Kind::Invalid);
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cursors {
    owner: String,
}

impl Cursors {
    /// The cursors of this system.
    pub fn new(identity: &Identity) -> Self {
        let parts = [&identity.system, &identity.instance, &identity.tenant];
        Self { owner: parts.map(|part| format!("{}:{part}", part.len())).concat() }
    }

    /// A cursor that holds this.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    pub fn seal(&self, resource: &str, place: &impl Serialize) -> Result<Cursor> {
        let text = serde_json::to_vec(place).map_err(|cause| {
            Error::new(Kind::Internal, "a cursor cannot be written").with_source(cause)
        })?;
        let mark = self.mark(resource, &text);
        Ok(Cursor::new(format!("{}.{}", BASE64.encode(text), BASE64.encode(mark))))
    }

    /// What a cursor holds.
    ///
    /// # Errors
    /// `invalid` for a cursor that these cursors did not make for this resource.
    pub fn open<T: DeserializeOwned>(&self, resource: &str, cursor: &Cursor) -> Result<T> {
        self.held(resource, cursor).ok_or_else(|| {
            let shown: String = cursor.as_str().chars().take(80).collect();
            let message =
                format!("the cursor `{shown}` was not given by this connector for `{resource}`");
            Error::new(Kind::Invalid, message)
        })
    }

    fn held<T: DeserializeOwned>(&self, resource: &str, cursor: &Cursor) -> Option<T> {
        let (text, mark) = cursor.as_str().split_once('.')?;
        let text = BASE64.decode(text).ok()?;
        let same = BASE64.decode(mark).ok()? == self.mark(resource, &text);
        same.then(|| serde_json::from_slice(&text).ok())?
    }

    fn mark(&self, resource: &str, text: &[u8]) -> Vec<u8> {
        let mut digest = Digest::new(&SHA256);
        digest.update(format!("{}{}:{resource}", self.owner, resource.len()).as_bytes());
        digest.update(text);
        digest.finish().as_ref().iter().take(12).copied().collect()
    }
}
