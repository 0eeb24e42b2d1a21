//! What was planned, decided, answered and granted, and how much of each limit is used.

use std::time::SystemTime;

use rusqlite::{Row, params};
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::{hex, millis, moment};
use super::Store;
use super::tx::Tx;
use crate::guard::{Approval, Decision, Grant, GrantedBy, Outcome, moment_text};
use crate::plan::Plan;

/// Something decided or answered about a plan, as it was written down.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Noted {
    /// What it is: the outcome of a decision, or whose answer it is.
    pub what: String,
    /// The decision or answer itself; `None` after it was erased.
    pub document: Option<Json>,
    /// When it was written down.
    pub at: SystemTime,
}

/// A grant, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptGrant {
    /// Its id in hexadecimal digits.
    pub id: String,
    /// The plan it is for.
    pub plan: Hash,
    /// When it ends.
    pub expires_at: SystemTime,
    /// The run that used it.
    pub run: Option<String>,
}

impl Store {
    /// Keeps a plan; keeping it twice is keeping it once. Secret values are not kept.
    ///
    /// # Errors
    /// Those of the store.
    pub fn keep_plan(&self, plan: &Plan) -> Result<()> {
        let plan = plan.clone();
        self.call(move |tx| keep_plan(tx, &plan))
    }

    /// A plan that was kept. One that writes secrets can be looked at, but not carried out.
    ///
    /// # Errors
    /// `not_found` where none of this digest was kept, or it was erased since; `data` where it is
    /// not the plan of its digest; those of the store.
    pub fn plan(&self, digest: Hash) -> Result<Plan> {
        self.call(move |tx| plan(tx, &digest))
    }

    /// Writes down what was decided about a plan that was kept.
    ///
    /// # Errors
    /// `not_found` for a plan that was not kept; those of the store.
    pub fn keep_decision(&self, decision: &Decision) -> Result<()> {
        let decision = decision.clone();
        self.call(move |tx| keep_decision(tx, &decision))
    }

    /// What was decided about a plan, first to last.
    ///
    /// # Errors
    /// Those of the store.
    pub fn decisions(&self, plan: Hash) -> Result<Vec<Noted>> {
        let question = "SELECT outcome, document, at FROM decision WHERE plan = ? ORDER BY place";
        self.call(move |tx| tx.rows(question, [plan], approval))
    }

    /// Writes down what a person answered to the question about a plan that was kept.
    ///
    /// # Errors
    /// `not_found` for a plan that was not kept; those of the store.
    pub fn keep_answer(&self, approval: &Approval) -> Result<()> {
        let approval = approval.clone();
        self.call(move |tx| keep_answer(tx, &approval))
    }

    /// What people said about a plan, first to last.
    ///
    /// # Errors
    /// Those of the store.
    pub fn answers(&self, plan: Hash) -> Result<Vec<Noted>> {
        let question = "SELECT coalesce(person, 'erased'), document, at FROM answer
            WHERE plan = ? ORDER BY place";
        self.call(move |tx| tx.rows(question, [plan], approval))
    }

    /// Writes down that a plan was granted; the executor does so too, if nobody did.
    ///
    /// # Errors
    /// `not_found` for a plan that was not kept; those of the store.
    pub fn keep_grant(&self, grant: &Grant) -> Result<()> {
        let grant = grant.clone();
        self.call(move |tx| keep_grant(tx, &grant))
    }

    /// A grant that was written down, and the run that used it.
    ///
    /// # Errors
    /// `not_found`; those of the store.
    pub fn grant(&self, id: &str) -> Result<KeptGrant> {
        let id = id.to_owned();
        let question = "SELECT id, plan, expires_at, run FROM grant WHERE id = ?";
        self.call(move |tx| {
            let found = tx.first(question, [&id], |row| {
                let expires_at = moment(row.get(2)?);
                Ok(KeptGrant { id: row.get(0)?, plan: row.get(1)?, expires_at, run: row.get(3)? })
            })?;
            found.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no grant `{id}`")))
        })
    }

