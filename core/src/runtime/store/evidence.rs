//! The evidence of a run: what was planned, decided, answered, sent and received, with the log's
//! entries about it and their proofs.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::hex;
use super::Store;
use super::journal::items;
use super::log::{Row, damaged};
use super::tx::Tx;
use crate::audit::{Entry, Evidence, Signer, Tree, file_digest};

/// A file that goes into an evidence pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// Its name in the pack, such as `report.parquet`.
    pub name: String,
    /// What it is, such as `application/json`.
    pub media_type: String,
    /// What is in it. Whoever gets the pack can read it.
    pub bytes: Vec<u8>,
}

impl EvidenceFile {
    /// A file of this name and type.
    pub fn new(
        name: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        Self { name: name.into(), media_type: media_type.into(), bytes: bytes.into() }
    }

    fn json(name: &str, json: &Json) -> Self {
        Self::new(name, "application/json", json.to_string())
    }
}

impl Store {
    /// Makes the evidence pack of a run: its plan, decisions, answers and receipts, the files that
    /// are handed in, and every entry of the log about the run or its plan, with proofs.
    ///
    /// What was erased is in it as erased, with the entries that say by whom and why; what the pack is
    /// about names the files of which something is `gone`.
    ///
    /// The files' digests are written to the log, whose head is then signed as by
    /// [`Store::checkpoint`]. Approvers add their signatures with
    /// [`audit::add_signature`](crate::audit::add_signature). It reads the whole log.
    ///
    /// # Errors
    /// `not_found` for a run that is not there; `invalid` for a file that a pack cannot have, and
    /// where one is missing that the policy wants; those of the signer and the store.
    pub fn evidence(
        &self,
        run: &str,
        files: Vec<EvidenceFile>,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>> {
        let id = run.to_owned();
        let Gathered { plan, files, gone } = self.call(move |tx| gather(tx, &id, files))?;
        let note = self.checkpoint(signer)?;
        let (id, plan) = (run.to_owned(), hex(&plan));
        let pack = json!({"run": run, "plan": plan, "gone": gone});
        let (leaves, entries) = self.call(move |tx| about(tx, &id, &plan))?;
        let mut pack = Evidence::new(&pack)?;
        for file in &files {
            pack = pack.with_file(&file.name, &file.media_type, &file.bytes)?;
        }
        pack.with_log(&note, &Tree::from_leaves(leaves), entries, [])?.seal(&[signer])
    }
}

impl Store {
    /// Runs that ended and whose evidence was never made although the policy wants files in it, the
    /// first begun first, with the names of these files.
    ///
    /// # Errors
    /// Those of the store.
    pub fn owed_evidence(&self) -> Result<Vec<(String, Vec<String>)>> {
        let question = "SELECT id, evidence FROM run WHERE evidence != '[]' AND evidence_at IS NULL
            AND status NOT IN ('running', 'waiting') ORDER BY started_at, id";
        self.call(move |tx| {
            let rows = tx.rows(question, [], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            rows.into_iter().map(|(run, names)| Ok((run, names_of(&names)?))).collect()
        })
    }
}

/// The files of a pack.
struct Gathered {
    plan: Hash,
    files: Vec<EvidenceFile>,
    /// Files of which something was erased.
    gone: Vec<&'static str>,
}

/// What the store knows of a run, and the other files; their digests go into the log, and what is
/// no longer there.
fn gather(tx: &mut Tx<'_>, run: &str, mut files: Vec<EvidenceFile>) -> Result<Gathered> {
    let question = "SELECT run.plan, plan.document, run.status, run.reason, run.evidence
        FROM run JOIN plan ON plan.digest = run.plan WHERE run.id = ?";
    let row = |row: &rusqlite::Row<'_>| {
        let plan: Option<String> = row.get(1)?;
        let (status, reason): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        let end = json!({"status": status, "reason": reason});
        Ok((row.get::<_, Hash>(0)?, plan, end, row.get::<_, String>(4)?))
    };
    let found = tx.first(question, [run], row)?;
    let (digest, plan, end, wanted) = found.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no run `{run}` in the store"))
    })?;
    let mut gone = Vec::new();
    match plan {
        Some(plan) => files.push(EvidenceFile::new("plan.json", "application/json", plan)),
        None => gone.push("plan.json"),
    }
    for (name, question) in [("decisions.json", DECISIONS), ("approvals.json", ANSWERS)] {
        let documents = documents(tx, question, &digest)?;
        if documents.as_array().is_some_and(|all| all.iter().any(Json::is_null)) {
            gone.push(name);
        }
        files.push(EvidenceFile::json(name, &documents));
    }
    files.push(EvidenceFile::json("receipts.json", &receipts(tx, run, end)?));
    check_wanted(&names_of(&wanted)?, &files)?;
    tx.run("UPDATE run SET evidence_at = ? WHERE id = ?", params![tx.now(), run])?;
    let digests = files.iter().map(|file| (file.name.clone(), file_digest(&file.bytes).into()));
    let said = json!({
        "run": run, "plan": hex(&digest), "files": digests.collect::<serde_json::Map<_, Json>>(),
        "gone": gone,
    });
    tx.log("evidence.made", &said)?;
    Ok(Gathered { plan: digest, files, gone })
}

