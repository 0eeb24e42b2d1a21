//! Findings followed over runs: opened, changed, resolved; suppressed for a time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rusqlite::{Row, params};
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::{millis, moment};
use super::Store;
use super::catalogue::Scope;
use super::tx::Tx;
use crate::guard::moment_text;
use crate::reconcile::{FindingId, Report};

/// What became of findings since the last report of a reconciliation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Followed {
    /// Findings that were not open before.
    pub opened: Vec<FindingId>,
    /// Findings that say something else than before.
    pub changed: Vec<FindingId>,
    /// Findings that are no longer there.
    pub resolved: Vec<FindingId>,
    /// Findings that are not in the report, where it covers something else than the one before:
    /// nobody can say whether they are gone. They stay open.
    pub unseen: Vec<FindingId>,
    /// Findings that say what they said before.
    pub unchanged: u64,
    /// Open findings that are suppressed now.
    pub suppressed: u64,
}

/// A finding, as it was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// Its id.
    pub id: FindingId,
    /// Its state digest when it was last seen.
    pub state: Hash,
    /// When it was last opened.
    pub opened_at: SystemTime,
    /// When it last said something else.
    pub changed_at: SystemTime,
    /// When it was found to be gone.
    pub resolved_at: Option<SystemTime>,
    /// How many times it was opened.
    pub times_opened: u32,
    /// Who has suppressed it, why and until when; a suppression ends by itself.
    pub suppressed: Option<(String, String, SystemTime)>,
}

impl Store {
    /// Follows the findings of a reconciliation from its last report to this one.
    ///
    /// The same report again changes nothing.
    ///
    /// # Errors
    /// As [`Report::states`]; those of the store.
    pub fn follow(&self, report: &Report) -> Result<Followed> {
        let (scope, states) = (Scope::of(report)?, report.states()?);
        self.call(move |tx| follow(tx, &scope, &states))
    }

    /// The findings of a reconciliation, those that are resolved too, by id.
    ///
    /// # Errors
    /// Those of the store.
    pub fn findings(&self, tenant: &str, name: &str, resource: &str) -> Result<Vec<Tracked>> {
        let named = [tenant, name, resource].map(str::to_owned);
        self.call(move |tx| {
            let now = tx.now();
            let [tenant, name, resource] = &named;
            tx.rows(FINDINGS, params![now, tenant, name, resource], tracked)
        })
    }

    /// Keeps an open finding out of sight until then; whoever owns that says why.
    ///
    /// # Errors
    /// `not_found` where the reconciliation has no such open finding, `invalid` without an owner or
    /// a reason, or with an end that has passed; those of the store.
    pub fn suppress(
        &self,
        report: &Report,
        id: FindingId,
        owner: &str,
        reason: &str,
        until: SystemTime,
    ) -> Result<()> {
        if owner.trim().is_empty() || reason.trim().is_empty() {
            let message = "a suppression needs an owner and a reason";
            return Err(Error::new(Kind::Invalid, message));
        }
        let scope = Scope::of(report)?;
        let (owner, reason, until) = (owner.to_owned(), reason.to_owned(), millis(until));
        self.call(move |tx| suppress(tx, &scope, id, &owner, &reason, until))
    }

    /// Ends a suppression before its time.
    ///
    /// # Errors
    /// `not_found` where the finding is not suppressed; those of the store.
    pub fn unsuppress(&self, report: &Report, id: FindingId, by: &str) -> Result<()> {
        let (scope, by) = (Scope::of(report)?, by.to_owned());
        self.call(move |tx| {
            let place = place(tx, &scope)?;
            let values = params![place, id.as_bytes()];
            if tx.run("DELETE FROM suppression WHERE scope = ? AND id = ?", values)? == 0 {
                return Err(Error::new(
                    Kind::NotFound,
                    format!("finding `{id}` is not suppressed"),
                ));
            }
            tx.log("finding.unsuppressed", &json!({"id": id.to_string(), "by": by}))
        })
    }
}

const FINDINGS: &str =
    "SELECT f.id, f.state, f.opened_at, f.changed_at, f.resolved_at, f.times_opened,
        s.owner, s.reason, s.until
    FROM scope AS c JOIN finding AS f ON f.scope = c.place
    LEFT JOIN suppression AS s ON s.scope = f.scope AND s.id = f.id AND s.until > ?
    WHERE c.tenant = ? AND c.name = ? AND c.resource = ? ORDER BY f.id";

/// A finding as the store has it: its state, and whether it is open.
type Known = BTreeMap<FindingId, (Hash, bool)>;

