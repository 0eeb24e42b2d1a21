//! What is there, and what was done to it.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};

use crate::chance::Chance;
use crate::estate::{App, Device, Estate};

/// What is there, and what was done to it.
#[derive(Debug)]
pub(in crate::graph) struct State {
    pub(super) estate: Estate,
    pub(super) devices: Vec<Managed>,
    pub(super) by_id: HashMap<String, usize>,
    pub(super) apps: Vec<App>,
    /// Assignments by app, in the order they were made.
    pub(super) assignments: BTreeMap<String, Vec<Assignment>>,
    made: u64,
}

/// A device, and what was asked of it.
#[derive(Debug)]
pub(super) struct Managed {
    pub(super) device: Device,
    /// Its number in the estate.
    pub(super) number: u64,
    pub(super) gone: bool,
    pub(super) state: &'static str,
    pub(super) notes: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) actions: Vec<Action>,
}

/// An action that was asked of a device.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) state: &'static str,
    /// How often the device was looked at since.
    pub(super) looks: u32,
}

/// To whom an app is given, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) id: String,
    pub(super) intent: String,
    /// `groupAssignmentTarget` and the like.
    pub(super) target: String,
    pub(super) group: Option<String>,
}

impl State {
    pub(in crate::graph) fn of(estate: Estate) -> Self {
        let managed = |number| Managed {
            device: estate.device(number),
            number,
            gone: false,
            state: "managed",
            notes: None,
            owner: None,
            actions: Vec::new(),
        };
        let devices: Vec<Managed> = (0..estate.size()).map(managed).collect();
        let ids = devices.iter().enumerate();
        let by_id = ids.map(|(at, managed)| (managed.device.id.clone(), at)).collect();
        let apps: Vec<App> = (0..estate.apps()).map(|number| estate.app(number)).collect();
        let assignments = BTreeMap::new();
        let mut state = Self { estate, devices, by_id, apps, assignments, made: 0 };
        state.assign_some();
        state
    }

    /// Every other app is given to a group or two.
    fn assign_some(&mut self) {
        for number in (0..self.estate.apps()).step_by(2) {
            let mut chance = Chance::of(7, 4, number);
            let app = self.estate.app(number).id;
            for _ in 0..=chance.below(2) {
                let intent = chance.pick(&["required", "available", "uninstall"]).to_owned();
                let group = Some(chance.guid());
                let target = "groupAssignmentTarget".to_owned();
                self.assign(&app, Assignment { id: String::new(), intent, target, group });
            }
        }
    }

    /// Adds an assignment; gives its identifier.
    pub(super) fn assign(&mut self, app: &str, mut assignment: Assignment) -> String {
        self.made += 1;
        let group = assignment.group.as_deref().unwrap_or("all");
        assignment.id = format!("{group}_{}_{}", assignment.intent.len() % 4, self.made);
        let id = assignment.id.clone();
        self.assignments.entry(app.to_owned()).or_default().push(assignment);
        id
    }

    pub(super) fn assigned(&self, app: &str) -> &[Assignment] {
        self.assignments.get(app).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn app(&self, id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }

    pub(super) fn device(&self, id: &str) -> Option<&Managed> {
        self.devices.get(*self.by_id.get(id)?).filter(|managed| !managed.gone)
    }

    pub(super) fn device_mut(&mut self, id: &str) -> Option<&mut Managed> {
        self.devices.get_mut(*self.by_id.get(id)?).filter(|managed| !managed.gone)
    }

    pub(in crate::graph) fn actions(&self, name: &str) -> usize {
        let actions = self.devices.iter().flat_map(|managed| &managed.actions);
        actions.filter(|action| action.name == name).count()
    }

    /// Every assignment, with the identifier of its app.
    pub(in crate::graph) fn all_assignments(&self) -> Vec<(String, Json)> {
        let all = self.assignments.iter();
        let each = all.flat_map(|(app, all)| all.iter().map(move |one| (app.clone(), one.json())));
        each.collect()
    }

    pub(in crate::graph) fn dump(&self) -> String {
        let asked = self.devices.iter().filter(|managed| !managed.actions.is_empty());
        let asked = asked.map(|m| (&m.device.id, m.actions.len())).collect::<Vec<_>>();
        let changed: Vec<_> =
            self.devices.iter().filter(|m| m.notes.is_some() || m.owner.is_some()).collect();
        format!("{asked:?} {changed:?} {:?}", self.assignments)
    }

    /// Whether an app is on a device, and how that went: the same every time.
    pub(super) fn installed(&self, app: u64, device: u64) -> Option<&'static str> {
        let mut chance = Chance::of(app, 5, device);
        match chance.below(100) {
            0..=2 => Some("failed"),
            3..=5 => Some("pendingInstall"),
            6..=30 => Some("installed"),
            _ => None,
        }
    }
}

impl Assignment {
    pub(super) fn json(&self) -> Json {
        let kind = format!("#microsoft.graph.{}", self.target);
        let mut target = json!({"@odata.type": kind});
        if let (Json::Object(members), Some(group)) = (&mut target, &self.group) {
            members.insert("groupId".into(), json!(group));
        }
        json!({"@odata.type": "#microsoft.graph.mobileAppAssignment", "id": self.id,
            "intent": self.intent, "target": target, "settings": null})
    }
}
