//! Questions to people and their answers, as plain data; grants as handles.
//!
//! A question is what its answers are bound to (`plan`, `against`, `policy`, `requester`, `environment`,
//! `asks`, `asked_at`, `expires`), an answer an approval of `trueup::guard`, in JSON. A grant cannot be read from data: it comes of a question's answers.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use trueup::audit::Signer;
use trueup::guard::{
    Answer, Approval, Approver, Asked, BreakGlass, Decision, Grant, GrantedBy, Opening, Policy,
    Request, Standing,
};
use trueup::{Error, Hash, Kind, Plan, Result};

use crate::keys::{Key, People};
use trueup::hex;

/// The question that a decision puts to people.
///
/// # Errors
/// `forbidden` for a decision that is a denial.
pub fn question(decision: &Decision) -> Result<Json> {
    write(&decision.asked()?)
}

/// An answer to a question: `answer` is `"approve"`, or an object such as `{"reject": {"reason": …}}`,
/// `{"override": {"reason": …}}`, `{"escalate": {"roles": […], "reason": …}}`, `{"defer": {"until": …}}`;
/// `approver` is `{"actor": ["person:bo"], "roles": ["owner"]}`, maybe with `delegate_of`. Nobody
/// vouches for it yet.
///
/// # Errors
/// `invalid`, naming what is wrong.
pub fn answer(question: Json, answer: Json, approver: Json, now: i64) -> Result<Json> {
    let asked: Asked = read(question, "question")?;
    let answer: Answer = read(answer, "answer")?;
    let approver: Approver = read(approver, "approver")?;
    write(&Approval::new(answer, approver, asked.binding().clone(), now))
}

/// The answer, signed by the person's key.
///
/// # Errors
/// Those of the signer; `invalid` for what is no answer.
pub fn sign(approval: Json, key: &Key) -> Result<Json> {
    let approval: Approval = read(approval, "answer")?;
    let signature = key.sign(&approval.to_sign())?;
    write(&approval.signed(key.verifier().to_string(), signature))
}

/// The bytes that a signature of this answer is over.
///
/// # Errors
/// `invalid` for what is no answer.
pub fn to_sign(approval: Json) -> Result<Vec<u8>> {
    read(approval, "answer").map(|approval: Approval| approval.to_sign())
}

/// The answer with the signature that a person made elsewhere, under this public key.
///
/// # Errors
/// `invalid` for what is no answer.
pub fn signed(approval: Json, key: &str, signature: Vec<u8>) -> Result<Json> {
    write(&read::<Approval>(approval, "answer")?.signed(key, signature))
}

/// The answer, vouched for by the host.
///
/// # Errors
/// `invalid` for what is no answer.
pub fn attest(approval: Json, host: &str) -> Result<Json> {
    write(&read::<Approval>(approval, "answer")?.attested(host))
}

/// Why an answer counts for nothing, if so; `before` are those given already.
///
/// # Errors
/// `invalid` for what is no question or answer.
pub fn refusal(
    question: Json,
    approval: Json,
    before: Json,
    people: &People,
    now: i64,
) -> Result<Option<String>> {
    let asked: Asked = read(question, "question")?;
    let (approval, before): (Approval, Vec<Approval>) =
        (read(approval, "answer")?, read(before, "answers")?);
    let verify = |who: &Approver, key: &str, bytes: &[u8], signature: &[u8]| {
        people.verify(who, key, bytes, signature)
    };
    Ok(asked.refuses(&approval, &before, now, &verify).map(|refusal| refusal.to_string()))
}

/// What answers come to: how they stand as data, and the grant where all said yes who must.
///
/// # Errors
/// `invalid` for what is no question or answer.
pub fn standing(
    question: Json,
    answers: Json,
    people: &People,
    now: i64,
) -> Result<(Json, Option<Grant>)> {
    let asked: Asked = read(question, "question")?;
    let answers: Vec<Approval> = read(answers, "answers")?;
    let verify = |who: &Approver, key: &str, bytes: &[u8], signature: &[u8]| {
        people.verify(who, key, bytes, signature)
    };
    Ok(match asked.standing(&answers, now, &verify) {
        Standing::Granted(it) => (json!({"state": "granted", "grant": grant(&it)}), Some(it)),
        Standing::Waiting { missing, not_before } => {
            let text: Vec<String> = missing.iter().map(ToString::to_string).collect();
            let text = format!("waiting for {}", text.join(" and "));
            (
                json!({"state": "waiting", "missing": missing, "not_before": not_before, "text": text}),
                None,
            )
        }
        Standing::Rejected { by, reason } => {
            let text = format!("`{by}` said no: {reason}");
            (json!({"state": "rejected", "by": by, "reason": reason, "text": text}), None)
        }
        Standing::Expired { at } => {
            (json!({"state": "expired", "at": at, "text": "the question is over; ask again"}), None)
        }
        other => {
            let message = format!("a question stands in a way that is not known here: {other:?}");
            return Err(Error::new(Kind::Internal, message));
        }
    })
}

