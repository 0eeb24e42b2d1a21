//! The promises by name, and what is said of one that is broken.

use std::fmt;

use trueup_connector::Error;

use super::Subject;

/// What a connector owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// Identity and capability never change, and the identity shows no password.
    Identity,
    /// Resources have names that stand once, and schemas that stay.
    Describe,
    /// `check` is content with a sound source.
    Check,
    /// A resource that is not there is `not_found`, never a resource without records.
    UnknownResource,
    /// A cursor that the connector did not give for this resource is `invalid`.
    ForeignCursor,
    /// Following the cursors gives every record, exactly once where that is declared, and ends.
    Paging,
    /// A claimed page size is kept; one that is not claimed is `unsupported`.
    PageSize,
    /// The same request may be made again.
    Repeat,
    /// Every page has the columns of the schema, in order, of one encoding.
    Schema,
    /// What a reading says it covers, it covers.
    Coverage,
    /// Two readings at the same time do not touch each other.
    Concurrency,
    /// A cancelled call is `cancelled`, and a dropped one does no harm.
    Cancellation,
    /// A source that cannot be read is an error, never fewer records.
    Failure,
    /// Reading changes nothing.
    NoEffect,
    /// A reading after a change shows the change.
    Freshness,
    /// A claimed delta is what changed; one that is not claimed is `unsupported`.
    Delta,
    /// What was created, updated or deleted is so, exactly, and nothing else is changed.
    Writes,
    /// A change that is sent again, as declared, has no second effect.
    Resend,
    /// A change whose precondition does not hold is `stale`, and not carried out.
    Stale,
    /// Of conditional changes that exclude each other, one is carried out.
    Race,
    /// There is one receipt a change, in order, and a change that fails stops no other.
    Receipts,
    /// What is not there is refused by its name, and nothing is changed.
    UnknownWrites,
    /// A value is written exactly, or the change fails and nothing is changed.
    ExactValues,
    /// Changes of a cancelled call are refused, and a dropped one leaves nothing half done.
    CancelledWrites,
    /// The status of a handle that was never given is an error.
    Status,
    /// The second run of a plan that was applied writes nothing.
    Rerun,
    /// After a crash between sending and receipt, a change takes place once, or a person is asked.
    Crash,
    /// A change of which nobody heard takes place once, or a person is asked.
    LostAnswers,
    /// Changes that are stale or refused are told apart, and stop no other.
    PartialFailure,
    /// What is pending is asked for until it is settled, and never sent again.
    PendingChanges,
}

impl Promise {
    /// Every promise, in the order of their declaration.
    pub const ALL: [Self; 30] = [
        Self::Identity,
        Self::Describe,
        Self::Check,
        Self::UnknownResource,
        Self::ForeignCursor,
        Self::Paging,
        Self::PageSize,
        Self::Repeat,
        Self::Schema,
        Self::Coverage,
        Self::Concurrency,
        Self::Cancellation,
        Self::Failure,
        Self::NoEffect,
        Self::Freshness,
        Self::Delta,
        Self::Writes,
        Self::Resend,
        Self::Stale,
        Self::Race,
        Self::Receipts,
        Self::UnknownWrites,
        Self::ExactValues,
        Self::CancelledWrites,
        Self::Status,
        Self::Rerun,
        Self::Crash,
        Self::LostAnswers,
        Self::PartialFailure,
        Self::PendingChanges,
    ];

