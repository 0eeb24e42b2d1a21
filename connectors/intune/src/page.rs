//! One page of a list, and what has to be asked for besides it.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use trueup_connector::{Context, Error, Kind as ErrorKind, Result};
use trueup_kit::graph::{self, At};
use trueup_kit::{Answer, Client, Place, Request, batch, encode};

use crate::model::{APPS, DEVICES, Kind};

/// The records of a page.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Json>,
    pub(crate) next: Option<Place>,
}

/// The most calls in one.
const BATCH: usize = 20;
/// The most rows of a report at once.
const REPORT: usize = 500;

/// Reads the records of the page that starts there.
pub(crate) async fn read(client: &Client, context: &Context, kind: Kind, at: &At) -> Result<Rows> {
    let (request, place) = (kind.list(at.top), at.place.as_ref());
    let page = graph::list(client, context, request, place, kind.name()).await?;
    let rows = match kind {
        Kind::Assignments => {
            page.entries.iter().map(assigned).collect::<Result<Vec<_>>>()?.concat()
        }
        Kind::States => states(client, context, &page.entries).await?,
        Kind::Installs => installs(client, context, &page.entries).await?,
        _ => page.entries,
    };
    Ok(Rows { rows, next: page.next })
}

/// One app's assignments, as they are now.
pub(crate) async fn assignments(
    client: &Client,
    context: &Context,
    app: &str,
) -> Result<Option<Vec<Json>>> {
    let request = Request::get(format!("{APPS}/{}/assignments", encode(app)));
    let all = graph::every(client, context, &request, Kind::Assignments.name()).await?;
    Ok(all.map(|all| all.iter().map(|entry| of(entry, "app_id", app)).collect()))
}

fn assigned(app: &Json) -> Result<Vec<Json>> {
    let id = id_of(app, Kind::Assignments)?;
    let entries = app.get("assignments").and_then(Json::as_array);
    // Left out, they would be taken for none.
    let entries = entries.ok_or_else(|| {
        let message = format!("Graph gave the app `{id}` without its assignments");
        Error::new(ErrorKind::Protocol, message)
    })?;
    Ok(entries.iter().map(|entry| of(entry, "app_id", id)).collect())
}

/// How devices stand to their policies, many devices a call.
async fn states(client: &Client, context: &Context, devices: &[Json]) -> Result<Vec<Json>> {
    let ids: Vec<&str> = devices.iter().map(|d| id_of(d, Kind::States)).collect::<Result<_>>()?;
    let path = |id: &&str| format!("{DEVICES}/{}/deviceCompliancePolicyStates", encode(id));
    let requests: Vec<Request> = ids.iter().map(|id| Request::get(path(id))).collect();
    let answers = batch::send(client, context, "$batch", BATCH, &requests).await?;
    let mut rows = Vec::new();
    for (id, answer) in ids.iter().zip(&answers) {
        // A device that has gone since the list was read has no states.
        if answer.status == 404 {
            continue;
        }
        if !answer.is_success() {
            return Err(client.refusal(answer));
        }
        let body: Json = answer.json()?;
        if body.get("@odata.nextLink").is_some() {
            let message = format!("the device `{id}` has more policies than a batch gives");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let entries = body.get("value").and_then(Json::as_array);
        let entries = entries.ok_or_else(|| no_list(Kind::States))?;
        rows.extend(entries.iter().map(|entry| of(entry, "device_id", id)));
    }
    Ok(rows)
}

async fn installs(client: &Client, context: &Context, apps: &[Json]) -> Result<Vec<Json>> {
    let mut rows = Vec::new();
    for app in apps {
        let id = id_of(app, Kind::Installs)?;
        let mut got = 0;
        loop {
            let report = report(client, context, id, got).await?;
            got += report.values.len();
            for values in &report.values {
                rows.push(of(&row(&report.columns, values)?, "app_id", id));
            }
            if got >= report.total {
                break;
            }
        }
    }
    Ok(rows)
}

struct Report {
    columns: Vec<String>,
    values: Vec<Vec<Json>>,
    total: usize,
}

async fn report(client: &Client, context: &Context, app: &str, skip: usize) -> Result<Report> {
    let body = json!({"select": [], "skip": skip, "top": REPORT, "orderBy": [], "search": "",
        "filter": format!("(ApplicationId eq '{app}')")});
    let path = "deviceManagement/reports/retrieveDeviceAppInstallationStatusReport";
    // It reads, though it is a POST: it may be sent again.
    let request = Request::post(path).json(&body)?.reading();
    client.read(context, request, |answer| Report::take(answer, skip)).await
}

impl Report {
    fn take(answer: &Answer, skip: usize) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body {
            total_row_count: usize,
            schema: Vec<Column>,
            values: Vec<Vec<Json>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Column {
            column: String,
        }
        let body: Body = answer.json()?;
        if body.values.is_empty() && skip < body.total_row_count {
            let message = "a page of a report has no rows, and the report says that there are more";
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        let columns = body.schema.into_iter().map(|column| column.column).collect();
        Ok(Self { columns, values: body.values, total: body.total_row_count })
    }
}

fn row(columns: &[String], values: &[Json]) -> Result<Json> {
    if columns.len() != values.len() {
        let message = "a row of a report has more or fewer values than there are columns";
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    Ok(columns.iter().cloned().zip(values.iter().cloned()).collect())
}

/// The same with the identifier of what it belongs to.
fn of(entry: &Json, name: &str, id: &str) -> Json {
    let mut entry = entry.clone();
    if let Json::Object(members) = &mut entry {
        members.insert(name.to_owned(), json!(id));
    }
    entry
}

fn id_of(json: &Json, kind: Kind) -> Result<&str> {
    json.get("id").and_then(Json::as_str).ok_or_else(|| {
        let message = format!("Graph gave an entry without `id` for {}", kind.name());
        Error::new(ErrorKind::Protocol, message)
    })
}

fn no_list(kind: Kind) -> Error {
    let message = format!("Graph's answer for {} has no list `value`", kind.name());
    Error::new(ErrorKind::Protocol, message)
}
