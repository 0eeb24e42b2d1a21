//! The conformance suite over a connector of JavaScript.

use std::sync::Arc;

use napi_derive::napi;
use serde::Deserialize;
use serde_json::Value as Json;
use trueup::{Context, Error, Kind, Result};
use trueup_bindings::conform::{self, Made, Once, Truth};

use crate::host::{Answer, JsHost, Post};
use crate::wire;
use crate::work::Work;

/// What JavaScript says of a subject; the records come beside it, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    truth: Vec<String>,
    #[serde(default)]
    writes: Option<String>,
    #[serde(default)]
    breaks: bool,
    #[serde(default)]
    changes: bool,
}

/// Checks every promise; `post` is called with `make`, once a promise, and with `break` and `change`.
#[napi]
pub fn conformance(#[napi(ts_arg_type = "(call: Call) => void")] post: Post) -> napi::Result<Work> {
    let suite = Arc::new(JsHost::new(post));
    Work::start(move |context| {
        let checked = conform::check(context, |context| subject(&suite, context))?;
        conform::all_kept(&checked).map(|()| wire::text(checked.into_iter().collect::<Json>()))
    })
}

fn subject(suite: &Arc<JsHost>, context: &Context) -> Result<Made> {
    let mut answer = suite.call_blocking("make", String::new())?;
    let host = answer.host.take();
    let host = host.ok_or_else(|| Error::new(Kind::Invalid, "the subject has no `connector`"))?;
    let said: Said = wire::read(&answer.said, "the subject")?;
    let names = said.truth.into_iter().chain(said.writes.clone()).collect();
    let mut truth = resolve(names, answer, context)?;
    let writes = said.writes.and_then(|_| truth.pop());
    let (breaking, changing) = (suite.clone(), suite.clone());
    let later = context.clone();
    Ok(Made {
        connector: conform::open(host, context)?,
        truth,
        writes,
        breaking: said.breaks.then(|| -> Once<()> {
            Box::new(move || breaking.call_blocking("break", String::new()).map(drop))
        }),
        change: said.changes.then(|| -> Once<Truth> {
            Box::new(move || {
                let answer = changing.call_blocking("change", String::new())?;
                let said: Said = wire::read(&answer.said, "the new truth")?;
                resolve(said.truth, answer, &later)
            })
        }),
    })
}

fn resolve(names: Vec<String>, answer: Answer, context: &Context) -> Result<Truth> {
    let both = names.into_iter().zip(answer.records);
    both.map(|(name, given)| Ok((name, given.resolve(context)?))).collect()
}
