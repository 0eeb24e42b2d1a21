//! Bare SQLite: a transaction of its own, on disk, for each write.

use rusqlite::{Connection, params};
use serde_json::json;
use trueup_benches::Result;
use trueup_benches::measure::{Case, report};

fn main() -> Result<()> {
    let case = Case::from_args()?;
    let folder = tempfile::tempdir_in(&case.dir)?;
    let connection = Connection::open(folder.path().join("bare.db"))?;
    // As our store has it.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE item (id INTEGER, value TEXT)")?;
    let mut insert = connection.prepare("INSERT INTO item (id, value) VALUES (?, ?)")?;
    let size = i64::try_from(case.size()?)?;
    report("SQLite, a transaction a write", &case, || {
        let mut written = 0;
        for id in 0..size {
            written += insert.execute(params![id, "new value"])?;
        }
        Ok((json!({ "written": written }), ()))
    })
}
