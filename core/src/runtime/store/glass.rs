//! What was done while limits were lifted, and who looked at it afterwards.

use std::time::SystemTime;

use rusqlite::{Row, params};
use serde_json::json;
use trueup_connector::{Error, Hash, Kind, Result};

use super::super::clock::{hex, moment};
use super::Store;
use super::tx::Tx;
use crate::guard::{Grant, GrantedBy, moment_text};

/// A look that somebody owes at what was done under break-glass.
///
/// It is written down by the transaction that uses the grant up. Where one is overdue, no further
/// break-glass is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptReview {
    /// The id of the grant that was used, in hexadecimal digits.
    pub grant: String,
    /// The digest of the opening that it was given under.
    pub opening: Hash,
    /// The plan that was carried out.
    pub plan: Hash,
    /// By when somebody must have looked at it.
    pub due: SystemTime,
    /// Who has, and when.
    pub reviewed: Option<(String, SystemTime)>,
}

impl Store {
    /// Every review, the first due first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn reviews(&self) -> Result<Vec<KeptReview>> {
        let question = "SELECT grant, opening, plan, due, reviewed_by, reviewed_at FROM review
            ORDER BY due, grant";
        self.call(move |tx| tx.rows(question, [], review))
    }

    /// Writes down that somebody has looked at what was done with a grant of break-glass.
    ///
    /// # Errors
    /// `not_found` where none of this grant waits for a review; `forbidden` for one of those who
    /// granted or asked for it; `invalid` without a name; those of the store.
    pub fn review(&self, grant: &str, by: &str) -> Result<()> {
        if by.trim().is_empty() {
            return Err(Error::new(Kind::Invalid, "a review needs the name of who did it"));
        }
        let (grant, by) = (grant.to_owned(), by.to_owned());
        self.call(move |tx| reviewed(tx, &grant, &by))
    }
}

/// Opens the review of a grant of break-glass that is being used up.
///
/// # Errors
/// `forbidden` where a review is overdue, or the opening gave this plan its one grant already.
pub(in crate::runtime) fn open_review(tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
    let GrantedBy::BreakGlass { people, opening, review_by } = grant.by() else { return Ok(()) };
    refuse_overdue(tx)?;
    let people: Vec<&String> = people.iter().chain(grant.requester().chain()).collect();
    let (id, plan, people) = (hex(&grant.id()), grant.plan(), json!(people));
    let values = params![id, opening, plan, people.to_string(), review_by];
    let statement = "INSERT OR IGNORE INTO review (grant, opening, plan, people, due)
        VALUES (?, ?, ?, ?, ?)";
    if tx.run(statement, values)? == 0 {
        let message = "the plan already got its one grant under this break-glass";
        return Err(Error::new(Kind::Forbidden, message));
    }
    let said = json!({
        "grant": id, "opening": hex(opening), "plan": hex(&plan), "people": people,
        "due": moment_text(*review_by),
    });
    tx.log("review.opened", &said)
}

fn refuse_overdue(tx: &Tx<'_>) -> Result<()> {
    let question = "SELECT grant, due FROM review WHERE reviewed_by IS NULL AND due <= ?
        ORDER BY due LIMIT 1";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    match tx.first(question, [tx.now()], row)? {
        None => Ok(()),
        Some((grant, due)) => {
            let message = format!(
                "the review of break-glass grant `{grant}` was due at {}; review it first",
                moment_text(due)
            );
            Err(Error::new(Kind::Forbidden, message))
        }
    }
}

fn reviewed(tx: &mut Tx<'_>, grant: &str, by: &str) -> Result<()> {
    let question = "SELECT people, plan FROM review WHERE grant = ? AND reviewed_by IS NULL";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Hash>(1)?));
    let (people, plan) = tx.first(question, [grant], row)?.ok_or_else(|| {
        let message = format!("no break-glass grant `{grant}` waits for a review");
        Error::new(Kind::NotFound, message)
    })?;
    let people: Vec<String> = serde_json::from_str(&people).map_err(|cause| {
        Error::new(Kind::Data, format!("the store is damaged: a review is no JSON: {cause}"))
    })?;
    if people.iter().any(|person| person == by) {
        let message = format!("`{by}` asked for this break-glass or granted it; another must look");
        return Err(Error::new(Kind::Forbidden, message));
    }
    let statement = "UPDATE review SET reviewed_by = ?, reviewed_at = ? WHERE grant = ?";
    tx.run(statement, params![by, tx.now(), grant])?;
    tx.log("review.done", &json!({"grant": grant, "plan": hex(&plan), "by": by}))
}

fn review(row: &Row<'_>) -> rusqlite::Result<KeptReview> {
    let reviewed = match row.get::<_, Option<String>>(4)? {
        Some(by) => Some((by, moment(row.get(5)?))),
        None => None,
    };
    let (grant, opening, plan) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(KeptReview { grant, opening, plan, due: moment(row.get(3)?), reviewed })
}
