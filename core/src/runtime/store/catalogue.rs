//! The catalogue: which resources were read, when, and how much both sides had when they last agreed.

use rusqlite::{Row, params};
use serde_json::json;
use trueup_connector::{Error, Kind, Result, Snapshot};

use super::Store;
use super::tx::Tx;
use crate::reconcile::Report;

/// One reading of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Names it, unlike every other reading.
    pub read_id: String,
    /// Whose data it is.
    pub tenant: String,
    /// The system that was read.
    pub system: String,
    /// The resource that was read.
    pub resource: String,
    /// When it was read: an instant in ISO 8601.
    pub read_at: Option<String>,
    /// How many records it had.
    pub rows: u64,
    /// What it covers, as JSON.
    pub coverage: String,
    /// The fields and their types: `serial text, free_gib int`.
    pub fields: String,
}

/// How many records both sides had when they last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// Records of the expected side.
    pub expected: u64,
    /// Records of the actual side.
    pub actual: u64,
}

impl Store {
    /// Notes a reading.
    ///
    /// # Errors
    /// `invalid` for a snapshot without a read id, `conflict` for one that is noted already; those
    /// of the store.
    pub fn note_reading(&self, snapshot: &Snapshot) -> Result<()> {
        let reading = Reading::of(snapshot)?;
        self.call(move |tx| note(tx, &reading))
    }

    /// The readings of a system, last first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn readings(&self, tenant: &str, system: &str) -> Result<Vec<Reading>> {
        let (tenant, system) = (tenant.to_owned(), system.to_owned());
        self.call(move |tx| tx.rows(READINGS, [&tenant, &system], reading))
    }

    /// Notes that both sides agree as this report says: what later plans are measured against.
    ///
    /// # Errors
    /// `invalid` where the report has open findings; those of the store.
    pub fn note_agreed(&self, report: &Report) -> Result<()> {
        if !report.converged() {
            let message = format!("the two sides do not agree: {}", report.counts());
            return Err(Error::new(Kind::Invalid, message));
        }
        let (scope, inputs) = (Scope::of(report)?, report.inputs()?);
        let counts = Agreed { expected: inputs.expected.rows(), actual: inputs.actual.rows() };
        self.call(move |tx| agree(tx, &scope, counts))
    }

    /// How many records both sides had when they last agreed; `None` where they never did.
    ///
    /// # Errors
    /// Those of the store.
    pub fn last_agreed(&self, tenant: &str, name: &str, resource: &str) -> Result<Option<Agreed>> {
        let named = [tenant, name, resource].map(str::to_owned);
        self.call(move |tx| last_agreed(tx, &named))
    }
}

/// A reconciliation, and what its report said.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) tenant: String,
    pub(super) name: String,
    pub(super) resource: String,
    pub(super) report: Vec<u8>,
    pub(super) coverage: String,
}

impl Scope {
    pub(super) fn of(report: &Report) -> Result<Self> {
        let [expected, actual] = &report.head().coverage;
        Ok(Self {
            tenant: report.tenant().to_owned(),
            name: report.name().to_owned(),
            resource: report.resource().to_owned(),
            report: report.digest()?.to_vec(),
            coverage: json!([expected, actual]).to_string(),
        })
    }

    /// Its place, and what its last report covered; the row is made or brought up to date.
    pub(super) fn enter(&self, tx: &Tx<'_>) -> Result<(i64, Option<String>)> {
        let Self { tenant, name, resource, report, coverage } = self;
        let named = params![tenant, name, resource];
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
        let found = tx.first(PLACE, named, row)?;
        tx.run(ENTER, params![tenant, name, resource, report, coverage, tx.now()])?;
        match found {
            Some((place, before)) => Ok((place, Some(before))),
            None => Ok((tx.sql().last_insert_rowid(), None)),
        }
    }
}

