//! Connections, encrypted where they have to be.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use trueup_connector::{Error, Kind, Result};

use super::config::PostgresConfig;
use super::error::error;
use crate::secret::Secret;

/// A connection, which is cut at once when this is dropped.
pub(crate) struct Link {
    pub(crate) client: Client,
    task: Option<JoinHandle<()>>,
}

impl Link {
    /// Ends the transaction and says goodbye, so that the server has nothing to complain about.
    pub(crate) async fn close(mut self) {
        drop(self.client.batch_execute("commit").await);
        // Without a client the task sends the last word and ends.
        self.task = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Else the rest of an unfinished COPY would still be taken from the server.
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Connects to the server.
pub(crate) async fn connect(config: &PostgresConfig) -> Result<Link> {
    let patience = Duration::from_millis(config.connect_timeout_ms);
    let link = match config.wants_tls() {
        true => timeout(patience, encrypted(config)).await,
        false => timeout(patience, plain(config)).await,
    };
    let link = link.unwrap_or_else(|_| {
        let message = format!("no connection within {} ms", config.connect_timeout_ms);
        Err(Error::new(Kind::Unavailable, message))
    });
    link.map_err(|error| error.with("server", config.instance()))
}

async fn plain(config: &PostgresConfig) -> Result<Link> {
    let (client, connection) =
        settings(config, SslMode::Disable).connect(NoTls).await.map_err(error)?;
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Link { client, task: Some(task) })
}

#[cfg(feature = "tls")]
async fn encrypted(config: &PostgresConfig) -> Result<Link> {
    let tls = tokio_postgres_rustls::MakeRustlsConnect::new(client_config(config)?);
    let (client, connection) =
        settings(config, SslMode::Require).connect(tls).await.map_err(error)?;
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok(Link { client, task: Some(task) })
}

#[cfg(not(feature = "tls"))]
async fn encrypted(config: &PostgresConfig) -> Result<Link> {
    let message = format!(
        "`{}` is not this machine, so the connection must be encrypted, and this build cannot; \
         build with the feature `tls`",
        config.host
    );
    Err(Error::new(Kind::Unsupported, message))
}

#[cfg(feature = "tls")]
fn client_config(config: &PostgresConfig) -> Result<rustls::ClientConfig> {
    use std::sync::Arc;
    let invalid = |message: String| Error::new(Kind::Invalid, message);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| invalid(format!("TLS cannot be set up: {cause}")))?;
    Ok(builder.with_root_certificates(roots(config)?).with_no_client_auth())
}

/// The certificates that the machine trusts, and those of the settings.
#[cfg(feature = "tls")]
fn roots(config: &PostgresConfig) -> Result<rustls::RootCertStore> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &config.ca_file {
        let invalid = |cause: String| {
            let message = format!("the certificates cannot be read: {cause}");
            Error::new(Kind::Invalid, message).with("file", file.display())
        };
        let certificates = CertificateDer::pem_file_iter(file);
        for certificate in certificates.map_err(|cause| invalid(cause.to_string()))? {
            let certificate = certificate.map_err(|cause| invalid(cause.to_string()))?;
            roots.add(certificate).map_err(|cause| invalid(cause.to_string()))?;
        }
    }
    match roots.is_empty() {
        false => Ok(roots),
        true => {
            let message = "this machine trusts no certificates; name some in `ca_file`";
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

fn settings(config: &PostgresConfig, tls: SslMode) -> tokio_postgres::Config {
    let mut settings = tokio_postgres::Config::new();
    settings.host(&config.host).port(config.port).dbname(&config.database).user(&config.user);
    settings.application_name(&config.application_name).ssl_mode(tls);
    settings.connect_timeout(Duration::from_millis(config.connect_timeout_ms));
    // A server that vanished without a word is noticed all the same.
    settings.keepalives_idle(Duration::from_secs(30));
    if let Some(password) = &config.password {
        settings.password(Secret::expose(password));
    }
    settings
}
