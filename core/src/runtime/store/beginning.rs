//! How a run begins: a grant is used up, and nothing that another run is at is touched.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::hex;
use super::faults::sql;
use super::journal::no_run;
use super::state::ChangeState;
use super::tx::Tx;
use crate::guard::{Terms, moment_text};

/// What a run needs to begin.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Begin {
    pub(in crate::runtime) plan: Hash,
    pub(in crate::runtime) grant: String,
    /// What it writes to.
    pub(in crate::runtime) scopes: Vec<String>,
    pub(in crate::runtime) deeds: Vec<Deed>,
}

/// What a change does to which record, so that no other run does it too.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Deed {
    pub(in crate::runtime) wave: u32,
    /// Names the record, and the one that a rename makes of it.
    pub(in crate::runtime) record: Hash,
    pub(in crate::runtime) becomes: Hash,
    /// Names what is done to it after which reading.
    pub(in crate::runtime) deed: Hash,
}

/// Uses up the grant and writes down every change as authorised.
pub(in crate::runtime) fn begin(tx: &mut Tx<'_>, run: &str, begin: &Begin) -> Result<()> {
    refuse_second(tx, &begin.plan)?;
    use_grant(tx, run, begin)?;
    for deed in &begin.deeds {
        refuse_beside_another(tx, deed)?;
    }
    let values = params![run, begin.plan, begin.grant, json!(begin.scopes).to_string(), tx.now()];
    tx.run(
        "INSERT INTO run (id, plan, grant, status, scopes, started_at)
         VALUES (?, ?, ?, 'running', ?, ?)",
        values,
    )?;
    for (place, one) in begin.deeds.iter().enumerate() {
        let Deed { wave, record, becomes, deed } = one;
        let state = ChangeState::Authorised.name();
        let values = params![run, place as i64, wave, record, becomes, deed, state, tx.now()];
        tx.run(
            "INSERT INTO item (run, place, wave, record, becomes, deed, state, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )?;
    }
    let said = json!({
        "run": run, "plan": hex(&begin.plan), "grant": begin.grant, "scopes": begin.scopes,
        "changes": begin.deeds.len(),
    });
    tx.log("run.started", &said)
}

/// What a run was begun with.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Origin {
    pub(in crate::runtime) terms: Terms,
    pub(in crate::runtime) scopes: Vec<String>,
    pub(in crate::runtime) started_at: i64,
}

/// What a run was begun with.
pub(in crate::runtime) fn origin(tx: &Tx<'_>, run: &str) -> Result<Origin> {
    let question = "SELECT grant.terms, run.scopes, run.started_at
        FROM run JOIN grant ON grant.id = run.grant WHERE run.id = ?";
    let row = |row: &Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    };
    let found = tx.first(question, [run], row)?.ok_or_else(|| no_run(run))?;
    let (terms, scopes, started_at) = found;
    Ok(Origin { terms: read(&terms)?, scopes: read(&scopes)?, started_at })
}

/// Names the files that the evidence of a run must have.
pub(in crate::runtime) fn owe(tx: &mut Tx<'_>, run: &str, evidence: &[String]) -> Result<()> {
    let statement = "UPDATE run SET evidence = ? WHERE id = ?";
    tx.run(statement, params![json!(evidence).to_string(), run]).map(drop)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| {
        let message = format!("the store is damaged: a run's beginning cannot be read: {cause}");
        Error::new(Kind::Data, message)
    })
}

fn refuse_second(tx: &Tx<'_>, plan: &Hash) -> Result<()> {
    let question = "SELECT id, status FROM run WHERE plan = ?";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    match tx.first(question, [plan], row)? {
        None => Ok(()),
        Some((run, status)) => {
            let message = format!(
                "this plan was executed already, in run `{run}`, which is {status}; read again and make a new plan"
            );
            Err(Error::new(Kind::Conflict, message))
        }
    }
}

/// One record is changed by one run at a time, and in one way after one reading: whatever the plan is
/// called.
fn refuse_beside_another(tx: &Tx<'_>, one: &Deed) -> Result<()> {
    let open = tx.first(OPEN, params![one.record, one.becomes], |row| row.get::<_, String>(0))?;
    if let Some(run) = open {
        let message = format!(
            "run `{run}` is open, and it is not known what became of its change of a record that this plan changes too; recover it first"
        );
        return Err(Error::new(Kind::Conflict, message));
    }
    match tx.first(DONE_ALREADY, [one.deed], |row| row.get::<_, String>(0))? {
        None => Ok(()),
        Some(run) => {
            let message = format!(
                "run `{run}` made a change of this plan already, after the same reading; read again and make a new plan"
            );
            Err(Error::new(Kind::Conflict, message))
        }
    }
}

const OPEN: &str = "SELECT run.id FROM item JOIN run ON run.id = item.run
    WHERE (item.record IN (?1, ?2) OR item.becomes IN (?1, ?2))
    AND run.status IN ('running', 'waiting')
    AND item.state NOT IN ('done', 'stale', 'refused', 'failed', 'unknown') LIMIT 1";
const DONE_ALREADY: &str =
    "SELECT run FROM item WHERE deed = ? AND state NOT IN ('stale', 'refused', 'failed') LIMIT 1";

/// A grant is good once, for one plan, until its time.
fn use_grant(tx: &Tx<'_>, run: &str, begin: &Begin) -> Result<()> {
    let row = |row: &Row<'_>| Ok((row.get::<_, Hash>(0)?, row.get::<_, i64>(1)?, row.get(2)?));
    let found: Option<(Hash, i64, Option<String>)> = tx
        .sql()
        .prepare_cached("SELECT plan, expires_at, run FROM grant WHERE id = ?")
        .and_then(|mut it| it.query_row([&begin.grant], row).optional())
        .map_err(sql)?;
    let refuse = |kind, message: String| Err(Error::new(kind, message));
    match found {
        None => refuse(Kind::Forbidden, format!("there is no grant `{}`", begin.grant)),
        Some((_, _, Some(run))) => {
            refuse(Kind::Forbidden, format!("the grant was used already, by run `{run}`"))
        }
        Some((plan, ..)) if plan != begin.plan => refuse(
            Kind::Forbidden,
            format!("the grant is for plan `{}`, not `{}`", hex(&plan), hex(&begin.plan)),
        ),
        Some((_, expires, _)) if expires <= tx.now() => refuse(
            Kind::Forbidden,
            format!("the grant ended at {}; ask again", moment_text(expires)),
        ),
        Some(_) => {
            let values = params![run, begin.grant];
            tx.run("UPDATE grant SET run = ? WHERE id = ?", values).map(drop)
        }
    }
}