const PLACE: &str =
    "SELECT place, coverage FROM scope WHERE tenant = ? AND name = ? AND resource = ?";

const ENTER: &str = "INSERT INTO scope (tenant, name, resource, report, coverage, at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET report = excluded.report, coverage = excluded.coverage,
    at = excluded.at";

const READINGS: &str =
    "SELECT read_id, tenant, system, resource, read_at, record_count, coverage, fields
    FROM reading WHERE tenant = ? AND system = ? ORDER BY place DESC";

impl Reading {
    fn of(snapshot: &Snapshot) -> Result<Self> {
        let from = snapshot.provenance().clone();
        if from.read_id.is_empty() {
            let message = "the snapshot has no read id; read it with a `Reader`, or give it one";
            return Err(Error::new(Kind::Invalid, message));
        }
        let coverage = serde_json::to_string(snapshot.coverage()).map_err(|cause| {
            Error::new(Kind::Internal, "a coverage has no JSON form").with_source(cause)
        })?;
        let fields = snapshot.schema().fields().iter();
        let fields: Vec<_> = fields.map(|field| format!("{} {}", field.name, field.ty)).collect();
        Ok(Self {
            read_id: from.read_id,
            tenant: from.tenant,
            system: from.system,
            resource: from.resource,
            read_at: from.read_at,
            rows: snapshot.rows() as u64,
            coverage,
            fields: fields.join(", "),
        })
    }
}

fn note(tx: &mut Tx<'_>, reading: &Reading) -> Result<()> {
    let Reading { read_id, tenant, system, resource, read_at, rows, coverage, fields } = reading;
    let question = "SELECT 1 FROM reading WHERE read_id = ?";
    if tx.first(question, [read_id], |_| Ok(()))?.is_some() {
        let message =
            format!("the reading `{read_id}` is noted already; every reading has its own id");
        return Err(Error::new(Kind::Conflict, message));
    }
    tx.run(
        "INSERT INTO reading (read_id, tenant, system, resource, read_at, record_count, coverage, fields, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![read_id, tenant, system, resource, read_at, *rows as i64, coverage, fields, tx.now()],
    )?;
    let said = json!({
        "read_id": read_id, "tenant": tenant, "system": system, "resource": resource, "rows": rows,
    });
    tx.log("reading.noted", &said)
}

fn reading(row: &Row<'_>) -> rusqlite::Result<Reading> {
    Ok(Reading {
        read_id: row.get(0)?,
        tenant: row.get(1)?,
        system: row.get(2)?,
        resource: row.get(3)?,
        read_at: row.get(4)?,
        rows: row.get::<_, i64>(5)?.unsigned_abs(),
        coverage: row.get(6)?,
        fields: row.get(7)?,
    })
}

fn agree(tx: &mut Tx<'_>, scope: &Scope, counts: Agreed) -> Result<()> {
    let (place, _) = scope.enter(tx)?;
    let Agreed { expected, actual } = counts;
    let values = params![expected as i64, actual as i64, tx.now(), place];
    tx.run(
        "UPDATE scope SET expected_count = ?, actual_count = ?, agreed_at = ? WHERE place = ?",
        values,
    )?;
    let said = json!({
        "tenant": scope.tenant, "name": scope.name, "resource": scope.resource,
        "expected": expected, "actual": actual,
    });
    tx.log("scope.agreed", &said)
}

pub(in crate::runtime) fn last_agreed(tx: &Tx<'_>, named: &[String; 3]) -> Result<Option<Agreed>> {
    let question = "SELECT expected_count, actual_count FROM scope
        WHERE tenant = ? AND name = ? AND resource = ? AND agreed_at IS NOT NULL";
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let [tenant, name, resource] = named;
    let found = tx.first(question, params![tenant, name, resource], row)?;
    Ok(found.map(|(expected, actual)| Agreed {
        expected: expected.unsigned_abs(),
        actual: actual.unsigned_abs(),
    }))
}
