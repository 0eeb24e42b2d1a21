//! Writes of PreStages, which are locked by a version at every part.

use serde_json::{Value as Json, json};
use trueup_connector::{Change, Context, Error, Kind as ErrorKind, Operation, Result};
use trueup_kit::{Client, Found, Request, Shape, encode};

use crate::page::text;
use crate::policy::text as key;
use crate::reading::{self, PRESTAGES};

/// The call that makes a change of a PreStage.
///
/// # Errors
/// `conflict` where it is another version by now.
pub(crate) async fn request(
    client: &Client,
    context: &Context,
    shape: &Shape,
    change: &Change,
    found: Option<&Found>,
) -> Result<Request> {
    let told = shape.json(&not_null(change))?;
    if change.operation == Operation::Create {
        let mut body = blank();
        lay(&mut body, &told);
        lay(&mut body, &json!({"displayName": key(change, 0)?}));
        return Request::post(PRESTAGES).json(&body);
    }
    let id = found.and_then(|found| found.id.as_deref());
    let id =
        id.ok_or_else(|| Error::new(ErrorKind::Protocol, "the PreStage came without an id"))?;
    let path = format!("{PRESTAGES}/{}", encode(id));
    if change.operation == Operation::Delete {
        return Ok(Request::delete(path));
    }
    let gone = || Error::new(ErrorKind::Conflict, "the PreStage is gone; read again");
    let mut whole = reading::get(client, context, &path).await?.ok_or_else(gone)?;
    let lock = whole.get("versionLock").map(Json::to_string);
    if lock.as_deref() != found.and_then(|found| found.version.as_deref()) {
        return Err(Error::new(ErrorKind::Conflict, "the PreStage was changed; read again"));
    }
    // Every lock goes back as it was read; the server counts.
    lay(&mut whole, &told);
    Request::put(path).json(&whole)
}

/// What is to be null is empty text: the server knows no null there.
fn not_null(change: &Change) -> Vec<(String, trueup_connector::Value)> {
    let told = change.after.iter().map(|(name, value)| match value.is_null() {
        true => (name.clone(), "".into()),
        false => (name.clone(), value.clone()),
    });
    told.collect()
}

/// One serial number in the scope of a PreStage.
pub(crate) async fn find(
    client: &Client,
    context: &Context,
    change: &Change,
) -> Result<Option<Json>> {
    let (assigned, _) = scope(client, context, change).await?;
    let serial = key(change, 1)?;
    Ok(assigned.into_iter().find(|row| text(row, "serialNumber") == Some(serial)))
}

/// The call that adds or removes a serial number, under the lock of a scope where it is not there, or
/// is; `None` where nothing is left to do.
pub(crate) async fn scope_request(
    client: &Client,
    context: &Context,
    change: &Change,
) -> Result<Option<Request>> {
    let (assigned, lock) = scope(client, context, change).await?;
    let (prestage, serial) = (key(change, 0)?, key(change, 1)?);
    let there = assigned.iter().any(|row| text(row, "serialNumber") == Some(serial));
    let gone = change.operation == Operation::Delete;
    if there != gone {
        return Ok(None);
    }
    let path = format!("api/v2/computer-prestages/{}/scope", encode(prestage));
    let path = if gone { format!("{path}/delete-multiple") } else { path };
    let body = json!({"serialNumbers": [serial], "versionLock": lock});
    Request::post(path).json(&body).map(Some)
}

async fn scope(client: &Client, context: &Context, change: &Change) -> Result<(Vec<Json>, u64)> {
    let id = key(change, 0)?;
    let scope = reading::scope(client, context, id).await?;
    scope.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no PreStage `{id}`")))
}

/// A new PreStage with nothing decided that is not told.
fn blank() -> Json {
    let mut body = json!({
        "id": "-1", "versionLock": 0, "displayName": "", "supportPhoneNumber": "",
        "supportEmailAddress": "", "department": "", "mandatory": false, "mdmRemovable": true,
        "defaultPrestage": false, "enrollmentSiteId": "-1", "keepExistingSiteMembership": false,
        "keepExistingLocationInformation": false, "requireAuthentication": false,
        "authenticationPrompt": "", "preventActivationLock": false,
        "enableDeviceBasedActivationLock": false, "deviceEnrollmentProgramInstanceId": "-1",
    });
    let rest = json!({
        "autoAdvanceSetup": false, "installProfilesDuringSetup": false,
        "prestageInstalledProfileIds": [], "customPackageIds": [],
        "customPackageDistributionPointId": "-1", "skipSetupItems": {}, "language": "",
        "region": "", "anchorCertificates": [], "enrollmentCustomizationId": "0",
        "locationInformation": {"id": "-1", "versionLock": 0, "username": "", "realname": "",
            "phone": "", "email": "", "room": "", "position": "", "departmentId": "-1",
            "buildingId": "-1"},
        "purchasingInformation": {"id": "-1", "versionLock": 0, "leased": false,
            "purchased": true, "appleCareId": "", "poNumber": "", "vendor": "",
            "purchasePrice": "", "lifeExpectancy": 0, "purchasingAccount": "",
            "purchasingContact": "", "leaseDate": "1970-01-01", "poDate": "1970-01-01",
            "warrantyDate": "1970-01-01"},
        "accountSettings": {"id": "-1", "versionLock": 0},
    });
    lay(&mut body, &rest);
    body
}

/// Lays what is told over what is there.
pub(crate) fn lay(over: &mut Json, told: &Json) {
    match (over, told) {
        (Json::Object(members), Json::Object(told)) => {
            for (name, value) in told {
                lay(members.entry(name.clone()).or_insert(Json::Null), value);
            }
        }
        (over, told) => *over = told.clone(),
    }
}
