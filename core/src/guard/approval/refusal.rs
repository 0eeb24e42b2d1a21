//! Why an answer counts for nothing.

use std::fmt;

use super::super::moment;

/// Why an answer counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is bound to another plan.
    OtherPlan,
    /// It is bound to another policy: the policy was changed since.
    OtherPolicy,
    /// What the plan was decided against has moved since.
    Moved,
    /// It is bound to another end of the question.
    OtherExpiry,
    /// Somebody else asks for it now.
    OtherRequester,
    /// It is an answer to another question about the same plan: asked elsewhere, of others, or at
    /// another moment.
    OtherQuestion,
    /// The question was over.
    Late {
        /// When it was over.
        expired: i64,
    },
    /// It is dated before the question, or after now: clocks disagree.
    Misdated {
        /// The moment it names.
        at: i64,
    },
    /// No person gave it.
    NoPerson {
        /// Who did.
        actor: String,
    },
    /// The name could pass for another: it has space around it, or signs that nobody sees.
    Untidy {
        /// The name.
        name: String,
    },
    /// The one who asks cannot approve, nor can anybody who acts or is acted for.
    Requester {
        /// Who it is.
        person: String,
    },
    /// The person is a delegate of somebody who asks.
    Delegate {
        /// Who it is.
        person: String,
        /// Whose delegate.
        of: String,
    },
    /// The person has none of the roles that are asked: the answer only takes back what they said
    /// before.
    NoRole {
        /// Who it is.
        person: String,
    },
    /// The answer lacks a part.
    Lacks(&'static str),
    /// Nobody vouches for it.
    Unvouched,
    /// The signature is not one of this person over this answer.
    BadSignature {
        /// The key that it names.
        key: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPlan => f.write_str("the answer is to another plan; ask again"),
            Self::OtherPolicy => f.write_str("the policy was changed since; decide and ask again"),
            Self::Moved => {
                f.write_str("what the plan was decided against has moved; plan and ask again")
            }
            Self::OtherExpiry => {
                f.write_str("the answer is to a question that ends at another time; ask again")
            }
            Self::OtherRequester => {
                f.write_str("the answer is to somebody else who asked; ask for yourself")
            }
            Self::OtherQuestion => {
                f.write_str("the answer is to another question about this plan; ask again")
            }
            Self::Late { expired } => {
                write!(f, "the question was over at {}; ask again", moment::text(*expired))
            }
            Self::Misdated { at } => {
                write!(
                    f,
                    "the answer is dated {}, before the question or after now; check the clocks",
                    moment::text(*at)
                )
            }
            Self::NoPerson { actor } => {
                write!(f, "`{actor}` is no person by themselves; only a person can answer")
            }
            Self::Untidy { name } => {
                let name = name.escape_debug();
                write!(
                    f,
                    "`{name}` has space around it or signs that nobody sees; write it plainly"
                )
            }
            Self::Requester { person } => {
                write!(f, "`{person}` asks for it and so cannot answer; ask somebody else")
            }
            Self::Delegate { person, of } => {
                write!(f, "`{person}` is a delegate of `{of}`, who asks for it; ask somebody else")
            }
            Self::NoRole { person } => write!(f, "`{person}` has none of the roles that are asked"),
            Self::Lacks(what) => write!(f, "the answer lacks {what}"),
            Self::Unvouched => {
                f.write_str("nobody vouches for the answer; have it signed or attested")
            }
            Self::BadSignature { key } => {
                write!(f, "the signature by `{key}` is not over this answer")
            }
        }
    }
}
