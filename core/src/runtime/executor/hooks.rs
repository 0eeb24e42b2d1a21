//! Places in a run where a test may stop the process.

use std::fmt;

/// A step of a run. At each of them the process may end, and nothing is done twice or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Point {
    /// Before the run is begun.
    BeforeBegin,
    /// Inside the transaction that uses up the grant.
    InBegin,
    /// The run is on disk, and nothing was sent.
    AfterBegin,
    /// Before an intent is written.
    BeforeIntent,
    /// Inside the transaction that writes an intent.
    InIntent,
    /// The intent is on disk, and not sent.
    AfterIntent,
    /// Changes were sent, and their receipts are here.
    AfterSend,
    /// Inside the transaction that writes receipts.
    InReceipt,
    /// The receipts are on disk.
    AfterReceipt,
    /// Before a pending change is asked after.
    BeforeStatus,
    /// The answer of a pending change is here, and not on disk.
    AfterStatus,
    /// The target had time to settle, and was not read back yet.
    AfterSettle,
    /// The target was read back, and what was found is not on disk.
    AfterLook,
    /// A wave is over.
    AfterWave,
    /// The target was read back for the proof, which is not on disk.
    BeforeVerified,
    /// Before the run's end is written.
    BeforeEnd,
    /// Inside the transaction that ends the run.
    InEnd,
    /// The run has ended.
    AfterEnd,
    /// Before a run is taken up again.
    BeforeResume,
    /// Inside the transaction that takes a run up again.
    InResume,
}

impl Point {
    /// Every point, in the order of their declaration.
    pub const ALL: [Self; 20] = [
        Self::BeforeBegin,
        Self::InBegin,
        Self::AfterBegin,
        Self::BeforeIntent,
        Self::InIntent,
        Self::AfterIntent,
        Self::AfterSend,
        Self::InReceipt,
        Self::AfterReceipt,
        Self::BeforeStatus,
        Self::AfterStatus,
        Self::AfterSettle,
        Self::AfterLook,
        Self::AfterWave,
        Self::BeforeVerified,
        Self::BeforeEnd,
        Self::InEnd,
        Self::AfterEnd,
        Self::BeforeResume,
        Self::InResume,
    ];

    /// The point's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeBegin => "before_begin",
            Self::InBegin => "in_begin",
            Self::AfterBegin => "after_begin",
            Self::BeforeIntent => "before_intent",
            Self::InIntent => "in_intent",
            Self::AfterIntent => "after_intent",
            Self::AfterSend => "after_send",
            Self::InReceipt => "in_receipt",
            Self::AfterReceipt => "after_receipt",
            Self::BeforeStatus => "before_status",
            Self::AfterStatus => "after_status",
            Self::AfterSettle => "after_settle",
            Self::AfterLook => "after_look",
            Self::AfterWave => "after_wave",
            Self::BeforeVerified => "before_verified",
            Self::BeforeEnd => "before_end",
            Self::InEnd => "in_end",
            Self::AfterEnd => "after_end",
            Self::BeforeResume => "before_resume",
            Self::InResume => "in_resume",
        }
    }
}

/// Is told of every step; for tests that end the process there.
pub trait Hooks: fmt::Debug + Send + Sync {
    /// The run is at this point. It goes on when this returns.
    fn at(&self, point: Point);
}
