//! The settings of a PostgreSQL connector.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use trueup_connector::{Error, Kind, Result};

use crate::secret::Secret;
use crate::source::Source;

/// The settings of a [`Postgres`](crate::Postgres) connector; the password stands apart from them.
///
/// ```
/// use trueup_sql::{PostgresConfig, Secret};
///
/// let config: PostgresConfig = serde_json::from_str(
///     r#"{"host": "db.example.org", "database": "assets", "user": "reader",
///         "resources": [{"table": "inventory.packages"}]}"#,
/// )?;
/// let config = config.with_password(Secret::new("open sesame"));
/// assert!(!format!("{config:?}").contains("sesame"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// The server's name or address, or the folder of its Unix socket.
    pub host: String,
    /// The port.
    #[serde(default = "port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who reads.
    pub user: String,
    /// Their password; never part of the settings' data.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// Certificates (PEM) to trust besides those that the machine trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The name by which the server's administrators see us.
    #[serde(default = "application_name")]
    pub application_name: String,
    /// The tables and queries to read; none means every table that the user may read.
    #[serde(default)]
    pub resources: Vec<Source>,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: String,
    /// How long to wait for a connection, in milliseconds.
    #[serde(default = "connect_timeout")]
    pub connect_timeout_ms: u64,
    /// How long to wait for another session's lock on a table, in milliseconds.
    #[serde(default = "lock_timeout")]
    pub lock_timeout_ms: u64,
    /// How long a reading keeps its view of the database when nobody asks, in milliseconds.
    #[serde(default = "idle_timeout")]
    pub idle_timeout_ms: u64,
}

/// Whether the connection is encrypted, and the server's name checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tls {
    /// Except to this very machine.
    #[default]
    Auto,
    /// Always.
    Require,
    /// Never: whoever is on the way can read along and answer in the server's place.
    Disable,
}

impl PostgresConfig {
    /// Every table of this database, with the settings that suit most.
    pub fn new(
        host: impl Into<String>,
        database: impl Into<String>,
        user: impl Into<String>,
    ) -> Self {
        Self {
            host: host.into(),
            port: port(),
            database: database.into(),
            user: user.into(),
            password: None,
            tls: Tls::Auto,
            ca_file: None,
            application_name: application_name(),
            resources: Vec::new(),
            tenant: String::new(),
            connect_timeout_ms: connect_timeout(),
            lock_timeout_ms: lock_timeout(),
            idle_timeout_ms: idle_timeout(),
        }
    }

    /// Reads a connection string, with or without a password:
    /// `postgres://user:password@host:port/database`, or `host=… dbname=… user=…`.
    ///
    /// ```
    /// use trueup_sql::PostgresConfig;
    ///
    /// let config = PostgresConfig::from_url("postgres://reader:sesame@localhost/assets")?;
    /// assert_eq!((&*config.user, &*config.database), ("reader", "assets"));
    /// let error = PostgresConfig::from_url("postgres://reader:ses@me@host:x/").unwrap_err();
    /// assert!(!error.to_string().contains("ses"));
    /// # Ok::<(), trueup_connector::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalid`, without a word of the text: it may hold a password.
    pub fn from_url(text: &str) -> Result<Self> {
        let parsed: tokio_postgres::Config = text.parse().map_err(|_| {
            wrong(
                "the connection string cannot be read; it should look like \
                   `postgres://user:password@host:port/database`",
            )
        })?;
        let plain = parsed.get_options().is_none()
            && parsed.get_hostaddrs().is_empty()
            && parsed.get_target_session_attrs() == TargetSessionAttrs::Any;
        if !plain {
            return Err(wrong(
                "the connection string may name user, password, host, port, database, sslmode, \
                 application_name and connect_timeout; it names something else",
            ));
        }
        let user = parsed.get_user().ok_or_else(|| wrong("the connection string names no user"))?;
        let database = parsed.get_dbname().unwrap_or(user);
        let mut config = Self::new(host(&parsed)?, database, user);
        config.port = parsed.get_ports().first().copied().unwrap_or(config.port);
        config.password = password(&parsed)?;
        config.tls = match parsed.get_ssl_mode() {
            SslMode::Disable => Tls::Disable,
            SslMode::Require => Tls::Require,
            _ => Tls::Auto,
        };
        if let Some(name) = parsed.get_application_name() {
            name.clone_into(&mut config.application_name);
        }
        if let Some(timeout) = parsed.get_connect_timeout() {
            config.connect_timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        }
        Ok(config)
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets the port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether the server is on this very machine.
    pub(crate) fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host.starts_with('/')
            || self.host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }

    /// Whether the connection has to be encrypted.
    pub(crate) fn wants_tls(&self) -> bool {
        match self.tls {
            Tls::Auto => !self.is_local(),
            Tls::Require => true,
            Tls::Disable => false,
        }
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// The server and database, without who reads.
    pub(crate) fn instance(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }
}

fn host(parsed: &tokio_postgres::Config) -> Result<String> {
    match parsed.get_hosts() {
        [] => Ok("localhost".into()),
        [Host::Tcp(name)] => Ok(name.clone()),
        #[cfg(unix)]
        [Host::Unix(folder)] => Ok(folder.display().to_string()),
        _ => Err(wrong("the connection string names several hosts; name one")),
    }
}

fn password(parsed: &tokio_postgres::Config) -> Result<Option<Secret>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map(Secret::new);
    let password = parsed.get_password().map(text).transpose();
    password.map_err(|_| wrong("the password in the connection string is not UTF-8"))
}

fn wrong(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

fn port() -> u16 {
    5432
}

fn application_name() -> String {
    "trueup".into()
}

fn connect_timeout() -> u64 {
    10_000
}

fn lock_timeout() -> u64 {
    5_000
}

fn idle_timeout() -> u64 {
    60_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_goes_without_encryption() {
        for (host, local) in [
            ("localhost", true),
            ("127.0.0.9", true),
            ("::1", true),
            ("/run/postgresql", true),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
        ] {
            let config = PostgresConfig::new(host, "d", "u");
            assert_eq!(config.wants_tls(), !local, "{host}");
        }
    }

    #[test]
    fn connection_strings_say_where_and_never_show_in_errors() {
        let config = PostgresConfig::from_url(
            "postgres://me:p%40ss@db.example.org:6432/assets?sslmode=require&connect_timeout=3",
        );
        let config = config.unwrap();
        assert_eq!(config.instance(), "db.example.org:6432/assets");
        assert_eq!(config.password, Some(Secret::new("p@ss")));
        assert_eq!((config.tls, config.connect_timeout_ms), (Tls::Require, 3_000));
        for text in [
            "postgres://me:sesame@host:port/x",
            "host=h password=sesame unknown=1",
            "postgres://me:sesame@a,b/x",
            "postgres://me:sesame@h/x?options=-c%20a=b",
            "password=sesame",
        ] {
            let error = PostgresConfig::from_url(text).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{text}");
            assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        }
    }

    #[test]
    fn settings_are_data_without_the_password() {
        let config = PostgresConfig::new("h", "d", "u").with_password(Secret::new("sesame"));
        let text = serde_json::to_string(&config).unwrap();
        assert!(!text.contains("sesame"), "{text}");
        assert!(serde_json::from_str::<PostgresConfig>(&text).is_ok());
        let text = r#"{"host":"h","database":"d","user":"u","password":"sesame"}"#;
        let error = serde_json::from_str::<PostgresConfig>(text).unwrap_err().to_string();
        assert!(error.contains("unknown field `password`") && !error.contains("sesame"), "{error}");
    }
}
