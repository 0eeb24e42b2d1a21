//! Assignments as Graph takes them.

use serde_json::{Value as Json, json};
use trueup_connector::{Change, Error, Kind, Result, Value};

const INTENTS: [&str; 4] = ["available", "required", "uninstall", "availableWithoutEnrollment"];

/// To whom an app is given: an assignment's key.
pub(crate) struct To<'a> {
    pub(crate) app: &'a str,
    target: &'a str,
    group: &'a str,
}

impl<'a> To<'a> {
    pub(crate) fn of(change: &'a Change) -> Result<Self> {
        match change.key.as_slice() {
            [Value::Text(app), Value::Text(target), Value::Text(group)] => {
                Ok(Self { app, target, group })
            }
            _ => {
                let message = "an assignment's key is three texts: app_id, target, group_id";
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    /// What Graph is told to make.
    pub(crate) fn body(&self, intent: &str) -> Json {
        let mut target = json!({"@odata.type": format!("#microsoft.graph.{}", self.target)});
        let member = match self.target {
            "configurationManagerCollectionAssignmentTarget" => "collectionId",
            _ => "groupId",
        };
        if let (Json::Object(members), false) = (&mut target, self.group.is_empty()) {
            members.insert(member.to_owned(), json!(self.group));
        }
        json!({"@odata.type": "#microsoft.graph.mobileAppAssignment", "intent": intent,
            "target": target, "settings": null})
    }

    pub(crate) fn check(&self) -> Result<()> {
        let all = ["allDevicesAssignmentTarget", "allLicensedUsersAssignmentTarget"];
        let message = match (all.contains(&self.target), self.group.is_empty()) {
            (true, false) => format!("`{}` takes no group_id; leave it empty", self.target),
            (false, true) => format!("`{}` needs a group_id", self.target),
            _ => return Ok(()),
        };
        Err(Error::new(Kind::Invalid, message))
    }
}

/// The intent that a change sets.
pub(crate) fn intent(change: &Change) -> Result<&str> {
    let set = change.after.iter().find(|(name, _)| name == "intent");
    match set.map(|(_, value)| value) {
        Some(Value::Text(intent)) if INTENTS.contains(&intent.as_str()) => Ok(intent),
        Some(other) => {
            let known = INTENTS.map(|intent| format!("`{intent}`")).join(", ");
            let message = format!("`{other}` is no intent; there are {known}");
            Err(Error::new(Kind::Invalid, message))
        }
        None => Err(Error::new(Kind::Invalid, "an assignment needs an `intent`")),
    }
}