fn follow(tx: &mut Tx<'_>, scope: &Scope, states: &[(FindingId, Hash)]) -> Result<Followed> {
    let (place, before) = scope.enter(tx)?;
    let mut known = known(tx, place)?;
    let mut followed = Followed::default();
    for (id, state) in states {
        match known.remove(id) {
            Some((old, true)) if old == *state => followed.unchanged += 1,
            Some((_, true)) => followed.changed.push(*id),
            _ => followed.opened.push(*id),
        }
    }
    let gone = known.into_iter().filter(|(_, (_, open))| *open).map(|(id, _)| id);
    // Who looks elsewhere cannot say that a finding is gone.
    match before.is_none_or(|before| before == scope.coverage) {
        true => followed.resolved.extend(gone),
        false => followed.unseen.extend(gone),
    }
    write(tx, place, states, &followed)?;
    let question = "SELECT count(*) FROM finding AS f JOIN suppression AS s USING (scope, id)
        WHERE f.scope = ? AND f.resolved_at IS NULL AND s.until > ?";
    let count = tx.first(question, params![place, tx.now()], |row| row.get::<_, i64>(0))?;
    followed.suppressed = count.unwrap_or_default().unsigned_abs();
    tx.log("drift.followed", &said(scope, &followed))?;
    Ok(followed)
}

fn said(scope: &Scope, followed: &Followed) -> serde_json::Value {
    let Followed { opened, changed, resolved, unseen, unchanged, suppressed } = followed;
    json!({
        "tenant": scope.tenant, "name": scope.name, "resource": scope.resource,
        "report": super::super::clock::hex(&scope.report),
        "opened": opened.len(), "changed": changed.len(), "resolved": resolved.len(),
        "unseen": unseen.len(), "unchanged": unchanged, "suppressed": suppressed,
    })
}

fn known(tx: &Tx<'_>, place: i64) -> Result<Known> {
    let question = "SELECT id, state, resolved_at IS NULL FROM finding WHERE scope = ?";
    let row = |row: &Row<'_>| Ok((FindingId(row.get(0)?), (row.get(1)?, row.get(2)?)));
    Ok(tx.rows(question, [place], row)?.into_iter().collect())
}

fn write(tx: &Tx<'_>, place: i64, states: &[(FindingId, Hash)], followed: &Followed) -> Result<()> {
    let states: BTreeMap<_, _> = states.iter().map(|(id, state)| (id, state)).collect();
    let now = tx.now();
    for (ids, statement) in [(&followed.opened, OPEN), (&followed.changed, CHANGE)] {
        for id in ids {
            tx.run(statement, params![place, id.as_bytes(), states.get(id), now])?;
        }
    }
    for id in &followed.resolved {
        tx.run(RESOLVE, params![now, place, id.as_bytes()])?;
    }
    Ok(())
}

const OPEN: &str = "INSERT INTO finding (scope, id, state, opened_at, changed_at, times_opened)
    VALUES (?1, ?2, ?3, ?4, ?4, 1)
    ON CONFLICT DO UPDATE SET state = ?3, opened_at = ?4, changed_at = ?4, resolved_at = NULL,
    times_opened = times_opened + 1";

const CHANGE: &str = "UPDATE finding SET state = ?3, changed_at = ?4 WHERE scope = ?1 AND id = ?2";

const RESOLVE: &str = "UPDATE finding SET resolved_at = ? WHERE scope = ? AND id = ?";

fn suppress(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: FindingId,
    owner: &str,
    reason: &str,
    until: i64,
) -> Result<()> {
    if until <= tx.now() {
        let message = format!("the suppression would have ended at {} already", moment_text(until));
        return Err(Error::new(Kind::Invalid, message));
    }
    let place = place(tx, scope)?;
    let question = "SELECT 1 FROM finding WHERE scope = ? AND id = ? AND resolved_at IS NULL";
    if tx.first(question, params![place, id.as_bytes()], |_| Ok(()))?.is_none() {
        let message = format!("there is no open finding `{id}`; follow its report first");
        return Err(Error::new(Kind::NotFound, message));
    }
    tx.run(
        "INSERT OR REPLACE INTO suppression (scope, id, owner, reason, until, at)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![place, id.as_bytes(), owner, reason, until, tx.now()],
    )?;
    let said = json!({
        "id": id.to_string(), "owner": owner, "reason": reason, "until": moment_text(until),
    });
    tx.log("finding.suppressed", &said)
}

fn place(tx: &Tx<'_>, scope: &Scope) -> Result<i64> {
    let question = "SELECT place FROM scope WHERE tenant = ? AND name = ? AND resource = ?";
    let place =
        tx.first(question, params![scope.tenant, scope.name, scope.resource], |it| it.get(0));
    place?.ok_or_else(|| {
        let message = format!("no report of `{}` was followed yet", scope.name);
        Error::new(Kind::NotFound, message)
    })
}

fn tracked(row: &Row<'_>) -> rusqlite::Result<Tracked> {
    let owner: Option<String> = row.get(6)?;
    let suppressed = match owner {
        Some(owner) => Some((owner, row.get(7)?, moment(row.get(8)?))),
        None => None,
    };
    Ok(Tracked {
        id: FindingId(row.get(0)?),
        state: row.get(1)?,
        opened_at: moment(row.get(2)?),
        changed_at: moment(row.get(3)?),
        resolved_at: row.get::<_, Option<i64>>(4)?.map(moment),
        times_opened: row.get(5)?,
        suppressed,
    })
}
