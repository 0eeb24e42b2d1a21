//! Where a snapshot comes from.

use serde::{Deserialize, Serialize};

/// Where a snapshot comes from: which system said it, when, in which reading.
///
/// A snapshot made from others names them in `derived_from`, and the step that made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Provenance {
    /// Whose data it is.
    pub tenant: String,
    /// The kind of system that was read.
    pub system: String,
    /// Which one of them: an address or path, without credentials; empty if that is not known.
    pub instance: String,
    /// The resource that was read.
    pub resource: String,
    /// Names this reading, unlike every other reading.
    pub read_id: String,
    /// When it was read: an instant in ISO 8601.
    pub read_at: Option<String>,
    /// Where the next reading may go on from.
    pub cursor: Option<String>,
    /// The read ids of the snapshots it was made from.
    pub derived_from: Vec<String>,
    /// The name and version of the step that made it from them.
    pub derived_by: Option<String>,
}

impl Provenance {
    /// A snapshot read from this resource of this system.
    pub fn read(system: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { system: system.into(), resource: resource.into(), ..Self::default() }
    }

    /// Sets whose data it is.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets which one of the systems of its kind was read.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = instance.into();
        self
    }

    /// Sets the name of this reading.
    #[must_use]
    pub fn with_read_id(mut self, read_id: impl Into<String>) -> Self {
        self.read_id = read_id.into();
        self
    }

    /// Sets when it was read: an instant in ISO 8601.
    #[must_use]
    pub fn with_read_at(mut self, read_at: impl Into<String>) -> Self {
        self.read_at = Some(read_at.into());
        self
    }

    /// Sets where the next reading may go on from.
    #[must_use]
    pub fn with_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }
}

/// Whether a reading saw the system at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Consistency {
    /// The system may have changed while it was read.
    #[default]
    BestEffort,
    /// All records are as they were at one moment.
    Snapshot,
}
