//! Many calls in one (OData JSON batch, OData JSON Format 4.01 §19, as Microsoft Graph has it).

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use trueup_connector::{Context, Error, Kind, Result};

use crate::answer::Answer;
use crate::client::Client;
use crate::request::Request;

/// Sends calls in batches of at most `most`, and gives their answers in the order of the calls.
///
/// Paths are below the base address, without `/` in front. Each answer has its own status: look at
/// each. Calls that read and were throttled inside of a batch are sent once more one by one, with
/// all the client's patience.
///
/// # Errors
/// Those of [`Client::send`] for a batch as a whole; `protocol` where a call has no answer.
pub async fn send(
    client: &Client,
    context: &Context,
    path: &str,
    most: usize,
    requests: &[Request],
) -> Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(requests.len());
    for some in requests.chunks(most.max(1)) {
        let mut given = one(client, context, path, some).await?;
        for (number, request) in some.iter().enumerate() {
            let answer = given.remove(&number.to_string()).ok_or_else(|| unanswered(request))?;
            let again = answer.status == 429 && request.is_safe();
            answers.push(if again { client.ask(context, request).await? } else { answer });
        }
    }
    Ok(answers)
}

async fn one(
    client: &Client,
    context: &Context,
    path: &str,
    requests: &[Request],
) -> Result<HashMap<String, Answer>> {
    let items = requests.iter().enumerate().map(|(number, request)| item(number, request));
    let body = json!({"requests": items.collect::<Result<Vec<_>>>()?});
    let answer = client.send(context, Request::post(path).json(&body)?).await?;
    let batch: Batch = answer.json()?;
    let known = |id: &str| requests.get(id.parse::<usize>().ok()?);
    let inner = batch.responses.into_iter().filter_map(|inner| {
        let call = known(&inner.id)?.to_string();
        Some((inner.id.clone(), inner.into_answer(call)))
    });
    Ok(inner.collect())
}

fn item(number: usize, request: &Request) -> Result<Json> {
    let mut url = format!("/{}", request.path.trim_start_matches('/'));
    if !request.query.is_empty() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&request.query);
        url = format!("{url}?{}", query.finish());
    }
    let mut headers: serde_json::Map<String, Json> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut item = json!({"id": number.to_string(), "method": request.method.as_str(), "url": url});
    if let Some((media, body)) = &request.body {
        headers.insert("Content-Type".into(), json!(media));
        let body: Json = serde_json::from_slice(body).map_err(|_| {
            Error::new(Kind::Invalid, format!("the body of `{request}` is no JSON; send it alone"))
        })?;
        insert(&mut item, "body", body);
    }
    insert(&mut item, "headers", Json::Object(headers));
    Ok(item)
}

fn insert(item: &mut Json, name: &str, value: Json) {
    if let Json::Object(members) = item {
        members.insert(name.to_owned(), value);
    }
}

#[derive(Deserialize)]
struct Batch {
    responses: Vec<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: Json,
}

impl Inner {
    fn into_answer(self, call: String) -> Answer {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        });
        let headers: HeaderMap = headers.collect();
        let body = match self.body {
            Json::Null => Vec::new(),
            // What is no JSON comes as text in base64.
            Json::String(text) => BASE64_STANDARD.decode(&text).unwrap_or_else(|_| text.into()),
            json => json.to_string().into_bytes(),
        };
        Answer::inner(call, self.status, headers, body)
    }
}

fn unanswered(request: &Request) -> Error {
    Error::new(Kind::Protocol, format!("the batch has no answer to `{request}`"))
}
