//! Plain data as JSON text.

use serde::de::DeserializeOwned;
use trueup::{Error, Kind, Result};

/// Reads JSON text; `what` names it in the message.
pub(crate) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|cause| Error::new(Kind::Invalid, format!("{what} cannot be read: {cause}")))
}
