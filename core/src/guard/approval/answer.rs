//! What a person answers, to which question, and who vouches that they did.

use serde::{Deserialize, Serialize};
use serde_json::json;
use trueup_connector::record::canonical::frame;
use trueup_connector::{Hash, hex};

use super::super::outcome::Ask;
use super::super::request::Actor;
use crate::reconcile::canonical_json;

/// What a person says to a question. The last answer of a person counts; given with none of the roles
/// that are asked, it only takes back what they said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Answer {
    /// Yes.
    Approve,
    /// No. It stands until the person says otherwise, or two others override it.
    Reject {
        /// Why.
        reason: String,
    },
    /// Yes, in spite of a rejection or deferral: two people must say so. It lifts nothing that the
    /// policy says.
    Override {
        /// Why.
        reason: String,
    },
    /// One more person must be asked, with one of these roles. It cannot be taken back.
    Escalate {
        /// The roles.
        roles: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Not before this moment.
    Defer {
        /// Milliseconds since the Unix epoch.
        until: i64,
    },
}

impl Answer {
    /// `approve`, `reject`, `override`, `escalate` or `defer`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject { .. } => "reject",
            Self::Override { .. } => "override",
            Self::Escalate { .. } => "escalate",
            Self::Defer { .. } => "defer",
        }
    }

    /// Of two answers of one person at one moment the heavier counts, and of two deferrals the longer:
    /// their order never matters.
    pub(super) fn weight(&self) -> (u8, i64) {
        match self {
            Self::Escalate { .. } | Self::Approve => (0, 0),
            Self::Override { .. } => (1, 0),
            Self::Defer { until } => (2, *until),
            Self::Reject { .. } => (3, 0),
        }
    }

    /// What it lacks to be an answer.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        match self {
            Self::Reject { reason } | Self::Override { reason } | Self::Escalate { reason, .. }
                if reason.trim().is_empty() =>
            {
                Some("a reason")
            }
            Self::Escalate { roles, .. } if roles.is_empty() => Some("a role to ask"),
            _ => None,
        }
    }
}

/// Who answers, as the host knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Approver {
    /// Who really gives the answer: a person by themselves. An agent's answer counts for nobody.
    pub actor: Actor,
    /// The roles of the person.
    pub roles: Vec<String>,
    /// Those for whom the person acts as delegate.
    #[serde(default)]
    pub delegate_of: Vec<String>,
}

impl Approver {
    /// A person with these roles, who is nobody's delegate.
    pub fn new<S: Into<String>>(
        person: impl Into<String>,
        roles: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            actor: Actor::new(person),
            roles: roles.into_iter().map(Into::into).collect(),
            delegate_of: Vec::new(),
        }
    }

    /// Sets who really gives the answer.
    #[must_use]
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Adds one for whom the person acts as delegate.
    #[must_use]
    pub fn with_delegate_of(mut self, party: impl Into<String>) -> Self {
        self.delegate_of.push(party.into());
        self
    }

    /// Who it is.
    pub fn person(&self) -> &str {
        self.actor.acting()
    }
}

/// A question, whole: an answer is bound to all of it, and counts for no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Binding {
    /// Who asks.
    pub requester: Actor,
    /// Where it would be done: the word of the request.
    pub environment: String,
    /// The plan's digest.
    #[serde(with = "hexed")]
    pub plan: Hash,
    /// What the plan was decided against.
    #[serde(with = "hexed")]
    pub against: Hash,
    /// The policy's hash.
    #[serde(with = "hexed")]
    pub policy: Hash,
    /// Who must answer, escalations left aside.
    pub asks: Vec<Ask>,
    /// When the question was put, in milliseconds since the Unix epoch.
    pub asked_at: i64,
    /// When the question ends, in milliseconds since the Unix epoch.
    pub expires: i64,
}

/// Who vouches that the person gave the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Vouched {
    /// Nobody: it counts for nothing.
    Nobody,
    /// The person, by a signature over [`Approval::to_sign`].
    Signed {
        /// Names the key.
        key: String,
        /// The signature.
        signature: Vec<u8>,
    },
    /// The host, which knows the person: nobody can check it afterwards.
    Attested {
        /// Names the host.
        by: String,
    },
}

/// A person's answer, bound to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Approval {
    /// What was said.
    pub answer: Answer,
    /// By whom.
    pub approver: Approver,
    /// To what.
    pub binding: Binding,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Who vouches for it.
    pub vouched: Vouched,
}

impl Approval {
    /// An answer that nobody vouches for yet.
    pub fn new(answer: Answer, approver: Approver, binding: Binding, at: i64) -> Self {
        Self { answer, approver, binding, at, vouched: Vouched::Nobody }
    }

    /// Adds the person's signature over [`Approval::to_sign`].
    #[must_use]
    pub fn signed(mut self, key: impl Into<String>, signature: Vec<u8>) -> Self {
        self.vouched = Vouched::Signed { key: key.into(), signature };
        self
    }

    /// Has the host vouch for it.
    #[must_use]
    pub fn attested(mut self, by: impl Into<String>) -> Self {
        self.vouched = Vouched::Attested { by: by.into() };
        self
    }

    /// The bytes that a signature is over (`docs/spec/policy.md`).
    pub fn to_sign(&self) -> Vec<u8> {
        let answer = match &self.answer {
            Answer::Approve => json!({ "kind": "approve" }),
            Answer::Reject { reason } => json!({ "kind": "reject", "reason": reason }),
            Answer::Override { reason } => json!({ "kind": "override", "reason": reason }),
            Answer::Escalate { roles, reason } => {
                json!({ "kind": "escalate", "reason": reason, "roles": roles })
            }
            Answer::Defer { until } => json!({ "kind": "defer", "until": until.to_string() }),
        };
        let Binding { requester, environment, plan, against, policy, asks, asked_at, expires } =
            &self.binding;
        let body = json!({
            "against": hex(against),
            "answer": answer,
            "approver": {
                "chain": self.approver.actor.chain(),
                "delegate_of": self.approver.delegate_of,
                "roles": self.approver.roles,
            },
            "asked_at": asked_at.to_string(),
            "asks": asks.iter().map(Ask::to_json).collect::<Vec<_>>(),
            "at": self.at.to_string(),
            "environment": environment,
            "expires": expires.to_string(),
            "plan": hex(plan),
            "policy": hex(policy),
            "requester": requester.chain(),
        });
        let mut bytes = Vec::new();
        frame(&mut bytes, b"trueup/approval/1");
        frame(&mut bytes, &canonical_json(&body));
        bytes
    }
}

/// Hashes as hex in data.
mod hexed {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use trueup_connector::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&trueup_connector::hex(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no digest of 64 hex digits")))
    }

    fn parse(text: &str) -> Option<Hash> {
        let mut hash = [0; 32];
        let plain = text.len() == 64
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        for (place, byte) in hash.iter_mut().enumerate().filter(|_| plain) {
            *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
        }
        plain.then_some(hash)
    }
}
