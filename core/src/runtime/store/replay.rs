//! The journal once more, from what the log says: how far each run, and each of its changes, must be.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use trueup_connector::Result;

use super::log::{Row, damaged};
use super::state::ChangeState;
use super::tx::Tx;
use crate::audit::Entry;

/// The runs that entries told of.
#[derive(Debug, Default)]
pub(super) struct Replay {
    runs: BTreeMap<String, Run>,
}

#[derive(Debug, Default)]
struct Run {
    /// Nothing where the entry that said so was erased.
    status: Option<String>,
    /// How many changes it has, and how far those are of which that is known.
    changes: Option<u64>,
    items: BTreeMap<u64, Item>,
}

/// A change; nothing of what only erased entries said.
#[derive(Clone, Debug, Default)]
struct Item {
    state: String,
    attempts: Option<u64>,
    id: Option<Json>,
    version: Option<Json>,
    error: Option<Json>,
}

impl Replay {
    /// Takes an entry up that is about a run; the payload is gone of one that was erased.
    pub(super) fn meet(&mut self, row: &Row, entry: &Entry, payload: Option<&Json>) {
        let Some(id) = row.run.as_ref().filter(|_| is_step(entry.kind())) else { return };
        let run = self.runs.entry(id.clone()).or_default();
        match payload {
            Some(payload) => run.step(entry.kind(), payload),
            None => run.lose(entry.kind()),
        }
    }

    /// Compares with the tables.
    pub(super) fn check(self, tx: &Tx<'_>) -> Result<()> {
        let row =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let found: BTreeMap<_, _> =
            tx.rows("SELECT id, status FROM run", [], row)?.into_iter().collect();
        if let Some(id) = found.keys().find(|id| !self.runs.contains_key(*id)) {
            return Err(damaged(&format!("its log knows nothing of run `{id}`")));
        }
        for (id, run) in &self.runs {
            let status = found.get(id);
            if status.is_none() || run.status.as_ref().is_some_and(|said| Some(said) != status) {
                return Err(damaged(&format!("run `{id}` is not what its log says")));
            }
        }
        for (id, run) in self.runs {
            run.check(tx, &id)?;
        }
        Ok(())
    }
}

fn is_step(kind: &str) -> bool {
    STEPS.contains(&kind)
}

const STEPS: [&str; 8] = [
    "run.started",
    "run.resumed",
    "run.waiting",
    "run.ended",
    "run.abandoned",
    "change.intent",
    "change.receipt",
    "change.answered",
];

impl Run {
    fn step(&mut self, kind: &str, payload: &Json) {
        self.turn(kind, payload.get("status").and_then(Json::as_str));
        match kind {
            "run.started" => self.start(payload),
            "run.resumed" => self.move_all(&[ChangeState::Intent], ChangeState::Doubt),
            "run.abandoned" => self.give_up(),
            _ => self.change(kind, payload),
        }
    }

    /// What an erased entry said is not known, and no longer what went before.
    fn lose(&mut self, kind: &str) {
        self.turn(kind, None);
        self.items.clear();
    }

    fn turn(&mut self, kind: &str, ended: Option<&str>) {
        match kind {
            "run.started" | "run.resumed" => self.status = Some("running".to_owned()),
            "run.waiting" => self.status = Some("waiting".to_owned()),
            "run.abandoned" => self.status = Some("abandoned".to_owned()),
            "run.ended" => self.status = ended.map(str::to_owned),
            _ => {}
        }
    }

    fn start(&mut self, payload: &Json) {
        self.changes = payload.get("changes").and_then(Json::as_u64);
        let unset = || Some(Json::Null);
        let state = ChangeState::Authorised.name().to_owned();
        let item = Item { state, attempts: Some(0), id: unset(), version: unset(), error: unset() };
        let places = 0..self.changes.unwrap_or_default();
        self.items = places.map(|place| (place, item.clone())).collect();
    }

    fn give_up(&mut self) {
        let unsent = [ChangeState::Authorised, ChangeState::Retry];
        let sent = [ChangeState::Intent, ChangeState::Doubt, ChangeState::Pending];
        self.move_all(&unsent, ChangeState::Refused);
        self.move_all(&sent, ChangeState::Unknown);
    }

    fn move_all(&mut self, from: &[ChangeState], to: ChangeState) {
        for item in self.items.values_mut() {
            if from.iter().any(|state| state.name() == item.state) {
                item.state = to.name().to_owned();
                item.error = None;
            }
        }
    }

    fn change(&mut self, kind: &str, payload: &Json) {
        let Some(place) = payload.get("place").and_then(Json::as_u64) else { return };
        let item = self.items.entry(place).or_default();
        let member = |name| payload.get(name).cloned();
        match kind {
            "change.intent" => {
                item.state = ChangeState::Intent.name().to_owned();
                item.attempts = item.attempts.map(|attempts| attempts + 1);
            }
            "change.answered" => {
                let took_place = payload.get("took_place") == Some(&Json::Bool(true));
                let state = if took_place { ChangeState::Done } else { ChangeState::Failed };
                (item.state, item.error) = (state.name().to_owned(), member("reason"));
            }
            _ => {
                let state = payload.get("state").and_then(Json::as_str).unwrap_or_default();
                (item.state, item.error) = (state.to_owned(), member("error"));
                item.id = member("id").filter(|id| !id.is_null()).or(item.id.take());
                item.version = member("version").filter(|it| !it.is_null()).or(item.version.take());
            }
        }
    }

    fn check(mut self, tx: &Tx<'_>, id: &str) -> Result<()> {
        let mut count = 0;
        tx.each(ITEMS, [id], |row| {
            count += 1;
            let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(u64, Item)> {
                let text = |at| row.get::<_, Option<String>>(at).map(|text| Some(Json::from(text)));
                let (id, version, error) = (text(3)?, text(4)?, text(5)?);
                let attempts = Some(u64::from(row.get::<_, u32>(2)?));
                let item = Item { state: row.get(1)?, attempts, id, version, error };
                Ok((u64::from(row.get::<_, u32>(0)?), item))
            };
            let (place, item) = read(row).map_err(super::faults::sql)?;
            match self.items.remove(&place).is_none_or(|said| said.is(&item)) {
                true => Ok(()),
                false => {
                    Err(damaged(&format!("change {place} of run `{id}` is not what its log says")))
                }
            }
        })?;
        match self.items.is_empty() && self.changes.is_none_or(|changes| changes == count) {
            true => Ok(()),
            false => {
                Err(damaged(&format!("run `{id}` has lost changes, or has more than its log says")))
            }
        }
    }
}

impl Item {
    /// Whether a row has what is known of it. While it is pending, what the target says meanwhile is
    /// not in the log.
    fn is(&self, row: &Self) -> bool {
        let same = |said: &Option<Json>, found| said.is_none() || said == found;
        let pending = self.state == ChangeState::Pending.name();
        let told = same(&self.id, &row.id)
            && same(&self.version, &row.version)
            && same(&self.error, &row.error);
        self.state == row.state
            && self.attempts.is_none_or(|attempts| row.attempts == Some(attempts))
            && (pending || told)
    }
}

const ITEMS: &str = "SELECT place, state, attempts, id, version, error FROM item WHERE run = ?";