/// The policy names files with or without their endings.
fn check_wanted(wanted: &[String], files: &[EvidenceFile]) -> Result<()> {
    let is = |file: &EvidenceFile, name: &str| {
        file.name == name || file.name.split('.').next() == Some(name)
    };
    match wanted.iter().find(|name| !files.iter().any(|file| is(file, name))) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "the policy wants `{name}` in the evidence of this run; hand in a file of this name"
            );
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

fn names_of(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|cause| {
        let message = format!("the store is damaged: names of files are no JSON: {cause}");
        Error::new(Kind::Data, message)
    })
}

const DECISIONS: &str = "SELECT document FROM decision WHERE plan = ? ORDER BY place";
const ANSWERS: &str = "SELECT document FROM answer WHERE plan = ? ORDER BY place";

/// Documents about a plan, first to last; an erased one is null.
fn documents(tx: &Tx<'_>, question: &str, plan: &Hash) -> Result<Json> {
    let texts: Vec<Option<String>> = tx.rows(question, [plan], |row| row.get(0))?;
    let read = |text: Option<String>| match text {
        None => Ok(Json::Null),
        Some(text) => serde_json::from_str(&text).map_err(|cause| {
            let message = format!("the store is damaged: a document is no JSON: {cause}");
            Error::new(Kind::Data, message)
        }),
    };
    texts.into_iter().map(read).collect()
}

fn receipts(tx: &Tx<'_>, run: &str, end: Json) -> Result<Json> {
    let receipt = |item: super::state::Item| {
        json!({
            "place": item.place, "state": item.state.name(), "attempts": item.attempts,
            "id": item.id, "version": item.version, "verified": item.verified,
            "error": item.error,
        })
    };
    let changes: Vec<Json> = items(tx, run)?.into_iter().map(receipt).collect();
    Ok(json!({"run": run, "end": end, "changes": changes}))
}

/// Entries with their places in the log.
type Placed = Vec<(u64, Entry)>;

/// Every leaf of the log, and the entries about this run and its plan; of those that were erased, who
/// says so.
fn about(tx: &Tx<'_>, run: &str, plan: &str) -> Result<(Vec<Hash>, Placed)> {
    let leaves = tx.rows("SELECT leaf FROM entry ORDER BY place", [], |row| row.get(0))?;
    let mut entries = BTreeMap::new();
    tx.each(ABOUT, [run, plan], |row| {
        let row = Row::read(row)?;
        entries.insert(row.place, row.entry()?);
        Ok(())
    })?;
    if !entries.values().any(|entry| entry.kind() == "run.started") {
        return Err(damaged(&format!("its log has no beginning of run `{run}`")));
    }
    let erased = entries.iter().filter(|(_, entry)| entry.is_erased());
    let erased: BTreeSet<u64> = erased.map(|(place, _)| *place).collect();
    if !erased.is_empty() {
        tx.each(ERASURES, [], |row| {
            let row = Row::read(row)?;
            let entry = row.entry()?;
            let named = entry.erases().map(|erasure| erasure.entries).unwrap_or_default();
            if named.iter().any(|place| erased.contains(place)) {
                entries.insert(row.place, entry);
            }
            Ok(())
        })?;
    }
    Ok((leaves, entries.into_iter().collect()))
}

const ABOUT: &str = "SELECT place, text, leaf, run, plan FROM entry WHERE run = ? OR plan = ?";
const ERASURES: &str = "SELECT place, text, leaf, run, plan FROM entry
    WHERE text ->> '$.kind' = 'audit.erased'";
