//! The encrypted connection: whom to trust, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use trueup_connector::{Error, Kind, Result};

use crate::endpoint::Endpoint;
use crate::secret::Secret;

/// A client certificate and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) certificate: Secret,
    pub(crate) key: Secret,
}

/// The HTTP client of an endpoint, which shows this certificate.
pub(crate) fn client(
    endpoint: &Endpoint,
    pair: Option<&Pair>,
    proxy: Option<reqwest::Proxy>,
) -> Result<reqwest::Client> {
    let mut tls = config(endpoint, pair)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // Followed by hand, so that credentials stay with their host.
        .redirect(reqwest::redirect::Policy::none())
        // Tried again by hand, where that is known to be safe.
        .retry(reqwest::retry::never())
        .connect_timeout(endpoint.connect_timeout())
        .timeout(endpoint.timeout())
        .cookie_store(endpoint.cookies)
        .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    };
    builder.build().map_err(|cause| {
        Error::new(Kind::Invalid, "the HTTP client cannot be set up").with_source(cause)
    })
}

fn config(endpoint: &Endpoint, pair: Option<&Pair>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| invalid(format!("TLS cannot be set up: {cause}")))?
        .with_root_certificates(roots(endpoint)?);
    let Some(pair) = pair else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(&pair.certificate)?;
    let key = private_key(&pair.key)?;
    builder.with_client_auth_cert(chain, key).map_err(|cause| {
        invalid(format!("the client certificate and its key do not go together: {cause}"))
    })
}

/// The certificates that the machine trusts, and those of the settings.
fn roots(endpoint: &Endpoint) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let base = endpoint.base()?;
    if base.scheme() == "https" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(file) = &endpoint.ca_file {
        add(&mut roots, file).map_err(|error| error.with("file", file.display()))?;
    }
    match roots.is_empty() && base.scheme() == "https" {
        true => Err(invalid("this machine trusts no certificates; name some in `ca_file`".into())),
        false => Ok(roots),
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<()> {
    let unread = |cause: &dyn std::fmt::Display| {
        invalid(format!("the certificates cannot be read: {cause}"))
    };
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|cause| unread(&cause))? {
        let certificate = certificate.map_err(|cause| unread(&cause))?;
        roots.add(certificate).map_err(|cause| unread(&cause))?;
    }
    match roots.len() > before {
        true => Ok(()),
        false => Err(invalid("the file holds no certificate (PEM)".into())),
    }
}

/// The certificates of a secret, as PEM; at least one.
pub(crate) fn certificates(pem: &Secret) -> Result<Vec<CertificateDer<'static>>> {
    let all =
        CertificateDer::pem_slice_iter(pem.expose().as_bytes()).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(invalid("the secret with the certificate is not PEM of a certificate".into())),
    }
}

/// The private key of a secret, as PEM.
pub(crate) fn private_key(pem: &Secret) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
        .map_err(|_| invalid("the secret with the key is not PEM of a private key".into()))
}

fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, message)
}
