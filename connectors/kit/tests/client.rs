//! The client keeps its promises, against servers that do not.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use support::{Heard, client, context, manners, ok, secrets};
use trueup_connector::{Context, Kind, Retry};
use trueup_kit::{Auth, Delivery, Files, Manners, Rate, Request};
use trueup_sandbox::{Misfortune, Plan, Reply};

#[tokio::test]
async fn a_call_is_below_the_base_and_knows_its_caller() {
    let heard = Heard::start(|_| ok("{\"a\":1}")).await;
    let body: Json =
        heard.client().json(&context(), Request::get("x/y").query("q", "a b")).await.unwrap();
    assert_eq!(body["a"], 1);
    let call = &heard.calls()[0];
    assert_eq!((call.path.as_str(), call.parameter("q")), ("/api/x/y", Some("a b")));
    assert_eq!(call.header("authorization"), Some("Bearer open-sesame"));
    assert!(call.header("user-agent").unwrap().starts_with("trueup/"));
    assert_eq!(call.header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn basic_and_made_up_headers_are_sent() {
    let heard = Heard::start(|_| ok("{}")).await;
    let basic = Auth::Basic { user: "me".into(), secret: "api".into() };
    heard.client_with(basic, manners()).send(&context(), Request::get("x")).await.unwrap();
    let own = Auth::Header { name: "x-api-key".into(), secret: "api".into() };
    heard.client_with(own, manners()).send(&context(), Request::get("x")).await.unwrap();
    let calls = heard.calls();
    assert_eq!(calls[0].header("authorization"), Some("Basic bWU6b3Blbi1zZXNhbWU="));
    assert_eq!(calls[1].header("x-api-key"), Some("open-sesame"));
}

#[tokio::test]
async fn errors_show_method_and_path_and_no_secret() {
    // It says what it was sent.
    let echo = Heard::start(|call| {
        Reply::new(403).with_body(format!("you sent {}", call.header("authorization").unwrap()))
    });
    let echo = echo.await;
    let request = Request::get("users/1").query("key", "in-the-query");
    let error = echo.client().send(&context(), request).await.unwrap_err();
    let text = format!("{error:?}");
    assert_eq!(error.kind(), Kind::Forbidden);
    assert!(text.contains("`GET users/1` was refused: you sent ‹secret›"), "{text}");
    assert!(!text.contains("sesame") && !text.contains("in-the-query"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_its_address_not_shown() {
    let heard = Heard::start(|_| ok("{}")).await;
    let client = heard.client();
    drop(heard);
    let error = client.send(&context(), Request::get("x?key=hidden")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Unavailable, Retry::Backoff));
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}

#[tokio::test]
async fn redirects_never_carry_credentials_to_another_host() {
    let away = Heard::start(|_| ok("{}")).await;
    let there = format!("{}/elsewhere", away.server.base_url());
    let home = Heard::start(move |call| match call.path.as_str() {
        "/api/away" => Reply::new(302).header("location", &there),
        "/api/near" => Reply::new(307).header("location", "/api/here"),
        _ => ok("{}"),
    });
    let home = home.await;
    let client = home.client();
    let request = Request::get("away").header("x-vault-token", "mine");
    client.send(&context(), request).await.unwrap();
    assert_eq!(away.calls()[0].header("authorization"), None);
    assert_eq!(away.calls()[0].header("x-vault-token"), None);
    client.send(&context(), Request::get("near")).await.unwrap();
    assert_eq!(home.calls()[2].header("authorization"), Some("Bearer open-sesame"));
    let write = client.send(&context(), Request::post("away")).await;
    assert_eq!(write.unwrap_err().kind(), Kind::Protocol);
    assert_eq!(away.calls().len(), 1);
}

#[tokio::test]
async fn redirects_without_end_come_to_one() {
    let heard = Heard::start(|_| Reply::new(302).header("location", "/api/x")).await;
    let error = heard.client().send(&context(), Request::get("x")).await.unwrap_err();
    assert!(error.message().contains("without end"), "{error}");
}

#[tokio::test]
async fn addresses_on_other_hosts_are_refused_as_paths_and_fetched_without_credentials() {
    let away = Heard::start(|_| ok("taken away")).await;
    let home = Heard::start(|_| ok("{}")).await;
    let client = home.client();
    let url = format!("{}/x?sig=1", away.server.base_url());
    let error = client.send(&context(), Request::get(&url)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(away.calls().is_empty());
    let answer = client.download(&context(), &url).await.unwrap();
    assert_eq!(answer.body, b"taken away");
    assert_eq!(away.calls()[0].header("authorization"), None);
    let error = client.download(&context(), "http://192.0.2.1/x").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_bounded() {
    let packed = |size: usize| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b' '; size]).unwrap();
        packer.finish().unwrap()
    };
    let heard = Heard::start(move |call| {
        let size = if call.path.ends_with("large") { 2 << 20 } else { 10 };
        Reply::new(200).header("content-encoding", "gzip").with_body(packed(size))
    });
    let heard = heard.await;
    let mut endpoint = heard.endpoint();
    endpoint.max_answer_bytes = 1 << 20;
    let client = client(endpoint, manners(), Arc::new(secrets()));
    assert_eq!(client.send(&context(), Request::get("small")).await.unwrap().body.len(), 10);
    let error = client.send(&context(), Request::get("large")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
    assert_eq!(heard.calls().len(), 2, "what is too large is not asked for again");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_for_reads_only() {
    let faults = [
        Misfortune::Throttle { retry_after: Some("0".into()) },
        Misfortune::Error { status: 503 },
        Misfortune::Cut,
        Misfortune::CutBody,
        Misfortune::LostAnswer,
        Misfortune::Malformed,
        Misfortune::WrongType,
    ];
    for fault in faults {
        let throttled = matches!(fault, Misfortune::Throttle { .. });
        let plan = Plan::default().with(fault.clone()).during(0..2);
        let heard = Heard::with(|_| ok("{\"a\":1}"), plan).await;
        let body: Json = heard.client().json(&context(), Request::get("x")).await.unwrap();
        assert_eq!(body["a"], 1, "{fault:?}");
        let plan = Plan::default().with(fault.clone()).during(0..2);
        let heard = Heard::with(|_| ok("{}"), plan).await;
        drop(heard.client().deliver(&context(), &Request::post("x")).await);
        let asked = if throttled { 3 } else { 1 };
        assert_eq!(heard.server.calls(), asked, "{fault:?}");
    }
}

#[tokio::test]
async fn deliveries_say_whether_the_system_got_it() {
    let heard = Heard::with(|_| ok("{}"), Plan::default().with(Misfortune::LostAnswer)).await;
    let client = heard.client();
    let lost = client.deliver(&context(), &Request::post("x")).await;
    assert!(matches!(lost, Delivery::Lost(_)), "{lost:?}");
    assert_eq!(heard.calls().len(), 1);
    drop(heard);
    let unsent = client.deliver(&context(), &Request::post("x")).await;
    assert!(matches!(unsent, Delivery::NotSent(_)), "{unsent:?}");
}

#[tokio::test]
async fn a_wait_beyond_our_patience_is_an_error_that_says_how_long() {
    let heard = Heard::start(|_| Reply::new(429).header("retry-after", "120")).await;
    let error = heard.client().send(&context(), Request::get("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Throttled);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(120)));
    assert_eq!(heard.calls().len(), 1);
}

#[tokio::test]
async fn a_replaced_secret_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api");
    std::fs::write(&file, "old").unwrap();
    let replaced = file.clone();
    let heard = Heard::start(move |call| match call.header("authorization") {
        Some("Bearer new") => ok("{}"),
        _ => {
            std::fs::write(&replaced, "new").unwrap();
            Reply::new(401)
        }
    });
    let heard = heard.await;
    let endpoint = heard.endpoint().with_auth(Auth::Bearer { secret: "api".into() });
    let files = client(endpoint, manners(), Arc::new(Files::new(folder.path())));
    files.send(&context(), Request::post("x")).await.unwrap();
    assert_eq!(heard.calls().len(), 2);
}

#[tokio::test]
async fn a_refused_secret_is_not_tried_for_ever() {
    let heard = Heard::start(|_| Reply::new(401)).await;
    let error = heard.client().send(&context(), Request::get("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert_eq!(heard.calls().len(), 1, "the secret is the same, so it is not sent again");
}

#[tokio::test]
async fn calls_keep_to_the_rate() {
    let heard = Heard::start(|_| ok("{}")).await;
    let polite = Manners::default().with_concurrency(2).with_rate(Rate::new(2, 200));
    let client = heard.client_with(Auth::None, polite);
    let start = Instant::now();
    for _ in 0..5 {
        client.send(&context(), Request::get("x")).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_cancelled_call_is_not_sent() {
    let heard = Heard::start(|_| ok("{}")).await;
    let cancelled = Context::new();
    cancelled.cancel();
    let error = heard.client().send(&cancelled, Request::get("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
    assert!(heard.calls().is_empty());
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    let plan = Plan::default().with(Misfortune::Slow { delay_ms: 5_000 });
    let heard = Heard::with(|_| ok("{}"), plan).await;
    let mut endpoint = heard.endpoint();
    endpoint.timeout_ms = 50;
    let client = client(endpoint, manners().with_tries(1), Arc::new(secrets()));
    let error = client.send(&context(), Request::get("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.message().contains("no answer in time"), "{error}");
}

#[tokio::test]
async fn a_proxy_is_asked_and_knows_us() {
    let proxy = Heard::start(|_| ok("{\"by\":\"proxy\"}")).await;
    let mut endpoint = trueup_kit::Endpoint::new("http://localhost:9/api");
    endpoint.proxy = Some(trueup_kit::Proxy {
        url: proxy.server.base_url(),
        user: Some("me".into()),
        secret: Some("api".into()),
    });
    let client = client(endpoint, manners(), Arc::new(secrets()));
    let body: Json = client.json(&context(), Request::get("x")).await.unwrap();
    assert_eq!(body["by"], "proxy");
    let asked = &proxy.calls()[0];
    assert_eq!(asked.header("proxy-authorization"), Some("Basic bWU6b3Blbi1zZXNhbWU="));
}
