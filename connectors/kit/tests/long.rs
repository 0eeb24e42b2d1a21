//! Many calls in one, work that goes on after the answer, and targets that are written.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use support::{Heard, context, ok};
use trueup_connector::{
    Change, Context, Error, Field, Kind, LogicalType, Operation, Receipt, Result, Role, Schema,
    Value, Writer, async_trait,
};
use trueup_kit::{Found, Request, Sent, Target, batch, operation};
use trueup_sandbox::Reply;
use trueup_testkit::conformance::apply_unguarded;

#[tokio::test]
async fn a_batch_is_answered_in_the_order_of_its_calls() {
    let asked = AtomicU32::new(0);
    let heard = Heard::start(move |call| {
        if !call.path.ends_with("$batch") {
            return ok("{\"again\":true}");
        }
        let body = call.json().unwrap();
        let one = |request: &Json| {
            let url = request["url"].as_str().unwrap();
            let status =
                if url == "/b" && asked.fetch_add(1, Ordering::Relaxed) == 0 { 429 } else { 200 };
            json!({"id": request["id"], "status": status, "headers": {"x-url": url},
                "body": {"url": url, "sent": request["body"]}})
        };
        let mut answers: Vec<Json> = body["requests"].as_array().unwrap().iter().map(one).collect();
        answers.reverse();
        Reply::json(200, &json!({"responses": answers}))
    });
    let heard = heard.await;
    let requests = [
        Request::get("a").query("q", "x y"),
        Request::get("b"),
        Request::post("c").json(&json!({"k": 1})).unwrap(),
    ];
    let answers = batch::send(&heard.client(), &context(), "$batch", 2, &requests).await.unwrap();
    let bodies: Vec<Json> = answers.iter().map(|answer| answer.json().unwrap()).collect();
    assert_eq!(bodies[0]["url"], "/a?q=x+y");
    assert_eq!(bodies[1]["again"], true, "what was throttled inside is asked for alone");
    assert_eq!(bodies[2]["sent"]["k"], 1);
    assert_eq!(answers[2].header("x-url"), Some("/c"));
    assert_eq!(heard.calls().len(), 3);
}

#[tokio::test]
async fn a_batch_that_leaves_a_call_out_is_an_error() {
    let heard = Heard::start(|_| ok("{\"responses\": []}")).await;
    let asked = batch::send(&heard.client(), &context(), "$batch", 20, &[Request::get("a")]).await;
    assert_eq!(asked.unwrap_err().kind(), Kind::Protocol);
}

fn judge(answer: &trueup_kit::Answer) -> Result<operation::Progress<String>> {
    let body: Json = answer.json()?;
    match body["state"].as_str() {
        Some("done") => Ok(operation::Progress::Done(body["url"].as_str().unwrap().to_owned())),
        Some("failed") => Err(Error::new(Kind::Unavailable, "the export failed")),
        _ => Ok(operation::Progress::Running),
    }
}

#[tokio::test]
async fn work_is_asked_about_until_it_is_done_or_takes_too_long() {
    let asked = AtomicU32::new(0);
    let heard = Heard::start(move |call| match call.path.as_str() {
        "/api/jobs/1" if asked.fetch_add(1, Ordering::Relaxed) >= 2 => {
            ok("{\"state\":\"done\",\"url\":\"there\"}")
        }
        "/api/jobs/2" => ok("{\"state\":\"failed\"}"),
        _ => ok("{\"state\":\"running\"}"),
    });
    let heard = heard.await;
    let patience = operation::Patience::new(Duration::from_millis(2), Duration::from_millis(60));
    let wait = async |path: &str| {
        operation::wait(&heard.client(), &context(), &Request::get(path), patience, judge).await
    };
    assert_eq!(wait("jobs/1").await.unwrap(), "there");
    assert_eq!(wait("jobs/2").await.unwrap_err().kind(), Kind::Unavailable);
    let error = wait("jobs/3").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
    assert!(error.message().contains("ask again later"), "{error}");
}

type Says = fn(Error) -> Sent;

/// One record that is there or not; `says` is what it says to being written, and whether it did it.
#[derive(Debug)]
struct One {
    value: Mutex<Option<i64>>,
    says: Says,
    does: bool,
}

#[async_trait]
impl Target for One {
    fn schema(&self, resource: &str) -> Result<Schema> {
        match resource {
            "r" => Schema::new([
                Field::new("k", LogicalType::Text).with_role(Role::Key),
                Field::new("n", LogicalType::Int).writable(),
                Field::new("fixed", LogicalType::Int),
            ]),
            _ => Err(Error::new(Kind::NotFound, format!("there is no `{resource}`"))),
        }
    }