/// What a grant says of itself.
pub fn grant(grant: &Grant) -> Json {
    let by = match grant.by() {
        GrantedBy::People(people) => json!({"people": people}),
        GrantedBy::BreakGlass { people, opening, review_by } => {
            json!({"people": people, "opening": hex(opening), "review_by": review_by})
        }
        _ => json!("policy"),
    };
    json!({
        "id": hex(&grant.id()),
        "plan": hex(&grant.plan()),
        "expires": grant.expires(),
        "requester": grant.requester().chain(),
        "by": by,
    })
}

/// The question whether to break glass; `opening` is `{"requester": […], "lifts": [rule ids],
/// "reason": …, "from": …, "until": …}`.
///
/// # Errors
/// As [`Opening::asked`]; `invalid` for data of another form.
pub fn glass_question(policy: &Policy, opening: Json) -> Result<Json> {
    write(&read::<Opening>(opening, "opening")?.asked(policy)?)
}

/// Breaks glass.
///
/// # Errors
/// As [`BreakGlass::open`]; `invalid` for data of another form.
pub fn break_glass(
    policy: &Policy,
    opening: Json,
    answers: Json,
    people: &People,
    now: i64,
) -> Result<BreakGlass> {
    let (opening, answers): (Opening, Vec<Approval>) =
        (read(opening, "opening")?, read(answers, "answers")?);
    BreakGlass::open(policy, opening, &answers, now, &|who, key, bytes, signature| {
        people.verify(who, key, bytes, signature)
    })
}

/// What a broken glass says of itself.
pub fn glass(glass: &BreakGlass) -> Json {
    let digest = hex(&glass.opening().digest());
    json!({"opening": glass.opening(), "people": glass.people(), "digest": digest})
}

/// What a policy says of a plan while glass is broken.
///
/// # Errors
/// As [`BreakGlass::decide`].
pub fn glass_decide(
    glass: &BreakGlass,
    policy: &Policy,
    plan: &Plan,
    request: &Request,
) -> Result<Decision> {
    glass.decide(policy, plan, request)
}

/// The one grant of a plan under a broken glass, and the review that it brings; `granted` are the
/// digests of plans that had theirs.
///
/// # Errors
/// As [`BreakGlass::grant`]; `invalid` for data of another form.
pub fn glass_grant(
    glass: &BreakGlass,
    decision: &Decision,
    answers: Json,
    granted: &[String],
    people: &People,
    now: i64,
) -> Result<(Grant, Json)> {
    let answers: Vec<Approval> = read(answers, "answers")?;
    let granted = granted.iter().map(|digest| hash(digest)).collect::<Result<BTreeSet<Hash>>>()?;
    let verify = |who: &Approver, key: &str, bytes: &[u8], signature: &[u8]| {
        people.verify(who, key, bytes, signature)
    };
    let (grant, review) = glass.grant(decision, &answers, &granted, now, &verify)?;
    let said = json!({
        "opening": hex(&review.opening),
        "plan": hex(&review.plan),
        "grant": hex(&review.grant),
        "due": review.due,
    });
    Ok((grant, said))
}

/// A digest from its 64 hexadecimal digits.
///
/// # Errors
/// `invalid` for anything else.
pub fn hash(text: &str) -> Result<Hash> {
    let digit = |at: usize| {
        let two = text.get(at * 2..at * 2 + 2).filter(|two| !two.starts_with('+'))?;
        u8::from_str_radix(two, 16).ok()
    };
    let digits: Option<Vec<u8>> = (0..32).map(digit).collect();
    let digits = digits.filter(|_| text.len() == 64).and_then(|digits| digits.try_into().ok());
    digits.ok_or_else(|| {
        Error::new(Kind::Invalid, format!("`{text}` is no digest of 64 hexadecimal digits"))
    })
}

fn read<T: DeserializeOwned>(json: Json, what: &str) -> Result<T> {
    serde_json::from_value(json)
        .map_err(|cause| Error::new(Kind::Invalid, format!("the {what} is wrong: {cause}")))
}

fn write(value: &impl serde::Serialize) -> Result<Json> {
    serde_json::to_value(value).map_err(|cause| {
        Error::new(Kind::Internal, "this cannot be written as data").with_source(cause)
    })
}
