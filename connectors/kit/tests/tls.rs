//! Private authorities and client certificates, against a server that asks for them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use support::{client, context, manners};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trueup_connector::Kind;
use trueup_kit::{Endpoint, Files, Identification, Request};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this name, and its key, as PEM.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// A server of this authority that says hello to clients of the other.
async fn serve(own: &Authority, clients: &Authority) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(clients.roots()), provider.clone());
    let (certificate, key) = own.issue("localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = [0; 4096];
                if stream.read(&mut bytes).await.is_ok() {
                    let hello =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                    drop(stream.write_all(hello).await);
                    drop(stream.shutdown().await);
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn a_private_authority_and_a_replaced_client_certificate() {
    let (own, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let url = serve(&own, &clients).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let show = |authority: &Authority| {
        let (certificate, key) = authority.issue("me");
        std::fs::write(file("cert"), certificate.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
    };
    std::fs::write(file("ca.pem"), own.0.pem()).unwrap();
    let secrets = Arc::new(Files::new(folder.path()));
    let mut endpoint = Endpoint::new(&url);
    endpoint.identification =
        Some(Identification { certificate: "cert".into(), key: "key".into() });
    show(&clients);

    let unknown = client(endpoint.clone(), manners().with_tries(1), secrets.clone());
    let error = unknown.send(&context(), Request::get("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "the server's authority is not trusted: {error}");

    endpoint.ca_file = Some(file("ca.pem"));
    let client = client(endpoint.clone(), manners().with_tries(1), secrets);
    assert_eq!(client.send(&context(), Request::get("x")).await.unwrap().body, b"hello");
    show(&others);
    let refused = client.send(&context(), Request::get("x")).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Unavailable, "the certificate is another's");
    show(&clients);
    assert_eq!(client.send(&context(), Request::get("x")).await.unwrap().body, b"hello");
}
