//! What is wrong with a condition.

/// What is wrong with a condition, and at which byte.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wrong {
    /// Byte offset into the condition.
    pub(crate) at: usize,
    /// What is wrong, for a message.
    pub(crate) what: String,
}

/// `Wrong` at this place.
pub(super) fn wrong<T>(at: usize, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { at, what: what.into() })
}
