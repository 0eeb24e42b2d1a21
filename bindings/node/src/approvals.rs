//! What people answer, the keys they sign with, and what comes of it; everything as JSON text.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde_json::{Value as Json, json};
use trueup::audit::{Signer, add_signature};
use trueup::{Error, Kind, Result, guard, hex};
use trueup_bindings::keys::People;
use trueup_bindings::{approvals, evidence, keys};

use crate::errors::OrThrow;
use crate::guard::Decision;
use crate::host::{JsHost, Post};
use crate::wire;
use crate::work::Work;

/// A key that signs.
#[napi]
pub struct Key(pub(crate) keys::Key);

#[napi]
impl Key {
    /// A new key of this name.
    #[napi(factory)]
    pub fn generate(name: String) -> napi::Result<Self> {
        keys::Key::generate(&name).or_throw().map(Self)
    }

    /// The key that comes from 32 secret bytes.
    #[napi(factory)]
    pub fn from_seed(name: String, seed: Uint8Array) -> napi::Result<Self> {
        keys::Key::from_seed(&name, &seed).or_throw().map(Self)
    }

    /// A key that signs by calling JavaScript: hexadecimal digits in and out.
    #[napi(factory)]
    pub fn of_host(
        verifier: String,
        #[napi(ts_arg_type = "(call: Call) => void")] post: Post,
    ) -> napi::Result<Self> {
        let host = JsHost::new(post);
        let sign = move |message: &[u8]| {
            let answer = host.call_blocking("sign", json!(hex(message)).to_string())?;
            from_hex(&wire::read::<String>(&answer.said, "the signature")?)
        };
        keys::Key::of_host(&verifier, sign).or_throw().map(Self)
    }

    /// The public half as text.
    #[napi]
    pub fn verifier(&self) -> String {
        self.0.verifier().to_string()
    }

    /// The signature of these bytes.
    #[napi]
    pub fn sign(&self, message: Uint8Array) -> napi::Result<Work> {
        let (key, message) = (self.0.clone(), message.to_vec());
        Work::start(move |_| key.sign(&message).map(Uint8Array::from))
    }
}

/// Permission to carry one plan out, once.
#[napi]
pub struct Grant(pub(crate) guard::Grant);

#[napi]
impl Grant {
    /// What it says of itself.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(approvals::grant(&self.0))
    }
}

/// Limits that two people lifted for a few hours.
#[napi]
pub struct BreakGlass(pub(crate) guard::BreakGlass);

#[napi]
impl BreakGlass {
    /// What it says of itself.
    #[napi]
    pub fn facts(&self) -> String {
        wire::text(approvals::glass(&self.0))
    }

    /// The one grant of a plan, and the review that it brings.
    #[napi]
    pub fn grant(
        &self,
        decision: &Decision,
        answers: String,
        granted: Vec<String>,
        keys: String,
        now: i64,
    ) -> napi::Result<Granted> {
        let (answers, people) = (parse(&answers)?, people(&keys)?);
        let made = approvals::glass_grant(&self.0, &decision.0, answers, &granted, &people, now);
        let (grant, said) = made.or_throw()?;
        Ok(Granted { said: wire::text(said), grant: Some(grant) })
    }
}

/// What is said, and the grant that goes with it.
#[napi]
pub struct Granted {
    said: String,
    grant: Option<guard::Grant>,
}

#[napi]
impl Granted {
    /// How the question stands, or the review.
    #[napi]
    pub fn said(&self) -> String {
        self.said.clone()
    }

    /// The grant, where there is one.
    #[napi]
    pub fn grant(&self) -> Option<Grant> {
        self.grant.clone().map(Grant)
    }
}

/// An answer that nobody vouches for yet.
#[napi]
pub fn answer(
    question: String,
    answer: String,
    approver: String,
    now: i64,
) -> napi::Result<String> {
    let [question, answer, approver] = [parse(&question)?, parse(&answer)?, parse(&approver)?];
    approvals::answer(question, answer, approver, now).or_throw().map(wire::text)
}

/// The answer, signed.
#[napi]
pub fn sign(answer: String, key: &Key) -> napi::Result<Work> {
    let (answer, key) = (parse(&answer)?, key.0.clone());
    Work::start(move |_| approvals::sign(answer, &key).map(wire::text))
}

/// The answer, vouched for by the host.
#[napi]
pub fn attest(answer: String, host: String) -> napi::Result<String> {
    approvals::attest(parse(&answer)?, &host).or_throw().map(wire::text)
}

/// Why an answer counts for nothing, if so.
#[napi]
pub fn refusal(
    question: String,
    answer: String,
    before: String,
    keys: String,
    now: i64,
) -> napi::Result<Option<String>> {
    let [question, answer, before] = [parse(&question)?, parse(&answer)?, parse(&before)?];
    approvals::refusal(question, answer, before, &people(&keys)?, now).or_throw()
}

/// How a question stands, and the grant where all said yes who must.
#[napi]
pub fn standing(
    question: String,
    answers: String,
    keys: String,
    now: i64,
) -> napi::Result<Granted> {
    let (question, answers) = (parse(&question)?, parse(&answers)?);
    let (said, grant) = approvals::standing(question, answers, &people(&keys)?, now).or_throw()?;
    Ok(Granted { said: wire::text(said), grant })
}

/// What an evidence pack shows.
#[napi]
pub fn verify_evidence(
    pack: Uint8Array,
    trust: String,
    saved: Option<String>,
) -> napi::Result<Work> {
    let (pack, trust) = (pack.to_vec(), parse(&trust)?);
    Work::start(move |_| evidence::verify_pack(&pack, trust, saved.as_deref()).map(wire::text))
}

/// An evidence pack with one more signature.
#[napi]
pub fn sign_evidence(pack: Uint8Array, key: &Key) -> napi::Result<Work> {
    let (pack, key) = (pack.to_vec(), key.0.clone());
    Work::start(move |_| add_signature(&pack, &key).map(Uint8Array::from))
}

/// Whose keys are whose.
pub(crate) fn people(keys: &str) -> napi::Result<People> {
    People::from_json(parse(keys)?).or_throw()
}

pub(crate) fn parse(text: &str) -> napi::Result<Json> {
    wire::parse(text, "the argument").or_throw()
}

fn from_hex(digits: &str) -> Result<Vec<u8>> {
    let byte = |at: usize| digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.ok_or_else(|| Error::new(Kind::Protocol, "the key's signature is no bytes"))
}
