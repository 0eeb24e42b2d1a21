//! The server: connections in hand, faults laid over the system's answers.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::faults::{Faults, Misfortune, Plan};
use crate::http::{Call, Reply, System};
use crate::tls;

/// A server on loopback; it is gone, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    origin: String,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

/// No call has a larger body.
const LARGEST: usize = 64 << 20;

impl Server {
    /// Serves a system on a free port.
    ///
    /// # Errors
    /// Where there is no port.
    pub async fn start(system: impl System, plan: Plan) -> io::Result<Self> {
        Self::on(0, system, plan).await
    }

    /// Serves a system on this port of loopback; 0 for a free one.
    ///
    /// # Errors
    /// Where the port is taken.
    pub async fn on(port: u16, system: impl System, plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self::begin(listener, None, origin, system, plan))
    }

    /// Serves a system on this port of loopback by TLS, for clients that take nothing else; gives the
    /// certificate (PEM) of the authority that they have to trust. It lives as long as the server.
    ///
    /// # Errors
    /// Where the port is taken, or no certificate can be made.
    pub async fn on_tls(port: u16, system: impl System, plan: Plan) -> io::Result<(Self, String)> {
        let (acceptor, authority) = tls::acceptor().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let origin = format!("https://localhost:{}", listener.local_addr()?.port());
        Ok((Self::begin(listener, Some(acceptor), origin, system, plan), authority))
    }

    fn begin(
        listener: TcpListener,
        acceptor: Option<TlsAcceptor>,
        origin: String,
        system: impl System,
        plan: Plan,
    ) -> Self {
        let faults = Arc::new(Faults::new(plan));
        let served = Served { system: Arc::new(system), faults: faults.clone(), acceptor };
        Self { origin, faults, task: tokio::spawn(serve(listener, Arc::new(served))) }
    }

    /// Its address: `http://127.0.0.1:8080`.
    pub fn base_url(&self) -> String {
        self.origin.clone()
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.faults.calls()
    }

    /// Cuts all connections and takes no more.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What every connection has.
struct Served {
    system: Arc<dyn System>,
    faults: Arc<Faults>,
    acceptor: Option<TlsAcceptor>,
}

async fn serve(listener: TcpListener, served: Arc<Served>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, served.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, served: Arc<Served>) {
    // Small answers are not to wait for more.
    drop(stream.set_nodelay(true));
    match &served.acceptor {
        None => calls(stream, "http", served).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                calls(stream, "https", served.clone()).await;
            }
        }
    }
}

async fn calls(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    scheme: &'static str,
    served: Arc<Served>,
) {
    let service = service_fn(move |request| {
        let served = served.clone();
        async move { answer(&*served.system, &served.faults, request, scheme).await }
    });
    // A connection that ends badly has no other effect than that.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

/// The connection is cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Cut>;

async fn answer(
    system: &dyn System,
    faults: &Faults,
    request: Request<Incoming>,
    scheme: &str,
) -> Result<Response<Body>, Cut> {
    let Some(mut call) = read(request, scheme).await else {
        return respond(Reply::new(413), false);
    };
    let struck = faults.strike(&call);
    match struck {
        Some(Misfortune::Slow { delay_ms }) => {
            tokio::time::sleep(Duration::from_millis(*delay_ms)).await;
        }
        Some(Misfortune::EmptyPage) => call.empty_page = true,
        Some(Misfortune::DuplicatePage) => call.duplicate_page = true,
        _ => {}
    }
    if let Some(reply) = instead(system, struck)? {
        return respond(reply, false);
    }
    let reply = system.answer(&call);
    match struck {
        Some(Misfortune::LostAnswer) => Err(Cut),
        Some(Misfortune::CutBody) => respond(reply, true),
        Some(Misfortune::Malformed) => respond(halved(reply), false),
        Some(Misfortune::Oversized { bytes }) => respond(blown_up(reply, *bytes), false),
        _ => respond(reply, false),
    }
}

/// What is said in place of the system's answer, which then is not asked.
fn instead(system: &dyn System, struck: Option<&Misfortune>) -> Result<Option<Reply>, Cut> {
    Ok(match struck {
        Some(Misfortune::Cut) => return Err(Cut),
        Some(Misfortune::Throttle { retry_after }) => {
            let reply = system.error(429);
            Some(match retry_after {
                Some(wait) => reply.header("retry-after", wait),
                None => reply,
            })
        }
        Some(Misfortune::Error { status }) => Some(system.error(*status)),
        Some(Misfortune::ExpiredToken) => {
            let challenge =
                "Bearer error=\"invalid_token\", error_description=\"the token has ended\"";
            Some(system.error(401).header("www-authenticate", challenge))
        }
        Some(Misfortune::WrongType) => {
            let page = "<!doctype html><title>Sign in</title><p>Please sign in to the network.";
            Some(Reply::new(200).header("content-type", "text/html").with_body(page))
        }
        _ => None,
    })
}

async fn read(request: Request<Incoming>, scheme: &str) -> Option<Call> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let headers: Vec<(String, String)> = headers.collect();
    let body = http_body_util::Limited::new(body, LARGEST).collect().await.ok()?.to_bytes();
    let host = headers.iter().find(|(name, _)| name == "host");
    let origin = host.map(|(_, host)| format!("{scheme}://{host}")).unwrap_or_default();
    let call = Call { method: head.method.as_str().to_owned(), origin, ..Call::default() };
    let address = head.uri.path_and_query().map_or("/", |address| address.as_str());
    Some(Call { headers, body: body.to_vec(), ..call.at(address) })
}

fn respond(reply: Reply, cut: bool) -> Result<Response<Body>, Cut> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = match cut {
        false => whole(reply.body),
        true => {
            response = response.header("content-length", reply.body.len());
            half(reply.body)
        }
    };
    response.body(body).map_err(|_| Cut)
}

fn whole(body: Vec<u8>) -> Body {
    let never = |never: Infallible| match never {};
    http_body_util::Full::new(Bytes::from(body)).map_err(never).boxed_unsync()
}

/// Half of it, and then the connection is cut.
fn half(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let pieces = [Ok(Frame::data(Bytes::from(body))), Err(Cut)];
    StreamBody::new(Pieces(pieces.into_iter())).boxed_unsync()
}

struct Pieces(std::array::IntoIter<Result<Frame<Bytes>, Cut>, 2>);

impl futures_core::Stream for Pieces {
    type Item = Result<Frame<Bytes>, Cut>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

fn halved(mut reply: Reply) -> Reply {
    reply.body.truncate(reply.body.len() / 2);
    reply
}

/// White space at the end does no harm to JSON, but to whoever keeps it.
fn blown_up(mut reply: Reply, bytes: usize) -> Reply {
    reply.body.resize(reply.body.len() + bytes, b' ');
    reply
}
