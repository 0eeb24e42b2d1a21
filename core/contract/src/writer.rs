//! What a connector owes that can change its system.
//!
//! Only trueup's executor calls a writer, and only with changes that a decision allows: there is no
//! way to make [`Authorised`] changes from outside.

mod fit;

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
///   error: the others go on. A call without changes has no receipts.
/// - **An error out of `apply` means that nothing is known** of any change in the call. Where it is
///   known that nothing was sent (the system cannot be reached, the call is cancelled), every change
///   is `refused` with the reason instead, and may be sent again.
/// - **Preconditions.** A change whose precondition does not hold is `stale`, and not carried out;
///   [`Change::standing`] says when it holds. What makes the check and the effect one step is the
///   system's affair (a condition in the statement, a lock, a version); a writer that declares
///   [`Idempotency::Conditional`] has such a way, and of two changes that exclude each other it
///   carries out one.
/// - **The declared idempotency is true**: sending a change again, as [`Writer::idempotency`] says it
///   may be, has no second effect, and is `done` again.
/// - **Exactly or not at all.** `done` means that the record has the values after, to the last digit.
///   A value that the system cannot hold is `failed`, never cut or rounded, and nothing of the change
///   took place.
/// - **Only what is named.** An unknown resource, field or operation, and a key with a null in it,
///   is `refused`, and the error names it.
/// - **Cancellation.** Changes that were not sent when the call was cancelled are `refused` as
///   `cancelled`; those that were sent have their true receipts.
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
    /// `not_found` or `invalid` for a handle that this writer never gave; those of the system. The
    /// change stays pending.
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
    /// The target carries the change out only while its version or values before hold; where the
    /// values after stand already, it is `done` without another effect.
    Conditional,
    /// The target can be read back after this long, and then shows whether the change took place.
    ReadBack {
        /// How long the target may still be working on it.
        settle: Duration,
    },
    /// None of these: it is sent at most once, then a person is asked.
    AtMostOnce,
}

/// One write. `Debug` shows which fields it sets, not their values: some may be secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The resource the record is of.
    pub resource: String,
    /// What is done.
    pub operation: Operation,
    /// The values of the key fields before the change, in the order of the schema.
    pub key: Vec<Value>,
    /// The target's own identifier, where it is known.
    pub id: Option<String>,
    /// The target's version of the record, where it is known.
    pub version: Option<String>,
    /// The values it has now, as far as they are known: the precondition.
    pub before: Vec<(String, Value)>,
    /// The values it is to have; a key field among them renames the record.
    pub after: Vec<(String, Value)>,
    /// Unlike every other change's, and the same whenever this change is sent again.
    pub idempotency_key: String,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |fields: &[(String, Value)]| -> Vec<String> {
            fields.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Change")
            .field("resource", &self.resource)
            .field("operation", &self.operation)
            .field("key", &self.key)
            .field("before", &names(&self.before))
            .field("after", &names(&self.after))
            .finish_non_exhaustive()
    }
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

/// What the record as it is now means for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The precondition holds, and the change is still to be made.
    Holds,
    /// The record is already as the change would leave it.
    Already,
    /// Neither: somebody else changed it.
    Stale,
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