    fn check(&self, _: &Change) -> Result<()> {
        Ok(())
    }

    async fn find(&self, _: &Context, change: &Change) -> Result<Option<Found>> {
        let value = *self.value.lock().unwrap();
        let schema = self.schema("r")?;
        let row = |n: i64| vec![change.key[0].clone(), Value::from(n), Value::Null];
        Ok(value.map(|n| Found::new(&schema, row(n))))
    }

    async fn send(&self, _: &Context, change: &Change, _: Option<&Found>) -> Sent {
        if self.does {
            let after = change.after.iter().find(|(name, _)| name == "n");
            *self.value.lock().unwrap() = match after {
                Some((_, Value::Int(n))) => i64::try_from(*n).ok(),
                _ => None,
            };
        }
        (self.says)(Error::new(Kind::Unavailable, "gone"))
    }
}

#[derive(Debug)]
struct Wrapped(One);

#[async_trait]
impl Writer for Wrapped {
    fn idempotency(&self, _: &str, _: &Operation) -> trueup_connector::Idempotency {
        trueup_connector::Idempotency::AtMostOnce
    }

    async fn apply(
        &self,
        context: Context,
        changes: trueup_connector::Authorised,
    ) -> Result<Vec<Receipt>> {
        Ok(trueup_kit::apply(&self.0, &context, &changes).await)
    }

    async fn status(&self, _: Context, _: String) -> Result<Receipt> {
        Err(Error::new(Kind::NotFound, "none"))
    }
}

fn change(operation: Operation, before: Option<i64>, after: Option<i64>) -> Change {
    let mut change = Change::new("r", operation, vec![Value::from("a")]);
    let field = |n: i64| ("n".to_owned(), Value::from(n));
    change.before = before.map(field).into_iter().collect();
    change.after = after.map(field).into_iter().collect();
    change
}

async fn receipt(value: Option<i64>, says: Says, does: bool, change: Change) -> String {
    let writer = Wrapped(One { value: Mutex::new(value), says, does });
    let mut receipts = apply_unguarded(&writer, Context::new(), vec![change]).await.unwrap();
    let text = format!("{:?}", receipts.pop().unwrap());
    text.split([' ', '(']).next().unwrap().to_owned()
}

#[tokio::test]
async fn what_became_of_a_change_is_looked_at() {
    use Operation::{Create, Delete, Update};
    let [done, lost, stale, failed]: [Says; 4] =
        [|_| Sent::Done, Sent::Lost, |_| Sent::Stale, Sent::Failed];
    let update = || change(Update, Some(1), Some(2));
    for (value, says, does, change, wanted) in [
        (Some(1), done, true, update(), "Done"),
        (Some(1), done, false, update(), "Unknown"),
        (Some(1), lost, true, update(), "Done"),
        (Some(1), lost, false, update(), "Unknown"),
        (Some(1), stale, true, update(), "Done"),
        (Some(1), stale, false, update(), "Stale"),
        (Some(1), failed, false, update(), "Failed"),
        (Some(1), Sent::NotSent, false, update(), "Refused"),
        (Some(2), failed, false, update(), "Done"),
        (Some(3), failed, false, update(), "Stale"),
        (None, failed, false, update(), "Stale"),
        (None, lost, true, change(Create, None, Some(5)), "Done"),
        (Some(4), failed, false, change(Create, None, Some(5)), "Stale"),
        (Some(1), done, true, change(Delete, Some(1), None), "Done"),
        (None, failed, false, change(Delete, Some(1), None), "Done"),
    ] {
        let shown = format!("{value:?} {change:?} does: {does}");
        assert_eq!(receipt(value, says, does, change).await, wanted, "{shown}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_sent() {
    let set = |name: &str, value: Value| {
        let mut change = change(Operation::Update, Some(1), None);
        change.after = vec![(name.to_owned(), value)];
        change
    };
    let mut elsewhere = change(Operation::Update, None, Some(1));
    elsewhere.resource = "s".into();
    let mut nameless = change(Operation::Update, None, Some(1));
    nameless.key = vec![Value::Null];
    let mut twice = change(Operation::Update, None, Some(1));
    twice.after.push(("n".into(), Value::from(2)));
    for change in [
        set("m", Value::from(1)),
        set("fixed", Value::from(1)),
        set("n", Value::from("x")),
        set("n", Value::Int(i128::from(u64::MAX))),
        set("k", Value::from("b")),
        elsewhere,
        nameless,
        twice,
    ] {
        let shown = format!("{change:?}");
        assert_eq!(receipt(Some(1), |_| Sent::Done, true, change).await, "Refused", "{shown}");
    }
}