    /// How much of a limit plans have used since then.
    ///
    /// # Errors
    /// Those of the store.
    pub fn used(&self, limit: &str, since: SystemTime) -> Result<u64> {
        let (limit, since) = (limit.to_owned(), millis(since));
        self.call(move |tx| used(tx, &limit, since))
    }
}

/// What is used of a limit: what was reserved, but of a run that ended no more than may have taken
/// place.
const USED: &str = "
    SELECT coalesce(sum(CASE WHEN coalesce(run.status, 'running') IN ('running', 'waiting')
    THEN usage.amount ELSE min(usage.amount, (
        SELECT count(*) FROM item WHERE item.run = run.id
        AND item.state NOT IN ('authorised', 'retry', 'stale', 'refused', 'failed')
    )) END), 0)
    FROM usage LEFT JOIN run ON run.plan = usage.plan
    WHERE usage.rule = ? AND usage.at >= ? AND usage.plan IS NOT ?";

/// What other plans than this have used of a limit.
pub(in crate::runtime) fn used_by_others(
    tx: &Tx<'_>,
    limit: &str,
    since: i64,
    plan: &Hash,
) -> Result<u64> {
    sum(tx, limit, since, Some(plan))
}

fn used(tx: &Tx<'_>, limit: &str, since: i64) -> Result<u64> {
    sum(tx, limit, since, None)
}

fn sum(tx: &Tx<'_>, limit: &str, since: i64, but: Option<&Hash>) -> Result<u64> {
    let sum = tx.first(USED, params![limit, since, but], |row| row.get::<_, i64>(0))?;
    Ok(sum.unwrap_or_default().unsigned_abs())
}

/// Reserves some of a limit for a plan.
pub(in crate::runtime) fn reserve(
    tx: &mut Tx<'_>,
    limit: &str,
    amount: u64,
    plan: &Hash,
) -> Result<()> {
    let amount = i64::try_from(amount).map_err(|_| {
        Error::new(Kind::Invalid, format!("`{amount}` of the limit `{limit}` is too much to count"))
    })?;
    let values = params![limit, amount, plan, tx.now()];
    tx.run("INSERT INTO usage (rule, amount, plan, at) VALUES (?, ?, ?, ?)", values)?;
    tx.log("limit.reserved", &json!({"limit": limit, "amount": amount, "plan": hex(plan)}))
}

pub(in crate::runtime) fn keep_plan(tx: &mut Tx<'_>, plan: &Plan) -> Result<()> {
    let (digest, origin) = (plan.digest(), plan.origin());
    let document = plan.to_json().to_string();
    let values = params![digest, origin.tenant, origin.name, origin.resource, document, tx.now()];
    let kept = tx.run(
        "INSERT INTO plan (digest, tenant, name, resource, document, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET document = excluded.document, at = excluded.at
         WHERE document IS NULL",
        values,
    )?;
    if kept == 0 {
        return Ok(());
    }
    let said = json!({
        "plan": hex(&digest), "tenant": origin.tenant, "name": origin.name,
        "resource": origin.resource, "changes": plan.changes().len(),
    });
    tx.log("plan.kept", &said)
}

pub(in crate::runtime) fn plan(tx: &Tx<'_>, digest: &Hash) -> Result<Plan> {
    let question = "SELECT document FROM plan WHERE digest = ?";
    let text = tx.first(question, [digest], |row| row.get::<_, Option<String>>(0))?;
    let text = text
        .ok_or_else(|| no_plan(digest))?
        .ok_or_else(|| Error::new(Kind::NotFound, format!("plan `{}` was erased", hex(digest))))?;
    let plan = Plan::from_json(&text)?;
    match plan.digest() == *digest {
        true => Ok(plan),
        false => Err(Error::new(Kind::Data, format!("plan `{}` is another plan", hex(digest)))),
    }
}

fn check_plan(tx: &Tx<'_>, digest: &Hash) -> Result<()> {
    let question = "SELECT 1 FROM plan WHERE digest = ?";
    tx.first(question, [digest], |_| Ok(()))?.ok_or_else(|| no_plan(digest))
}

