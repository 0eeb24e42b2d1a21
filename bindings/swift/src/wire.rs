//! Plain data as JSON text.

use serde::de::DeserializeOwned;
use trueup::{Error, Kind, Result, Side, suggest};

/// Reads JSON text; `what` names it in the message.
pub(crate) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|cause| Error::new(Kind::Invalid, format!("{what} cannot be read: {cause}")))
}

/// `expected` or `actual`.
pub(crate) fn side(name: &str) -> Result<Side> {
    Side::BOTH.into_iter().find(|side| side.name() == name).ok_or_else(|| {
        let nearest = suggest(name, Side::BOTH.map(Side::name));
        Error::new(Kind::Invalid, format!("unknown side `{name}`{nearest}"))
    })
}
