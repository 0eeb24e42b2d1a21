//! What the demo is asked to do.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Result;
use crate::inventory::Db;

/// How the demo is called.
pub const USAGE: &str = "\
Compares a software inventory with the catalogue it should follow, and makes them agree.

usage: demo [--db sqlite|postgres] [--out FOLDER]

  --db   where the inventory is kept: an SQLite file (default), or a PostgreSQL
         server that is started on loopback and removed afterwards
  --out  where the report goes (default: demo-out)
";

/// What the demo is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which database the inventory is kept in.
    pub db: Db,
    /// The folder the report is saved to.
    pub out: PathBuf,
    /// The demo's program: it starts itself a second time, to be killed. `None` for the one that runs.
    pub program: Option<PathBuf>,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task {
    /// The demo.
    Run(Settings),
    /// What its second process does.
    CarryOut,
    /// Help.
    Help,
}

impl Default for Settings {
    fn default() -> Self {
        Self { db: Db::default(), out: "demo-out".into(), program: None }
    }
}

impl Settings {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// Where there is anything unknown in it, or a value is left out.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task> {
        let mut settings = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let argument = argument.to_string_lossy();
            let mut value = || {
                let missing = || format!("`{argument}` wants a value; see `demo --help`");
                arguments.next().ok_or_else(missing)
            };
            match &*argument {
                "--db" => settings.db = value()?.to_string_lossy().parse()?,
                "--out" => settings.out = value()?.into(),
                "--help" | "-h" => return Ok(Task::Help),
                "--carry-out" => return Ok(Task::CarryOut),
                _ => return Err(format!("unknown argument `{argument}`; see `demo --help`").into()),
            }
        }
        Ok(Task::Run(settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task> {
        Settings::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_read() {
        assert_eq!(parse("").unwrap(), Task::Run(Settings::default()));
        let settings = Settings { db: Db::Postgres, out: "a/b".into(), program: None };
        assert_eq!(parse("--db postgres --out a/b").unwrap(), Task::Run(settings));
        assert_eq!(parse("--out a --help").unwrap(), Task::Help);
        assert_eq!(parse("--carry-out").unwrap(), Task::CarryOut);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for (line, want) in [
            ("--db oracle", "unknown database `oracle`; there are `sqlite` and `postgres`"),
            ("--bd sqlite", "unknown argument `--bd`; see `demo --help`"),
            ("--db", "`--db` wants a value; see `demo --help`"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), want);
        }
    }
}
