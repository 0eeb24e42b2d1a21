//! Who says yes: people with keys of their own, and what they sign.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use trueup::Plan;
use trueup::audit::{Ed25519Signer, Signer, Verifier};
use trueup::guard::{
    Answer, Approval, Approver, Asked, BreakGlass, Decision, LONGEST_OPENING, Opening, Policy,
    Request, Review, Standing,
};
use trueup::runtime::{Entropy, Store, SystemEntropy};

use crate::Result;

/// The rule that refuses masses of deletes.
const DELETES: &str = "delete-many";

/// The owners, and whoever keeps the log; their keys last as long as the demo.
pub(super) struct People {
    owners: Vec<(&'static str, Ed25519Signer)>,
    log: Ed25519Signer,
}

/// A plan that people said yes to.
pub(super) struct Approved {
    pub(super) asked: Asked,
    pub(super) answers: Vec<Approval>,
    pub(super) keys: Keys,
    /// How it stood after each answer, in words.
    pub(super) steps: Vec<String>,
}

/// The public keys of people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Keys(BTreeMap<String, String>);

impl Keys {
    /// Whether a signature is the person's, under the key that is known to be theirs.
    pub(super) fn verify(&self) -> impl Fn(&Approver, &str, &[u8], &[u8]) -> bool + use<'_> {
        |approver, key, bytes, signature| {
            let known = self.0.get(approver.person()).filter(|known| *known == key);
            let key = known.and_then(|known| known.parse::<Verifier>().ok());
            key.is_some_and(|key| key.verify(bytes, signature))
        }
    }
}

/// What came of each try to break glass.
pub(super) struct Tries {
    pub(super) refused: Vec<(&'static str, String)>,
    pub(super) outcome: String,
    pub(super) people: Vec<String>,
    pub(super) review: Review,
}

impl People {
    pub(super) fn new() -> Result<Self> {
        let key = |name: &str| -> Result<Ed25519Signer> {
            let mut seed = [0; 32];
            SystemEntropy.fill(&mut seed)?;
            Ok(Ed25519Signer::new(name, seed)?)
        };
        let owners = [("person:bo", "bo.demo"), ("person:cy", "cy.demo")];
        let owners = owners.into_iter().map(|(person, name)| Ok((person, key(name)?)));
        Ok(Self { owners: owners.collect::<Result<_>>()?, log: key("trueup.local/log")? })
    }

    /// Who signs the log.
    pub(super) fn log(&self) -> &Ed25519Signer {
        &self.log
    }

    pub(super) fn signers(&self) -> impl Iterator<Item = &Ed25519Signer> {
        self.owners.iter().map(|(_, key)| key)
    }

    pub(super) fn verifiers(&self) -> impl Iterator<Item = &Verifier> {
        self.signers().map(Signer::verifier)
    }

    /// Everybody's signed yes to a question.
    fn answers(&self, asked: &Asked) -> Result<Vec<Approval>> {
        let answer = |(person, key): &(&'static str, Ed25519Signer)| {
            let approver = Approver::new(*person, ["owner"]);
            let yes = Approval::new(Answer::Approve, approver, asked.binding().clone(), now());
            let signature = key.sign(&yes.to_sign())?;
            Ok(yes.signed(key.verifier().to_string(), signature))
        };
        self.owners.iter().map(answer).collect()
    }

    fn keys(&self) -> Keys {
        let key = |(person, key): &(&str, Ed25519Signer)| {
            ((*person).to_owned(), key.verifier().to_string())
        };
        Keys(self.owners.iter().map(key).collect())
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Asks people about a plan, one after the other, and writes down what they say.
pub(super) fn collect(
    store: &Store,
    people: &People,
    plan: &Plan,
    decision: &Decision,
) -> Result<Approved> {
    store.keep_plan(plan)?;
    store.keep_decision(decision)?;
    let asked = decision.asked()?;
    let (mut answers, mut steps, keys) = (Vec::new(), Vec::new(), people.keys());
    for answer in people.answers(&asked)? {
        store.keep_answer(&answer)?;
        answers.push(answer);
        let standing = asked.standing(&answers, now(), &keys.verify());
        match standing {
            Standing::Waiting { missing, .. } => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                steps.push(format!("waiting for {}", missing.join(" and ")));
            }
            Standing::Granted(grant) => {
                store.keep_grant(&grant)?;
                steps.push("granted, once, for this plan alone".to_owned());
                return Ok(Approved { asked, answers, keys, steps });
            }
            other => return Err(format!("nobody should say no here: {other:?}").into()),
        }
    }
    Err("not everybody said yes".into())
}

/// Breaks glass: too long, then for the wrong rule, then as it should be.
pub(super) fn break_glass(
    policy: &Policy,
    people: &People,
    plan: &Plan,
    request: &Request,
) -> Result<Tries> {
    let opening = |hours: i64, rule: &str| Opening {
        requester: request.actor().clone(),
        lifts: vec![rule.to_owned()],
        reason: "the library transition must be through before the release".to_owned(),
        from: request.now(),
        until: request.now().saturating_add(hours.saturating_mul(3_600_000)),
    };
    let mut refused = Vec::new();
    for (what, opening) in [
        ("for eight hours", opening(8, DELETES)),
        ("for a rule without a limit", opening(1, "delete")),
    ] {
        match opening.asked(policy) {
            Err(why) => refused.push((what, why.to_string())),
            Ok(_) => return Err(format!("break-glass {what} should be refused").into()),
        }
    }
    let good =
        Opening { until: request.now().saturating_add(LONGEST_OPENING), ..opening(4, DELETES) };
    let keys = people.keys();
    let said = keys.verify();
    let yes = people.answers(&good.asked(policy)?)?;
    let glass = BreakGlass::open(policy, good, &yes, now(), &said)?;
    let request = request.clone().at(now());
    let decision = glass.decide(policy, plan, &request)?;
    let answers = people.answers(&decision.asked()?)?;
    let (_, review) = glass.grant(&decision, &answers, &BTreeSet::new(), now(), &said)?;
    let outcome = decision.outcome().to_string();
    Ok(Tries { refused, outcome, people: glass.people().to_vec(), review })
}
