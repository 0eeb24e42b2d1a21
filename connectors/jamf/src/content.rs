//! Packages, and the files that they are of.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha3::{Digest, Sha3_512};
use trueup_connector::{
    Change, Context, Error, Kind as ErrorKind, Operation, Receipt, Result, Value,
};
use trueup_kit::{Client, Found, Request, Shape, encode};

use crate::config::JamfConfig;
use crate::model::hash;
use crate::policy::text as key;
use crate::prestage::lay;
use crate::reading::{self, PACKAGES};

/// An upload under way, as its handle says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    pub(crate) package: String,
    /// The hash that the package has when the server is done with it.
    pub(crate) sha3_512: String,
}

/// A file that was found to be what a change wants.
pub(crate) struct File {
    name: String,
    bytes: Vec<u8>,
    pub(crate) sha3_512: String,
}

/// Checks what the schema cannot say.
pub(crate) fn check(change: &Change, config: &JamfConfig) -> Result<()> {
    if let Some(Value::Int(priority)) = set(change, "priority")
        && !(1..=20).contains(priority)
    {
        return Err(invalid("`priority` is 1 to 20"));
    }
    let made = change.operation == Operation::Create;
    if made && !matches!(set(change, "file_name"), Some(Value::Text(_))) {
        return Err(invalid("a package needs a `file_name`"));
    }
    match set(change, "sha3_512") {
        Some(Value::Text(hash)) if !is_hash(hash) => {
            Err(invalid("`sha3_512` is 128 digits, in lower case"))
        }
        Some(Value::Text(_)) if config.content.is_none() => Err(invalid(
            "`sha3_512` asks for a file; name the folder with it in the setting `content`",
        )),
        _ => Ok(()),
    }
}

fn is_hash(hash: &str) -> bool {
    hash.len() == 128 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The file that a change wants uploaded; `None` where it wants none, or the package has it already.
pub(crate) async fn file(
    config: &JamfConfig,
    change: &Change,
    found: Option<&Found>,
) -> Result<Option<File>> {
    let now = |name: &str| {
        let found = found.and_then(|found| found.values.iter().find(|(known, _)| known == name));
        found.map(|(_, value)| value)
    };
    let there = matches!(now("sha3_512"), Some(Value::Text(_)));
    if there && set(change, "sha3_512").is_some_and(Value::is_null) {
        return Err(invalid("a package's file can be replaced, and not taken away"));
    }
    let (Some(Value::Text(wanted)), Some(folder)) = (set(change, "sha3_512"), &config.content)
    else {
        return Ok(None);
    };
    if now("sha3_512") == set(change, "sha3_512") {
        return Ok(None);
    }
    let Some(Value::Text(name)) = set(change, "file_name").or_else(|| now("file_name")) else {
        return Err(invalid("the package has no `file_name`"));
    };
    let bytes = taken(folder, name, config.max_upload_bytes).await?;
    let sha3_512: String = Sha3_512::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    if sha3_512 != *wanted {
        let message = format!("the file `{name}` is another one: its SHA3-512 is `{sha3_512}`");
        return Err(Error::new(ErrorKind::Data, message));
    }
    Ok(Some(File { name: name.clone(), bytes, sha3_512 }))
}

async fn taken(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>> {
    let plain = Path::new(name).file_name().is_some_and(|plain| plain == name);
    if !plain || name.contains(['"', '\r', '\n', '\\']) {
        return Err(invalid(&format!("`{name}` is no plain name of a file")));
    }
    let place = folder.join(name);
    let unread = |cause: std::io::Error| {
        Error::new(ErrorKind::NotFound, format!("the file `{name}` cannot be read: {cause}"))
            .with("content", folder.display())
    };
    let size = tokio::fs::metadata(&place).await.map_err(unread)?.len();
    if size > most {
        let message = format!("the file `{name}` has {size} bytes; raise `max_upload_bytes`");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    tokio::fs::read(&place).await.map_err(unread)
}

impl File {
    /// The call that uploads it (RFC 7578: one part, named `file`).
    pub(crate) fn request(&self, package: &str) -> Request {
        // The file is known by its hash, and so is no text within it.
        let boundary = format!("trueup-{}", self.sha3_512.get(..40).unwrap_or_default());
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             content-type: application/octet-stream\r\n\r\n",
            self.name
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let body = [head.as_bytes(), &self.bytes, tail.as_bytes()].concat();
        let mut request = Request::post(format!("{PACKAGES}/{}/upload", encode(package)));
        request.body = Some((format!("multipart/form-data; boundary={boundary}"), body));
        request
    }
}

/// The call that makes or changes what is said of a package; `None` where only its file changes.
pub(crate) async fn request(
    client: &Client,
    context: &Context,
    shape: &Shape,
    change: &Change,
    id: Option<&str>,
) -> Result<Option<Request>> {
    let told = told(shape, change)?;
    if change.operation == Operation::Create {
        let mut body = blank();
        lay(&mut body, &told);
        lay(&mut body, &json!({"packageName": key(change, 0)?}));
        return Request::post(PACKAGES).json(&body).map(Some);
    }
    let id = id.ok_or_else(|| Error::new(ErrorKind::Protocol, "the package came without an id"))?;
    let path = format!("{PACKAGES}/{}", encode(id));
    if change.operation == Operation::Delete {
        return Ok(Some(Request::delete(path)));
    }
    if told.as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(None);
    }
    let gone = || Error::new(ErrorKind::Conflict, "the package is gone; read again");
    let mut whole = reading::get(client, context, &path).await?.ok_or_else(gone)?;
    // What is not told may not be kept.
    lay(&mut whole, &told);
    Request::put(path).json(&whole).map(Some)
}

/// What is said of the package, without its file.
fn told(shape: &Shape, change: &Change) -> Result<Json> {
    let said = change.after.iter().filter(|(name, _)| name != "sha3_512" && name != "name");
    let none = |name: &str| if name == "category_id" { "-1".into() } else { "".into() };
    let said = said.map(|(name, value)| match value.is_null() {
        true => (name.clone(), none(name)),
        false => (name.clone(), value.clone()),
    });
    shape.json(&said.collect::<Vec<(String, Value)>>())
}

/// A new package with all that the server insists on.
fn blank() -> Json {
    json!({"packageName": "", "fileName": "", "categoryId": "-1", "priority": 10,
        "fillUserTemplate": false, "rebootRequired": false, "osInstall": false,
        "suppressUpdates": false, "suppressFromDock": false, "suppressEula": false,
        "suppressRegistration": false})
}

/// How far an upload is; `None` means not yet.
pub(crate) fn outcome(upload: &Upload, package: Option<&Json>) -> Option<Receipt> {
    let Some(package) = package else {
        let message = "the package was removed while its file was taken in";
        return Some(Receipt::Unknown(Error::new(ErrorKind::NotFound, message)));
    };
    let done = hash(package) == *upload.sha3_512;
    done.then(|| Receipt::Done { id: Some(upload.package.clone()), version: None })
}

fn set<'a>(change: &'a Change, name: &str) -> Option<&'a Value> {
    change.after.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
