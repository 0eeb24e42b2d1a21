//! The tables beside the journal against the log: each row must say what its entry said.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use trueup_connector::Result;

use super::log::damaged;
use super::tx::Tx;
use crate::audit::Entry;

/// What entries said of which rows must be there.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    said: BTreeMap<&'static str, Said>,
}

/// What the entries of one kind said.
#[derive(Debug, Default)]
struct Said {
    /// When, and what, first to last; nothing of those that were erased.
    all: Vec<(String, Option<Json>)>,
    /// The last of each key.
    last: BTreeMap<String, (String, Json)>,
}

/// A table whose rows stand in the log, each in an entry of this kind.
struct Table {
    kind: &'static str,
    /// Members that name a row; without any, rows stand in the order of their entries.
    key: &'static [&'static str],
    /// The moment of the entry, where the row has it, and members that the entry must have, too.
    rows: &'static str,
}

const TABLES: [Table; 11] = [
    Table {
        kind: "plan.kept",
        key: &["plan"],
        rows: "SELECT moment(at), json_object('plan', lower(hex(digest)), 'tenant', tenant,
            'name', name, 'resource', resource) FROM plan",
    },
    Table {
        kind: "plan.decided",
        key: &[],
        rows: "SELECT moment(at), json_object('plan', lower(hex(plan)), 'outcome', outcome,
            'decision', json(document)) FROM decision ORDER BY place",
    },
    Table {
        kind: "plan.answered",
        key: &[],
        rows: "SELECT moment(at), json_object('plan', lower(hex(plan)), 'person', person,
            'answer', json(document)) FROM answer ORDER BY place",
    },
    Table {
        kind: "plan.granted",
        key: &["grant"],
        rows: "SELECT moment(at), json_object('grant', id, 'plan', lower(hex(plan)),
            'expires_at', moment(expires_at), 'terms', json(terms)) FROM grant",
    },
    Table {
        kind: "limit.reserved",
        key: &[],
        rows: "SELECT moment(at), json_object('limit', rule, 'amount', amount,
            'plan', lower(hex(plan))) FROM usage ORDER BY place",
    },
    Table {
        kind: "run.started",
        key: &["run"],
        rows: "SELECT moment(started_at), json_object('run', id, 'plan', lower(hex(plan)),
            'grant', grant, 'scopes', json(scopes)) FROM run",
    },
    Table {
        kind: "lease.taken",
        key: &["scope"],
        rows: "SELECT NULL, json_object('scope', scope, 'run', owner, 'epoch', epoch) FROM lease",
    },
    Table {
        kind: "review.opened",
        key: &["grant"],
        rows: "SELECT NULL, json_object('grant', grant, 'opening', lower(hex(opening)),
            'plan', lower(hex(plan)), 'people', json(people), 'due', moment(due)) FROM review",
    },
    Table {
        kind: "review.done",
        key: &["grant"],
        rows: "SELECT moment(reviewed_at), json_object('grant', grant, 'by', reviewed_by)
            FROM review WHERE reviewed_by IS NOT NULL",
    },
    Table {
        kind: "scope.agreed",
        key: &["tenant", "name", "resource"],
        rows: "SELECT moment(agreed_at), json_object('tenant', tenant, 'name', name,
            'resource', resource, 'expected', expected_count, 'actual', actual_count)
            FROM scope WHERE agreed_at IS NOT NULL",
    },
    Table {
        kind: "store.restored",
        key: &["was"],
        rows: "SELECT NULL, json_object('was', origin, 'entries', size) FROM earlier",
    },
];

impl Ledger {
    /// Takes down what an entry says; the payload is gone of one that was erased.
    pub(super) fn meet(&mut self, entry: &Entry, payload: Option<&Json>) {
        let Some(table) = TABLES.iter().find(|table| table.kind == entry.kind()) else { return };
        let said = self.said.entry(table.kind).or_default();
        said.all.push((entry.at().to_owned(), payload.cloned()));
        if let Some(payload) = payload {
            said.last.insert(table.key_of(payload), (entry.at().to_owned(), payload.clone()));
        }
    }

    /// Compares with the tables.
    pub(super) fn check(mut self, tx: &Tx<'_>) -> Result<()> {
        for table in &TABLES {
            let said = self.said.remove(table.kind).unwrap_or_default();
            let rows = tx.rows(table.rows, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows = rows.into_iter().map(|(at, text): (Option<String>, String)| {
                let row = serde_json::from_str(&text);
                row.map(|row| (at, row)).map_err(|cause| damaged(&format!("a row: {cause}")))
            });
            let rows = rows.collect::<Result<Vec<(Option<String>, Json)>>>()?;
            let same = match table.key {
                [] => said.follows(&rows),
                _ => said.names(table, &rows),
            };
            if !same {
                let kind = table.kind;
                return Err(damaged(&format!(
                    "what its entries `{kind}` said is not in its tables"
                )));
            }
        }
        Ok(())
    }
}

impl Said {
    /// Whether rows without a key are those of the entries, in the same order.
    fn follows(&self, rows: &[(Option<String>, Json)]) -> bool {
        self.all.len() == rows.len()
            && self.all.iter().zip(rows).all(|((at, payload), (moment, row))| {
                moment.as_ref() == Some(at)
                    && payload.as_ref().is_none_or(|payload| is_in(row, payload))
            })
    }

    /// Whether each row is that of the last entry of its key. Of erased entries nobody knows the key.
    fn names(mut self, table: &Table, rows: &[(Option<String>, Json)]) -> bool {
        let mut unsaid = self.all.iter().filter(|(_, payload)| payload.is_none()).count();
        let same = rows.iter().all(|(moment, row)| match self.last.remove(&table.key_of(row)) {
            Some((at, payload)) => {
                moment.as_ref().is_none_or(|moment| *moment == at) && is_in(row, &payload)
            }
            None => {
                let erased = unsaid > 0;
                unsaid = unsaid.saturating_sub(1);
                erased
            }
        });
        same && self.last.is_empty()
    }
}

impl Table {
    fn key_of(&self, json: &Json) -> String {
        let key: Vec<_> = self.key.iter().map(|name| json.get(name)).collect();
        format!("{key:?}")
    }
}

/// Whether every member of a row is one of the payload.
fn is_in(row: &Json, payload: &Json) -> bool {
    let members = row.as_object().into_iter().flatten();
    members.into_iter().all(|(name, value)| payload.get(name) == Some(value))
}
