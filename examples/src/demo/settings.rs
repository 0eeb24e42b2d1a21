//! What the demo is asked to do.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Result;
use crate::inventory::Db;

/// How the demo is called.
pub const USAGE: &str = "\
Compares a software inventory with the catalogue it should follow.

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
}

impl Default for Settings {
    fn default() -> Self {
        Self { db: Db::default(), out: "demo-out".into() }
    }
}

impl Settings {
    /// Reads a command line, without the program's name; `None` where it asks for help.
    ///
    /// # Errors
    /// Where there is anything unknown in it, or a value is left out.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
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
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown argument `{argument}`; see `demo --help`").into()),
            }
        }
        Ok(Some(settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Settings>> {
        Settings::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_read() {
        assert_eq!(parse("").unwrap(), Some(Settings::default()));
        let settings = parse("--db postgres --out a/b").unwrap().unwrap();
        assert_eq!(settings, Settings { db: Db::Postgres, out: "a/b".into() });
        assert_eq!(parse("--out a --help").unwrap(), None);
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
