//! Backups, and stores made of them.

use std::path::Path;

use rusqlite::{OpenFlags, params};
use serde_json::json;
use trueup_connector::{Error, Kind, Result};

use super::super::clock::{SystemEntropy, fresh_id, hex};
use super::faults::sql;
use super::log::End;
use super::tx::Tx;
use super::{Store, StoreOptions, StoreSettings, file, schema};

impl Store {
    /// Copies the store, as it is at one moment, into a new file, and checks the copy. Others may go
    /// on writing meanwhile.
    ///
    /// # Errors
    /// `conflict` where there is a file already, `unsupported` for a store in memory, those of
    /// [`Store::verify`] for the copy; then no file is left behind.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        let from = self.0.path.clone().ok_or_else(|| {
            Error::new(Kind::Unsupported, "a store in memory has nothing to back up")
        })?;
        copy(&from, to)?;
        checked(to, |path| Store::open(path)).map(drop)
    }

    /// Makes a store of a backup; the backup is checked first and stays as it is.
    ///
    /// What happened after the backup is not in it: runs of that time may be open again. Read the
    /// systems again before anything is planned.
    ///
    /// Its log goes on under a new name, [`Store::log_name`]: that of the backup may have been signed
    /// with more entries than the backup has, and no log signs two histories. Its key's name is the
    /// new one.
    ///
    /// # Errors
    /// `conflict` where there is a file at `to`; those of [`Store::open`] and [`Store::verify`].
    pub fn restore(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Self> {
        let (backup, to) = (backup.as_ref(), to.as_ref());
        file::look(backup)?;
        copy(backup, to)?;
        checked(to, |path| {
            let store = StoreOptions::new().open(path)?;
            let name = fresh_id(store.entropy())?;
            store.call(move |tx| rename(tx, &name))?;
            Ok(store)
        })
    }

    /// The name of the audit log: that of the key which signs its checkpoints.
    ///
    /// # Errors
    /// Those of the store.
    pub fn log_name(&self) -> Result<String> {
        self.call(|tx| Ok(End::load(tx.sql())?.log().origin().to_owned()))
    }
}

/// The store at this path, if it is whole; else there is no file left.
fn checked(path: &Path, open: impl FnOnce(&Path) -> Result<Store>) -> Result<Store> {
    let outcome = open(path).and_then(|store| store.verify().map(|_| store));
    if outcome.is_err() {
        for file in [path.to_owned(), file::beside(path, "wal"), file::beside(path, "shm")] {
            if file.exists() {
                std::fs::remove_file(&file).map_err(|cause| file::io(&file, cause))?;
            }
        }
    }
    outcome
}

/// In one statement, so that it is of one moment, whoever writes meanwhile.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let source = file::connect(from, &StoreSettings::default(), OpenFlags::empty())?;
    schema::check(&source).map_err(|error| error.with("file", from.display()))?;
    file::make(to, &fresh_id(&SystemEntropy)?, |unfinished| {
        let name = unfinished.to_str().ok_or_else(|| {
            let message = "the name of the file to copy to is not UTF-8; choose another path";
            Error::new(Kind::Invalid, message).with("file", to.display())
        })?;
        source.execute("VACUUM INTO ?", [name]).map_err(sql).map(drop)
    })
}

/// Gives the log a name that no other store has.
fn rename(tx: &mut Tx<'_>, fresh: &str) -> Result<()> {
    let log = tx.end()?.log().clone();
    let (was, size) = (log.origin().to_owned(), log.size());
    let first =
        tx.first("SELECT origin FROM earlier ORDER BY size LIMIT 1", [], |row| row.get(0))?;
    let first: String = first.unwrap_or_else(|| was.clone());
    let name = format!("{first}/restored-{}", fresh.get(..12).unwrap_or(fresh));
    tx.end()?.rename(&name)?;
    tx.run("INSERT INTO earlier (origin, size) VALUES (?, ?)", params![was, size as i64])?;
    let root = hex(&log.root());
    tx.log("store.restored", &json!({"was": was, "log": name, "entries": size, "root": root}))
}
