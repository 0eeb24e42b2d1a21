//! The misdeeds by name.

use crate::Promise;

/// What a hostile connector does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misdeed {
    /// The identity is another one at each third call.
    ChangesIdentity,
    /// Each third description has another field.
    ChangesSchema,
    /// A resource is described twice.
    DescribesTwice,
    /// `check` fails, and reading goes well.
    FailsCheck,
    /// A resource that is not there is one without records.
    InventsResources,
    /// A cursor it never gave is the beginning.
    TakesForeignCursors,
    /// A cursor of one resource is good for another.
    TakesOtherCursors,
    /// From the second page on, a column is gone.
    DropsColumn,
    /// From the second page on, a column stands twice.
    DoublesColumn,
    /// From the second page on, the first column is text where it was not, and int where it was.
    ChangesType,
    /// From the second page on, the columns stand in another order.
    ChangesOrder,
    /// The second page leads to itself.
    RepeatsCursor,
    /// After the first page come empty ones without end, each with a cursor of its own.
    NeverEnds,
    /// A page that cannot be read is shown as an empty last one.
    HidesErrors,
    /// A page that cannot be read is an empty last one, of a reading that covers a part.
    CallsErrorsPartial,
    /// After the first page comes an empty last one.
    Truncates,
    /// Each page lacks its last record.
    LosesRecords,
    /// Each page has its first record twice, and one moment for a reading is claimed.
    RepeatsRecords,
    /// The key of each record is null.
    LosesKeys,
    /// A whole reading names removed records.
    RemovesInWhole,
    /// The second page never comes.
    Stalls,
    /// The second page is an error.
    FailsHalfway,
    /// Pages are larger than asked for.
    GivesTooMuch,
    /// A page size is claimed, and nothing is made of it.
    IgnoresPageSize,
    /// A page size is honoured, and not claimed.
    HidesPageSize,
    /// Deltas are claimed, and everything is given, whatever the token.
    IgnoresSince,
    /// Deltas are claimed, and do not tell what was removed.
    HidesRemoved,
    /// Deltas are given, and not claimed.
    HidesDelta,
    /// A cursor is good for one call.
    UsesCursorsUp,
    /// All readings of a resource go on where any of them stands.
    SharesReadings,
    /// A reading is said to cover everything, whatever there is.
    ClaimsComplete,
    /// A reading is said to cover records of one key, and has others.
    ReadsOutside,
    /// A coverage is stated over a field that may change.
    CoversByMutable,
    /// A page is read although the call is cancelled.
    IgnoresCancel,
    /// A dropped call breaks the calls after it.
    BreaksWhenDropped,
    /// What was read to the end is gone at the next reading.
    Consumes,
    /// What was read once is given again whatever happened.
    RemembersPages,
}

impl Misdeed {
    /// Every misdeed, in the order of their declaration.
    pub const ALL: [Self; 37] = [
        Self::ChangesIdentity,
        Self::ChangesSchema,
        Self::DescribesTwice,
        Self::FailsCheck,
        Self::InventsResources,
        Self::TakesForeignCursors,
        Self::TakesOtherCursors,
        Self::DropsColumn,
        Self::DoublesColumn,
        Self::ChangesType,
        Self::ChangesOrder,
        Self::RepeatsCursor,
        Self::NeverEnds,
        Self::HidesErrors,
        Self::CallsErrorsPartial,
        Self::Truncates,
        Self::LosesRecords,
        Self::RepeatsRecords,
        Self::LosesKeys,
        Self::RemovesInWhole,
        Self::Stalls,
        Self::FailsHalfway,
        Self::GivesTooMuch,
        Self::IgnoresPageSize,
        Self::HidesPageSize,
        Self::IgnoresSince,
        Self::HidesRemoved,
        Self::HidesDelta,
        Self::UsesCursorsUp,
        Self::SharesReadings,
        Self::ClaimsComplete,
        Self::ReadsOutside,
        Self::CoversByMutable,
        Self::IgnoresCancel,
        Self::BreaksWhenDropped,
        Self::Consumes,
        Self::RemembersPages,
    ];

    /// The promise that it breaks.
    pub const fn breaks(self) -> Promise {
        match self {
            Self::ChangesIdentity => Promise::Identity,
            Self::ChangesSchema | Self::DescribesTwice => Promise::Describe,
            Self::FailsCheck => Promise::Check,
            Self::InventsResources => Promise::UnknownResource,
            Self::TakesForeignCursors | Self::TakesOtherCursors => Promise::ForeignCursor,
            Self::DropsColumn | Self::DoublesColumn => Promise::Schema,
            Self::ChangesType | Self::ChangesOrder => Promise::Schema,
            Self::RepeatsCursor | Self::NeverEnds | Self::Truncates => Promise::Paging,
            Self::LosesRecords | Self::RepeatsRecords | Self::LosesKeys => Promise::Paging,
            Self::RemovesInWhole | Self::Stalls | Self::FailsHalfway => Promise::Paging,
            Self::HidesErrors | Self::CallsErrorsPartial => Promise::Failure,
            Self::GivesTooMuch | Self::IgnoresPageSize => Promise::PageSize,
            Self::HidesPageSize => Promise::PageSize,
            Self::IgnoresSince | Self::HidesRemoved | Self::HidesDelta => Promise::Delta,
            Self::UsesCursorsUp => Promise::Repeat,
            Self::SharesReadings => Promise::Concurrency,
            Self::ClaimsComplete | Self::ReadsOutside => Promise::Coverage,
            Self::CoversByMutable => Promise::Coverage,
            Self::IgnoresCancel | Self::BreaksWhenDropped => Promise::Cancellation,
            Self::Consumes => Promise::NoEffect,
            Self::RemembersPages => Promise::Freshness,
        }
    }
}
