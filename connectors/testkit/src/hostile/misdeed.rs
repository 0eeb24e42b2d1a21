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
    /// The first half of the values is written, and the change called done.
    WritesHalf,
    /// Every change is carried out twice.
    WritesTwice,
    /// A change is called done, and nothing is done.
    SaysDone,
    /// A change that was carried out is called stale.
    SaysStale,
    /// A change that was carried out is called failed.
    SaysFailed,
    /// Of a change that was carried out it is said that this is not known.
    SaysUnknown,
    /// A call is an error after all of it was carried out.
    FailsAfterWriting,
    /// A call that writes never ends.
    HangsWriting,
    /// A change that was carried out stays pending.
    PendsForever,
    /// A change that is sent again is carried out again.
    WritesAgain,
    /// Idempotency keys are said to be taken, and are not looked at.
    LiesAboutIdempotency,
    /// A change is carried out whatever the values before are.
    IgnoresPrecondition,
    /// Values before are looked at first, and the change is made later.
    RacesWrites,
    /// The last change of a call has no receipt.
    DropsReceipts,
    /// A call has a receipt too many.
    AddsReceipts,
    /// The receipts stand in the reverse order.
    SwapsReceipts,
    /// After a change that fails no other is sent.
    StopsAtFailure,
    /// A change of what is not there is called done.
    TakesUnknownFields,
    /// What is refused is not named.
    HidesNames,
    /// Long text is cut, and the change called done.
    CutsValues,
    /// Changes are carried out although the call is cancelled.
    IgnoresWriteCancel,
    /// A handle that was never given is that of a change that is done.
    InventsStatus,
    /// The first receipt of a call stands twice, and the last is gone.
    RepeatsReceipts,
    /// A call panics after all of it was carried out.
    PanicsWriting,
    /// A change that took place, and is sent again, is called failed.
    FailsAgain,
    /// A record that is made while it is there is removed.
    TogglesRecords,
    /// Changes are carried out later than is declared.
    SettlesLate,
    /// A change whose precondition does not hold is called done.
    HidesStale,
    /// The handle of a pending change is not known any more.
    ForgetsHandles,
}

impl Misdeed {
    /// Every misdeed, in the order of their declaration.
    pub const ALL: [Self; 66] = [
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
        Self::WritesHalf,
        Self::WritesTwice,
        Self::SaysDone,
        Self::SaysStale,
        Self::SaysFailed,
        Self::SaysUnknown,
        Self::FailsAfterWriting,
        Self::HangsWriting,
        Self::PendsForever,
        Self::WritesAgain,
        Self::LiesAboutIdempotency,
        Self::IgnoresPrecondition,
        Self::RacesWrites,
        Self::DropsReceipts,
        Self::AddsReceipts,
        Self::SwapsReceipts,
        Self::StopsAtFailure,
        Self::TakesUnknownFields,
        Self::HidesNames,
        Self::CutsValues,
        Self::IgnoresWriteCancel,
        Self::InventsStatus,
        Self::RepeatsReceipts,
        Self::PanicsWriting,
        Self::FailsAgain,
        Self::TogglesRecords,
        Self::SettlesLate,
        Self::HidesStale,
        Self::ForgetsHandles,
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
            Self::WritesHalf | Self::WritesTwice | Self::SaysDone => Promise::Writes,
            Self::SaysStale | Self::SaysFailed | Self::SaysUnknown => Promise::Writes,
            Self::FailsAfterWriting | Self::HangsWriting | Self::PendsForever => Promise::Writes,
            Self::WritesAgain | Self::LiesAboutIdempotency => Promise::Resend,
            Self::IgnoresPrecondition => Promise::Stale,
            Self::RacesWrites => Promise::Race,
            Self::DropsReceipts | Self::AddsReceipts | Self::SwapsReceipts => Promise::Receipts,
            Self::StopsAtFailure | Self::RepeatsReceipts => Promise::Receipts,
            Self::TakesUnknownFields | Self::HidesNames => Promise::UnknownWrites,
            Self::CutsValues => Promise::ExactValues,
            Self::IgnoresWriteCancel => Promise::CancelledWrites,
            Self::InventsStatus => Promise::Status,
            Self::PanicsWriting | Self::FailsAgain => Promise::LostAnswers,
            Self::TogglesRecords => Promise::Rerun,
            Self::SettlesLate => Promise::Crash,
            Self::HidesStale => Promise::PartialFailure,
            Self::ForgetsHandles => Promise::PendingChanges,
        }
    }
}
