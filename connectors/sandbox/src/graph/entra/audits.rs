//! The audit log: one entry a write.

use serde_json::{Value as Json, json};

use super::super::odata::{Sizes, sized};
use super::super::refused::Outcome;
use super::directory::{Directory, now, seen_name};
use super::filter::Filter;
use super::seed::members;
use super::table::Kind;
use crate::chance::Chance;
use crate::http::Call;

/// What was done to what.
pub(super) struct Deed<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) id: &'a str,
    /// Properties with their new values.
    pub(super) set: Vec<(String, Json)>,
}

impl Directory {
    /// Puts a deed into the log.
    pub(super) fn log(&mut self, deed: &Deed<'_>) {
        let mut chance = Chance::of(7, 13, self.moment);
        let category = match deed.kind {
            Kind::User => "UserManagement",
            Kind::Group => "GroupManagement",
            Kind::Device => "Device",
        };
        let operation = deed.name.split(' ').next().unwrap_or_default();
        let set = deed.set.iter().filter(|(name, _)| name != "passwordProfile");
        let set = set.map(|(name, value)| {
            // Values are texts that hold JSON.
            json!({"displayName": name, "oldValue": null, "newValue": json!([value]).to_string()})
        });
        let target = json!({"id": deed.id, "displayName": seen_name(self, deed.kind, deed.id),
            "type": words(deed.kind), "userPrincipalName": null,
            "modifiedProperties": set.collect::<Vec<_>>()});
        let app = json!({"appId": super::super::Graph::CLIENT, "displayName": "sandbox",
            "servicePrincipalId": null, "servicePrincipalName": null});
        self.audits.push(json!({
            "id": format!("Directory_{}_{}", chance.guid(), self.moment),
            "activityDateTime": now(), "activityDisplayName": deed.name, "category": category,
            "correlationId": chance.guid(), "loggedByService": "Core Directory",
            "operationType": operation, "result": "success", "resultReason": "",
            "initiatedBy": {"user": null, "app": app}, "targetResources": [target],
            "additionalDetails": [],
        }));
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
        Kind::Device => "Device",
    }
}

/// The log, newest first, as it is asked for.
pub(super) fn list(directory: &Directory, call: &Call) -> Outcome<Json> {
    let filter = call.parameter("$filter").map(Filter::parse).transpose()?;
    let holds = |entry: &&Json| {
        filter.as_ref().is_none_or(|filter| filter.holds(&members((*entry).clone())))
    };
    let found: Vec<&Json> = directory.audits.iter().rev().filter(holds).collect();
    let record = |at: usize| found.get(at).map(|entry| (*entry).clone()).unwrap_or_default();
    let sizes = Sizes { usual: 1000, most: 1000 };
    sized(call, "auditLogs/directoryAudits", found.len(), sizes, record)
}
