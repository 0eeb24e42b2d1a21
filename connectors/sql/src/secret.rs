//! A password that does not show.

use std::fmt;

/// A password: it is not shown by `Debug`, not serialised, and not in any error.
///
/// ```
/// let password = trueup_sql::Secret::new("open sesame");
/// assert_eq!(format!("{password:?}"), "‹secret›");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}
