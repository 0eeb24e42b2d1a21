//! The settings of an SQLite connector.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::LogicalType;

use crate::source::Source;

/// The settings of an [`Sqlite`](crate::Sqlite) connector.
///
/// ```
/// let config: trueup_sql::SqliteConfig = serde_json::from_str(
///     r#"{"path": "inventory.db", "resources": [{"table": "packages"}]}"#,
/// )?;
/// assert_eq!(config.busy_timeout_ms, 5_000);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The database file.
    pub path: PathBuf,
    /// The tables and queries to read; none means every table.
    #[serde(default)]
    pub resources: Vec<Source>,
    /// The types of columns whose declaration says something else, by resource and column.
    #[serde(default)]
    pub types: BTreeMap<String, BTreeMap<String, LogicalType>>,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// How long to wait for another program's lock, in milliseconds.
    #[serde(default = "busy_timeout")]
    pub busy_timeout_ms: u64,
    /// How long a reading keeps its view of the database when nobody asks, in milliseconds.
    #[serde(default = "idle_timeout")]
    pub idle_timeout_ms: u64,
}

impl SqliteConfig {
    /// Every table of this file, with the settings that suit most.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            resources: Vec::new(),
            types: BTreeMap::new(),
            tenant: String::new(),
            busy_timeout_ms: busy_timeout(),
            idle_timeout_ms: idle_timeout(),
        }
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }
}

fn busy_timeout() -> u64 {
    5_000
}

fn idle_timeout() -> u64 {
    60_000
}