    /// The promise's name, which is that of its test.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Describe => "describe",
            Self::Check => "check",
            Self::UnknownResource => "unknown_resource",
            Self::ForeignCursor => "foreign_cursor",
            Self::Paging => "paging",
            Self::PageSize => "page_size",
            Self::Repeat => "repeat",
            Self::Schema => "schema",
            Self::Coverage => "coverage",
            Self::Concurrency => "concurrency",
            Self::Cancellation => "cancellation",
            Self::Failure => "failure",
            Self::NoEffect => "no_effect",
            Self::Freshness => "freshness",
            Self::Delta => "delta",
            Self::Writes => "writes",
            Self::Resend => "resend",
            Self::Stale => "stale",
            Self::Race => "race",
            Self::Receipts => "receipts",
            Self::UnknownWrites => "unknown_writes",
            Self::ExactValues => "exact_values",
            Self::CancelledWrites => "cancelled_writes",
            Self::Status => "status",
            Self::Rerun => "rerun",
            Self::Crash => "crash",
            Self::LostAnswers => "lost_answers",
            Self::PartialFailure => "partial_failure",
            Self::PendingChanges => "pending_changes",
        }
    }

    /// Checks the promise, for as long as the subject's patience lasts; needs a Tokio runtime.
    ///
    /// # Errors
    /// The promise that is broken, and how. It may be another one: where pages have wrong columns,
    /// no promise on their content can be checked.
    pub async fn check(self, subject: &Subject) -> Result<(), Broken> {
        let patience = subject.patience();
        match tokio::time::timeout(patience, self.check_patiently(subject)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.broken(format!("no end within {patience:?}"))),
        }
    }

    async fn check_patiently(self, subject: &Subject) -> Result<(), Broken> {
        match self {
            Self::Identity => super::identity(subject).await,
            Self::Describe => super::describe(subject).await,
            Self::Check => super::check(subject).await,
            Self::UnknownResource => super::unknown_resource(subject).await,
            Self::ForeignCursor => super::foreign_cursor(subject).await,
            Self::Paging => super::paging(subject).await,
            Self::PageSize => super::page_size(subject).await,
            Self::Repeat => super::repeat(subject).await,
            Self::Schema => super::schema(subject).await,
            Self::Coverage => super::coverage(subject).await,
            Self::Concurrency => super::concurrency(subject).await,
            Self::Cancellation => super::cancellation(subject).await,
            Self::Failure => super::failure(subject).await,
            Self::NoEffect => super::no_effect(subject).await,
            Self::Freshness => super::freshness(subject).await,
            Self::Delta => super::delta(subject).await,
            Self::Writes => super::writes(subject).await,
            Self::Resend => super::resend(subject).await,
            Self::Stale => super::stale(subject).await,
            Self::Race => super::race(subject).await,
            Self::Receipts => super::receipts(subject).await,
            Self::UnknownWrites => super::unknown_writes(subject).await,
            Self::ExactValues => super::exact_values(subject).await,
            Self::CancelledWrites => super::cancelled_writes(subject).await,
            Self::Status => super::status(subject).await,
            executed => executed.check_executed(subject).await,
        }
    }

    /// The promises that take the executor.
    #[cfg(feature = "executor")]
    async fn check_executed(self, subject: &Subject) -> Result<(), Broken> {
        match self {
            Self::Rerun => super::rerun(subject).await,
            Self::Crash => super::crash(subject).await,
            Self::LostAnswers => super::lost_answers(subject).await,
            Self::PartialFailure => super::partial_failure(subject).await,
            Self::PendingChanges => super::pending_changes(subject).await,
            _ => Err(self.broken("it has no check")),
        }
    }

    #[cfg(not(feature = "executor"))]
    async fn check_executed(self, _: &Subject) -> Result<(), Broken> {
        Err(self.broken("it takes the executor: build the testkit with its feature `executor`"))
    }

    pub(super) fn broken(self, detail: impl Into<String>) -> Broken {
        Broken { promise: self, detail: detail.into() }
    }

    /// For a call that had to succeed.
    pub(super) fn failed(self, call: &str) -> impl FnOnce(Error) -> Broken {
        let call = call.to_owned();
        move |error| self.broken(format!("{call} failed: {error:?}"))
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A promise that a connector broke, and how.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The promise.
    pub promise: Promise,
    /// What happened instead.
    pub detail: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the promise `{}` is broken: {}", self.promise, self.detail)
    }
}

impl fmt::Debug for Broken {
    /// As text: this is what a failed test shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Broken {}
