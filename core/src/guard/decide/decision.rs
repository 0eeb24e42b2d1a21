//! What a policy says of a plan.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical::frame;
use trueup_connector::{Hash, hex};

use super::super::outcome::{Ask, Outcome, Risk};
use super::super::request::Actor;
use super::combine::ChangeDecision;
use super::limits::{Count, Use};
use crate::reconcile::canonical_json;

/// What a policy says of a plan at one moment, and of each of its changes.
///
/// The same plan, policy and request give the same decision everywhere. It holds until
/// [`Decision::valid_until`] and is taken anew when the plan is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub(super) plan: Hash,
    pub(super) policy: Hash,
    pub(super) requester: Actor,
    pub(super) environment: String,
    pub(super) at: i64,
    pub(super) valid_until: i64,
    pub(super) outcome: Outcome,
    pub(super) groups: Vec<ChangeDecision>,
    pub(super) of: Vec<u32>,
    pub(super) asks: Vec<Ask>,
    pub(super) counts: Vec<Count>,
    pub(super) uses: Vec<Use>,
    pub(super) lifted: Vec<Arc<str>>,
    pub(super) opening: Option<Hash>,
    pub(super) timeout: Option<i64>,
    pub(super) evidence: Vec<String>,
    pub(super) stale_share: u64,
}

impl Decision {
    /// The plan's digest.
    pub fn plan(&self) -> Hash {
        self.plan
    }

    /// The policy's hash.
    pub fn policy(&self) -> Hash {
        self.policy
    }

    /// Which release of the IANA zone database it was taken with.
    pub fn zone_data(&self) -> &'static str {
        super::super::moment::zone_data()
    }

    /// Who asked.
    pub fn requester(&self) -> &Actor {
        &self.requester
    }

    /// Where it would be done: the word of the request.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// When it was taken.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// Until when it holds: no window, freeze or budget changes before.
    pub fn valid_until(&self) -> i64 {
        self.valid_until
    }

    /// What may be done about the plan: the greatest outcome of its changes.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The greatest risk of its changes.
    pub fn risk(&self) -> Risk {
        self.groups.iter().map(ChangeDecision::risk).max().unwrap_or(Risk::R1)
    }

    /// The greatest score of its changes.
    pub fn score(&self) -> u8 {
        self.groups.iter().map(ChangeDecision::score).max().unwrap_or(0)
    }

    /// What it says of a change, by its place in the plan.
    pub fn change(&self, place: usize) -> Option<&ChangeDecision> {
        let group = usize::try_from(*self.of.get(place)?).ok()?;
        self.groups.get(group)
    }

    /// The places of the changes with this outcome.
    pub fn places(&self, outcome: Outcome) -> impl Iterator<Item = usize> {
        let all = 0..self.of.len();
        all.filter(move |place| self.change(*place).is_some_and(|change| change.outcome == outcome))
    }

    /// The different decisions there are among its changes, with how many changes each is of.
    pub fn groups(&self) -> impl Iterator<Item = (&ChangeDecision, usize)> {
        let mut sizes = vec![0; self.groups.len()];
        for group in &self.of {
            if let Some(size) = usize::try_from(*group).ok().and_then(|group| sizes.get_mut(group))
            {
                *size += 1;
            }
        }
        self.groups.iter().zip(sizes)
    }

    /// Who must be asked for the plan as a whole: every one of these.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// What its limits counted.
    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    /// What it takes of rates and budgets: to be reserved in the transaction that writes the intent.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The rules whose limits break-glass lifted.
    pub fn lifted(&self) -> &[Arc<str>] {
        &self.lifted
    }

    /// The break-glass that lifted them ([`Opening::digest`](crate::guard::Opening::digest)), if any did.
    pub fn opening(&self) -> Option<Hash> {
        self.opening
    }

    /// How long carrying it out may take, in milliseconds, if a rule says.
    pub fn timeout(&self) -> Option<i64> {
        self.timeout
    }

    /// What must be kept of it; sorted.
    pub fn evidence(&self) -> &[String] {
        &self.evidence
    }

    /// More stale changes than this share of the plan stop its run; in parts of a million.
    pub fn stale_share(&self) -> u64 {
        self.stale_share
    }

    /// A digest of what it was taken against: the plan, which holds every precondition, and the
    /// counts that its limits used (`docs/spec/policy.md`).
    pub fn against(&self) -> Hash {
        let mut bytes = Vec::new();
        frame(&mut bytes, b"trueup/against/1");
        frame(&mut bytes, &self.plan);
        frame(&mut bytes, &canonical_json(&self.counts_json()));
        Sha256::digest(&bytes).into()
    }

    /// All of it as plain data, for the audit log; whole numbers beyond 2^53 as text.
    pub fn to_json(&self) -> Json {
        let groups: Vec<Json> = self.groups().map(|(group, size)| group.to_json(size)).collect();
        json!({
            "against": hex(&self.against()),
            "asks": self.asks.iter().map(Ask::to_json).collect::<Vec<_>>(),
            "at": whole(self.at),
            "changes": groups,
            "counts": self.counts_json(),
            "environment": self.environment,
            "evidence": self.evidence,
            "lifted": self.lifted.iter().map(|id| &**id).collect::<Vec<_>>(),
            "opening": self.opening.as_ref().map(|opening| hex(opening)),
            "outcome": self.outcome.name(),
            "plan": hex(&self.plan),
            "policy": hex(&self.policy),
            "requester": self.requester.chain(),
            "stale_share": self.stale_share,
            "timeout": self.timeout.map(whole),
            "uses": self.uses.iter().map(Use::to_json).collect::<Vec<_>>(),
            "valid_until": whole(self.valid_until),
            "zone_data": self.zone_data(),
        })
    }

    fn counts_json(&self) -> Json {
        self.counts.iter().map(Count::to_json).collect()
    }
}

impl ChangeDecision {
    fn to_json(&self, size: usize) -> Json {
        let ids = |ids: &[Arc<str>]| ids.iter().map(|id| Json::from(&**id)).collect::<Json>();
        json!({
            "doubts": ids(&self.doubts),
            "number": size,
            "outcome": self.outcome.name(),
            "risk": self.risk.name(),
            "rules": ids(&self.rules),
            "score": self.score,
        })
    }
}

impl Count {
    fn to_json(&self) -> Json {
        json!({
            "allowed": whole(self.allowed),
            "count": whole(self.count),
            "covered_rows": whole(self.covered_rows),
            "rule": &*self.rule,
            "side": self.side.name(),
        })
    }
}

impl Use {
    fn to_json(&self) -> Json {
        json!({
            "count": whole(self.count),
            "limit": self.limit,
            "most": whole(self.most),
            "since": whole(self.since),
            "until": whole(self.until),
            "used": self.used.map(whole),
        })
    }
}

/// A whole number that canonical JSON can hold; beyond 2^53 as text.
fn whole(number: impl Into<i128>) -> Json {
    let number = number.into();
    match i64::try_from(number) {
        Ok(small) if small.unsigned_abs() <= 1 << 53 => json!(small),
        _ => json!(number.to_string()),
    }
}
