//! What a connector owes that can change its system.
//!
//! Only trueup's executor calls a writer, and only with changes that a decision allows: there is no
//! way to make [`Authorised`] changes from outside.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::record::Value;

/// The way to change a system.
///
/// # What every writer owes
/// - **One receipt a change**, in the order of the changes. A change that failed is a receipt, not an
///   error: the others go on.
/// - **An error out of `apply` means that nothing is known** of any change in the call.
/// - **Preconditions.** A change whose values before no longer hold is `stale`, and not carried out.
/// - **The declared idempotency is true**: sending a change again, as [`Writer::idempotency`] says it
///   may be, has no second effect.
#[async_trait]
pub trait Writer: fmt::Debug + Send + Sync {
    /// How sending an operation on a resource twice is kept from having two effects.
    fn idempotency(&self, resource: &str, operation: &Operation) -> Idempotency;

    /// Carries out the changes.
    ///
    /// # Errors
    /// Any error makes every change of the call `unknown`.
    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>>;

    /// What became of a change that was `pending`.
    ///
    /// # Errors
    /// Those of the system; the change stays pending.
    async fn status(&self, context: Context, handle: String) -> Result<Receipt>;
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Makes a record.
    Create,
    /// Sets fields of a record.
    Update,
    /// Removes a record.
    Delete,
    /// Something the system can do, by its name.
    Action(String),
}

/// How sending a change twice is kept from having two effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Idempotency {
    /// The target takes [`Change::idempotency_key`] and answers a repeated one with the first result.
    Key,
    /// The target carries the change out only while its version or values before hold.
    Conditional,
    /// The target can be read back after this long, and then shows whether the change took place.
    ReadBack {
        /// How long the target may still be working on it.
        settle: Duration,
    },
    /// None of these: it is sent at most once, then a person is asked.
    AtMostOnce,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The resource the record is of.
    pub resource: String,
    /// What is done.
    pub operation: Operation,
    /// The values of the key fields, in the order of the schema.
    pub key: Vec<Value>,
    /// The target's own identifier, where it is known.
    pub id: Option<String>,
    /// The target's version of the record, where it is known.
    pub version: Option<String>,
    /// The values it has now, as far as they are known: the precondition.
    pub before: Vec<(String, Value)>,
    /// The values it is to have.
    pub after: Vec<(String, Value)>,
    /// Unlike every other change's, and the same whenever this change is sent again.
    pub idempotency_key: String,
}

impl Change {
    /// A change of the record with this key; everything else is empty.
    pub fn new(resource: impl Into<String>, operation: Operation, key: Vec<Value>) -> Self {
        Self {
            resource: resource.into(),
            operation,
            key,
            id: None,
            version: None,
            before: Vec::new(),
            after: Vec::new(),
            idempotency_key: String::new(),
        }
    }
}

/// Changes that a decision allows, and whose intent is on disk.
///
/// Only trueup's executor makes them: they have no public constructor and cannot be read from data.
#[derive(Debug)]
pub struct Authorised {
    changes: Vec<Change>,
}

/// For trueup's executor alone, which is another crate; the rules of the house refuse any other use.
#[doc(hidden)]
pub mod executor {
    use super::{Authorised, Change};

    /// Seals changes whose intent is on disk.
    pub fn authorise(changes: Vec<Change>) -> Authorised {
        Authorised { changes }
    }
}

impl Authorised {
    /// The changes, in the order of the plan.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

/// What became of one change.
#[derive(Debug)]
#[non_exhaustive]
pub enum Receipt {
    /// It took place.
    Done {
        /// The target's identifier of the record, where it gave one.
        id: Option<String>,
        /// The target's version of the record now, where it gave one.
        version: Option<String>,
    },
    /// The target is working on it.
    Pending {
        /// What [`Writer::status`] takes.
        handle: String,
        /// How long to wait before asking.
        check_after: Duration,
    },
    /// Its precondition no longer holds; it was not carried out.
    Stale,
    /// It was not sent.
    Refused(Error),
    /// The target said no; nothing was changed.
    Failed(Error),
    /// Whether it took place is not known.
    Unknown(Error),
}