fn no_plan(digest: &Hash) -> Error {
    let message = format!("plan `{}` was not kept; keep it first", hex(digest));
    Error::new(Kind::NotFound, message)
}

/// Writes a decision down, and until when people may answer to it.
pub(in crate::runtime) fn keep_decision(tx: &mut Tx<'_>, decision: &Decision) -> Result<()> {
    let (plan, outcome) = (decision.plan(), decision.outcome().name());
    check_plan(tx, &plan)?;
    let asks = decision.outcome() == Outcome::Ask;
    let until = if asks { decision.asked()?.binding().expires } else { 0 };
    let document = decision.to_json();
    let values = params![plan, outcome, document.to_string(), until, tx.now()];
    let statement =
        "INSERT INTO decision (plan, outcome, document, until, at) VALUES (?, ?, ?, ?, ?)";
    tx.run(statement, values)?;
    let said = json!({"plan": hex(&plan), "outcome": outcome, "decision": document});
    tx.log("plan.decided", &said)
}

/// Writes an answer down.
fn keep_answer(tx: &mut Tx<'_>, approval: &Approval) -> Result<()> {
    let (plan, person) = (approval.binding.plan, approval.approver.person());
    check_plan(tx, &plan)?;
    let document = document_of(approval)?;
    let values = params![plan, person, document.to_string(), tx.now()];
    tx.run("INSERT INTO answer (plan, person, document, at) VALUES (?, ?, ?, ?)", values)?;
    let said = json!({"plan": hex(&plan), "person": person, "answer": document});
    tx.log("plan.answered", &said)
}

/// The same grant is written down once.
pub(in crate::runtime) fn keep_grant(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    check_plan(tx, &grant.plan())?;
    let id = hex(&grant.id());
    let terms = document_of(&grant.terms())?;
    let values = params![id, grant.plan(), grant.expires(), terms.to_string(), tx.now()];
    let statement = "INSERT OR IGNORE INTO grant (id, plan, expires_at, terms, at)
        VALUES (?, ?, ?, ?, ?)";
    if tx.run(statement, values)? == 0 {
        return Ok(());
    }
    let said = json!({
        "grant": id, "plan": hex(&grant.plan()), "expires_at": moment_text(grant.expires()),
        "by": by(grant.by()), "terms": terms,
    });
    tx.log("plan.granted", &said)?;
    grant.answers().iter().try_for_each(|answer| keep_once(tx, answer))
}

/// What a grant rests on is written down, whether or not the host did.
fn keep_once(tx: &mut Tx<'_>, answer: &Approval) -> Result<()> {
    let document = document_of(answer)?.to_string();
    let question = "SELECT 1 FROM answer WHERE plan = ? AND document = ?";
    match tx.first(question, params![answer.binding.plan, document], |_| Ok(()))? {
        Some(()) => Ok(()),
        None => keep_answer(tx, answer),
    }
}

fn document_of(value: &impl serde::Serialize) -> Result<Json> {
    serde_json::to_value(value).map_err(|cause| {
        Error::new(Kind::Internal, format!("what was decided cannot be written down: {cause}"))
    })
}

fn by(by: &GrantedBy) -> Json {
    match by {
        GrantedBy::Policy => json!("policy"),
        GrantedBy::People(people) => json!({"people": people}),
        GrantedBy::BreakGlass { people, opening, review_by } => {
            json!({"people": people, "opening": hex(opening), "review_by": moment_text(*review_by)})
        }
    }
}

fn approval(row: &Row<'_>) -> rusqlite::Result<Noted> {
    let document: Option<String> = row.get(1)?;
    let document = document.map(|text| json_column(1, &text)).transpose()?;
    Ok(Noted { what: row.get(0)?, document, at: moment(row.get(2)?) })
}

fn json_column(column: usize, text: &str) -> rusqlite::Result<Json> {
    serde_json::from_str(text).map_err(|cause| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(cause))
    })
}
