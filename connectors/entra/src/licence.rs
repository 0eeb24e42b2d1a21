//! Licences of users: one row each, and how one is given.

use serde_json::{Value as Json, json};
use trueup_connector::{Change, Error, Kind, Operation, Result, Value};
use trueup_kit::{Request, encode};

/// A user's licences, one row each.
pub(crate) fn rows(user: &Json) -> Result<Vec<Json>> {
    let id = user.get("id").and_then(Json::as_str);
    let states = user.get("licenseAssignmentStates").and_then(Json::as_array);
    // Left out, they would be taken for none.
    let (Some(id), Some(states)) = (id, states) else {
        let message = "Graph gave a user without `id` or `licenseAssignmentStates`";
        return Err(Error::new(Kind::Protocol, message));
    };
    let row = |state: &Json| {
        let mut row = state.clone();
        if let Json::Object(members) = &mut row {
            members.insert("user_id".into(), json!(id));
        }
        row
    };
    Ok(states.iter().map(row).collect())
}

/// A licence of one user.
pub(crate) struct Given<'a> {
    pub(crate) user: &'a str,
    sku: &'a str,
    group: &'a str,
}

impl<'a> Given<'a> {
    pub(crate) fn of(change: &'a Change) -> Result<Self> {
        match change.key.as_slice() {
            [Value::Text(user), Value::Text(sku), Value::Text(group)] => {
                Ok(Self { user, sku, group })
            }
            _ => {
                let message = "a licence's key is three texts: user_id, sku_id, group_id";
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    /// What a group gives is changed at the group.
    pub(crate) fn check(&self) -> Result<()> {
        match self.group {
            "" => Ok(()),
            group => {
                let message = format!(
                    "the licence comes from the group `{group}`; change the group's members or its \
                     licences instead"
                );
                Err(Error::new(Kind::Unsupported, message))
            }
        }
    }

    /// Both lists are needed. A licence that is held is given again with other plans.
    pub(crate) fn request(&self, change: &Change) -> Result<Request> {
        let off = change.after.iter().find(|(name, _)| name == "disabled_plans");
        let off = match off.map(|(_, value)| value) {
            Some(Value::List(plans)) => plans.iter().map(Value::to_string).collect(),
            _ => Vec::new(),
        };
        let body = match change.operation {
            Operation::Delete => json!({"addLicenses": [], "removeLicenses": [self.sku]}),
            _ => json!({"addLicenses": [{"skuId": self.sku, "disabledPlans": off}],
                "removeLicenses": []}),
        };
        Request::post(format!("users/{}/assignLicense", encode(self.user))).json(&body)
    }
}
