//! What the server says of itself (RFC 7643 §5 to §7).

use serde_json::{Value as Json, json};

use super::list::whole;
use super::schema::{DATA, ENTERPRISE, Kind};
use super::{Features, Outcome, Refused};

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

pub(crate) fn config(features: &Features, base: &str) -> Json {
    let mut pagination = json!({"cursor": features.cursors, "index": true,
        "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": features.most});
    if features.cursors {
        set(&mut pagination, "cursorTimeout", json!(3600));
    }
    json!({
        "schemas": [CONFIG],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": {"supported": features.patch},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": features.filters, "maxResults": features.most},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": features.etags},
        "pagination": pagination,
        "authenticationSchemes": [{"type": "oauthbearertoken", "name": "OAuth Bearer Token",
            "description": "A bearer token in the header", "primary": true}],
        "meta": {"resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig")},
    })
}

pub(crate) fn types(id: Option<&str>, base: &str) -> Outcome<Json> {
    let one = |kind: Kind| {
        let mut json = json!({
            "schemas": [TYPE], "id": kind.name(), "name": kind.name(),
            "endpoint": format!("/{}", kind.endpoint()), "schema": kind.urn(),
            "description": format!("{} account", kind.name()),
            "meta": {"resourceType": "ResourceType",
                "location": format!("{base}/ResourceTypes/{}", kind.name())},
        });
        if kind == Kind::User {
            set(&mut json, "schemaExtensions", json!([{"schema": ENTERPRISE, "required": false}]));
        }
        json
    };
    one_or_all(id, [Kind::User, Kind::Group].map(one).into())
}

pub(crate) fn schemas(id: Option<&str>, base: &str) -> Outcome<Json> {
    let mut schemas: Vec<Json> = serde_json::from_str(DATA).unwrap_or_default();
    for schema in &mut schemas {
        let location = format!(
            "{base}/Schemas/{}",
            schema.get("id").and_then(Json::as_str).unwrap_or_default()
        );
        set(schema, "schemas", json!([SCHEMA]));
        set(schema, "meta", json!({"resourceType": "Schema", "location": location}));
    }
    one_or_all(id, schemas)
}

fn one_or_all(id: Option<&str>, all: Vec<Json>) -> Outcome<Json> {
    match id {
        None => Ok(whole(all)),
        Some(id) => {
            let found =
                all.into_iter().find(|one| one.get("id").and_then(Json::as_str) == Some(id));
            found.ok_or_else(|| Refused::absent(id))
        }
    }
}

fn set(json: &mut Json, name: &str, value: Json) {
    if let Json::Object(members) = json {
        members.insert(name.to_owned(), value);
    }
}
