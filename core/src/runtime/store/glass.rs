//! Glass that was broken: what was lifted, and who looked at it afterwards.

use std::time::SystemTime;

use rusqlite::{Row, params};
use serde_json::{Value as Json, json};
use trueup_connector::{Error, Kind, Result};

use super::super::clock::{millis, moment};
use super::Store;
use super::approvals::json_column;
use super::tx::Tx;
use crate::guard::moment_text;

/// A time in which named limits and freezes are lifted, on two people's word.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpenedGlass {
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// Who opened it, why, and what it lifts.
    pub document: Json,
    /// When it begins.
    pub from: SystemTime,
    /// When it ends.
    pub until: SystemTime,
    /// By when somebody must have looked at what was done.
    pub review_due: SystemTime,
    /// Who has, and when.
    pub reviewed: Option<(String, SystemTime)>,
}

impl Store {
    /// Writes down that glass was broken.
    ///
    /// # Errors
    /// `invalid` for a time that ends before it begins; those of the store.
    pub fn keep_break_glass(
        &self,
        document: Json,
        from: SystemTime,
        until: SystemTime,
        review_due: SystemTime,
    ) -> Result<OpenedGlass> {
        if until <= from {
            return Err(Error::new(Kind::Invalid, "a break-glass ends after it begins"));
        }
        let times = [from, until, review_due].map(millis);
        self.call(move |tx| break_glass(tx, document, times))
    }

    /// Every break-glass, last first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn break_glasses(&self) -> Result<Vec<OpenedGlass>> {
        let question =
            "SELECT id, document, from_at, until_at, review_due, reviewed_by, reviewed_at
            FROM break_glass ORDER BY from_at DESC, id";
        self.call(move |tx| tx.rows(question, [], glass))
    }

    /// Writes down that somebody has looked at what was done under a break-glass.
    ///
    /// # Errors
    /// `not_found` where there is none of this name that waits for a review; those of the store.
    pub fn review(&self, break_glass: &str, by: &str) -> Result<()> {
        let (id, by) = (break_glass.to_owned(), by.to_owned());
        self.call(move |tx| {
            let values = params![by, tx.now(), id];
            let statement = "UPDATE break_glass SET reviewed_by = ?, reviewed_at = ?
                WHERE id = ? AND reviewed_by IS NULL";
            if tx.run(statement, values)? == 0 {
                let message = format!("no break-glass `{id}` waits for a review");
                return Err(Error::new(Kind::NotFound, message));
            }
            tx.log("glass.reviewed", Some(&by), &json!({"id": id, "by": by}))
        })
    }
}

fn break_glass(tx: &mut Tx<'_>, document: Json, times: [i64; 3]) -> Result<OpenedGlass> {
    let id = tx.fresh_id()?;
    let [from, until, review_due] = times;
    tx.run(
        "INSERT INTO break_glass (id, document, from_at, until_at, review_due)
         VALUES (?, ?, ?, ?, ?)",
        params![id, document.to_string(), from, until, review_due],
    )?;
    let said = json!({
        "id": id, "from": moment_text(from), "until": moment_text(until), "review_due": moment_text(review_due),
        "opened": document,
    });
    tx.log("glass.broken", None, &said)?;
    let [from, until, review_due] = times.map(moment);
    Ok(OpenedGlass { id, document, from, until, review_due, reviewed: None })
}

fn glass(row: &Row<'_>) -> rusqlite::Result<OpenedGlass> {
    let document: String = row.get(1)?;
    let reviewed = match row.get::<_, Option<String>>(5)? {
        Some(by) => Some((by, moment(row.get(6)?))),
        None => None,
    };
    Ok(OpenedGlass {
        id: row.get(0)?,
        document: json_column(1, &document)?,
        from: moment(row.get(2)?),
        until: moment(row.get(3)?),
        review_due: moment(row.get(4)?),
        reviewed,
    })
}
