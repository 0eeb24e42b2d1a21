//! What people answer, the keys they sign with, and what comes of it.

use std::sync::Arc;

use serde_json::Value as Json;
use trueup::audit::{Signer, add_signature};
use trueup::{Result, guard};
use trueup_bindings::keys::{self, People};
use trueup_bindings::{approvals, evidence};

use crate::call::Call;
use crate::errors::{Failure, Told};
use crate::guard::{Decision, Policy};
use crate::wire;

/// A key that signs.
#[derive(uniffi::Object)]
pub struct Key(pub(crate) keys::Key);

/// Who makes Ed25519 signatures with a key that is kept elsewhere; called from any thread.
#[uniffi::export(rust, foreign)]
pub trait HostKey: Send + Sync {
    /// The signature of these bytes.
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, Failure>;
}

#[uniffi::export]
impl Key {
    /// A new key of this name.
    #[uniffi::constructor]
    pub fn generate(name: String) -> Told<Self> {
        Ok(Self(keys::Key::generate(&name)?))
    }

    /// The key that comes from these 32 secret bytes.
    #[uniffi::constructor]
    pub fn from_seed(name: String, seed: Vec<u8>) -> Told<Self> {
        Ok(Self(keys::Key::from_seed(&name, &seed)?))
    }

    /// A key that is kept elsewhere.
    #[uniffi::constructor]
    pub fn of_host(verifier: String, host: Arc<dyn HostKey>) -> Told<Self> {
        let sign = move |message: &[u8]| Ok(host.sign(message.to_vec())?);
        Ok(Self(keys::Key::of_host(&verifier, sign)?))
    }

    /// The public half as text.
    pub fn verifier(&self) -> String {
        self.0.verifier().to_string()
    }

    /// The signature of these bytes.
    pub fn sign(&self, message: Vec<u8>) -> Told<Vec<u8>> {
        Ok(self.0.sign(&message)?)
    }
}

/// Permission to carry one plan out, once.
#[derive(uniffi::Object)]
pub struct Grant(pub(crate) guard::Grant);

#[uniffi::export]
impl Grant {
    /// What it says of itself, as JSON.
    pub fn facts(&self) -> String {
        approvals::grant(&self.0).to_string()
    }
}

/// Limits that two people lifted for a few hours.
#[derive(uniffi::Object)]
pub struct BreakGlass(pub(crate) guard::BreakGlass);

#[uniffi::export]
impl BreakGlass {
    /// Breaks glass.
    #[uniffi::constructor]
    pub fn open(
        policy: Arc<Policy>,
        opening: String,
        answers: String,
        keys: String,
        now: i64,
    ) -> Told<Self> {
        let (opening, answers) =
            (wire::read(&opening, "opening")?, wire::read(&answers, "answers")?);
        let people = people(&keys)?;
        Ok(Self(approvals::break_glass(&policy.0, opening, answers, &people, now)?))
    }

    /// What it says of itself, as JSON.
    pub fn facts(&self) -> String {
        approvals::glass(&self.0).to_string()
    }

    /// The one grant of a plan, and the review that it brings.
    pub fn grant(
        &self,
        decision: Arc<Decision>,
        answers: String,
        granted: Vec<String>,
        keys: String,
        now: i64,
    ) -> Told<Standing> {
        let (answers, people) = (wire::read(&answers, "answers")?, people(&keys)?);
        let made = approvals::glass_grant(&self.0, &decision.0, answers, &granted, &people, now);
        let (grant, review) = made?;
        Ok(Standing { said: review.to_string(), grant: Some(Arc::new(Grant(grant))) })
    }
}

/// What answers come to.
#[derive(uniffi::Record)]
pub struct Standing {
    /// How the question stands, or the review that is due, as JSON.
    pub said: String,
    /// The grant, where there is one.
    pub grant: Option<Arc<Grant>>,
}

/// An answer that nobody vouches for yet, as JSON.
#[uniffi::export]
pub fn make_answer(question: String, answer: String, approver: String, now: i64) -> Told<String> {
    let question = wire::read(&question, "the question")?;
    let (said, approver) =
        (wire::read(&answer, "the answer")?, wire::read(&approver, "the approver")?);
    Ok(approvals::answer(question, said, approver, now)?.to_string())
}

/// The answer, signed.
#[uniffi::export]
pub fn sign_answer(answer: String, key: Arc<Key>) -> Told<String> {
    Ok(approvals::sign(wire::read(&answer, "the answer")?, &key.0)?.to_string())
}

/// The answer, vouched for by the host.
#[uniffi::export]
pub fn attest_answer(answer: String, host: String) -> Told<String> {
    Ok(approvals::attest(wire::read(&answer, "the answer")?, &host)?.to_string())
}

/// Why an answer counts for nothing, if so.
#[uniffi::export]
pub fn refusal(
    question: String,
    answer: String,
    before: String,
    keys: String,
    now: i64,
) -> Told<Option<String>> {
    let (question, answer) =
        (wire::read(&question, "the question")?, wire::read(&answer, "the answer")?);
    let (before, people) = (wire::read(&before, "the answers")?, people(&keys)?);
    Ok(approvals::refusal(question, answer, before, &people, now)?)
}

/// How a question stands, and the grant where all said yes who must.
#[uniffi::export]
pub fn question_standing(
    question: String,
    answers: String,
    keys: String,
    now: i64,
) -> Told<Standing> {
    let (question, answers) =
        (wire::read(&question, "the question")?, wire::read(&answers, "the answers")?);
    let (said, grant) = approvals::standing(question, answers, &people(&keys)?, now)?;
    Ok(Standing { said: said.to_string(), grant: grant.map(|grant| Arc::new(Grant(grant))) })
}

/// What an evidence pack shows, as JSON.
#[uniffi::export]
pub async fn verify_evidence(
    pack: Vec<u8>,
    trust: String,
    saved: Option<String>,
    call: Arc<Call>,
) -> Told<String> {
    let trust: Json = wire::read(&trust, "the trusted keys")?;
    Ok(call
        .start(move |_| evidence::verify_pack(&pack, trust, saved.as_deref()))
        .await?
        .to_string())
}

/// An evidence pack with one more signature.
#[uniffi::export]
pub async fn sign_evidence(pack: Vec<u8>, key: Arc<Key>, call: Arc<Call>) -> Told<Vec<u8>> {
    call.start(move |_| add_signature(&pack, &key.0)).await
}

/// Whose keys are whose.
fn people(keys: &str) -> Result<People> {
    People::from_json(wire::read(keys, "the keys of people")?)
}
