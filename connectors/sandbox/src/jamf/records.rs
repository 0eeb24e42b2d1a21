//! What is there, and what was done to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::Jamf;
use super::xml::Element;
use crate::chance::Chance;
use crate::estate::{Device, Estate};

/// Everything but tokens, so that how it was can be kept.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) estate: Estate,
    pub(super) most: usize,
    pub(super) version: u8,
    pub(super) broken: BTreeSet<u64>,
    pub(super) asleep: bool,
    pub(super) forbidden: Vec<String>,
    pub(super) computers: Vec<u64>,
    pub(super) mobiles: Vec<u64>,
    /// What was told about devices, by identifier.
    pub(super) changed: BTreeMap<u64, Json>,
    pub(super) unmanaged: BTreeSet<u64>,
    pub(super) packages: BTreeMap<u64, Json>,
    pub(super) smart: BTreeMap<u64, Json>,
    pub(super) fixed: BTreeMap<u64, Fixed>,
    pub(super) policies: BTreeMap<u64, Element>,
    pub(super) prestages: BTreeMap<u64, Json>,
    pub(super) scopes: BTreeMap<u64, Scope>,
    pub(super) commands: Vec<Command>,
    made: u64,
}

/// A group of those who were put into it.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) members: BTreeSet<u64>,
}

/// The serial numbers of a PreStage, with a lock of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) serials: Vec<String>,
    pub(super) lock: u64,
}

/// A command to a device.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) uuid: String,
    pub(super) kind: String,
    pub(super) client: String,
    pub(super) device: u64,
    pub(super) done: bool,
    /// How often it was asked about.
    pub(super) looks: u32,
}

const MODELS: &[&str] = &["MacBook Pro (14-inch, M4)", "MacBook Air (M3)", "Mac mini (2024)"];
const VERSIONS: &[&str] = &["15.1", "15.0.1", "14.7.1"];

impl Records {
    pub(super) fn of(estate: Estate) -> Self {
        // One of four is a mobile device.
        let (mobiles, computers) = (1..=estate.size()).partition(|id| id % 4 == 0);
        let mut records = Self {
            estate,
            most: Jamf::PAGE,
            version: 4,
            broken: BTreeSet::new(),
            asleep: false,
            forbidden: Vec::new(),
            computers,
            mobiles,
            changed: BTreeMap::new(),
            unmanaged: BTreeSet::new(),
            packages: BTreeMap::new(),
            smart: BTreeMap::new(),
            fixed: BTreeMap::new(),
            policies: BTreeMap::new(),
            prestages: BTreeMap::new(),
            scopes: BTreeMap::new(),
            commands: Vec::new(),
            made: 0,
        };
        records.fill_packages();
        records.fill_groups();
        records
    }

    fn fill_packages(&mut self) {
        for number in 0..self.estate.apps() {
            let app = self.estate.app(number);
            let mut chance = Chance::of(number, 11, 0);
            let hash: String = (0..8).map(|_| format!("{:016x}", chance.next())).collect();
            let file = format!("{}-{}.pkg", app.name.replace(' ', ""), app.version);
            let package = json!({"packageName": format!("{} {}", app.name, app.version),
                "fileName": file, "categoryId": "-1", "priority": 10, "info": app.publisher,
                "notes": "", "hashType": "SHA3_512", "hashValue": hash, "sha3512": hash,
                "size": (1_048_576 + number).to_string(), "cloudTransferStatus": "READY"});
            let id = self.next();
            self.packages.insert(id, package);
        }
    }

    fn fill_groups(&mut self) {
        let criterion = |name: &str, how: &str, value: &str| {
            json!([{"name": name, "priority": 0, "andOr": "and", "searchType": how, "value": value,
                "openingParen": false, "closingParen": false}])
        };
        for (name, criteria) in [
            ("On macOS 15", criterion("Operating System Version", "like", "15.")),
            ("Mac mini", criterion("Model", "like", "Mac mini")),
        ] {
            let id = self.next();
            let group =
                json!({"name": name, "description": "", "criteria": criteria, "siteId": "-1"});
            self.smart.insert(id, group);
        }
        for (name, every) in [("Pilot", 3), ("Loaners", 5)] {
            let members = self.computers.iter().copied().filter(|id| id % every == 0).take(50);
            let fixed = Fixed {
                name: name.into(),
                description: format!("{name} computers"),
                members: members.collect(),
            };
            let id = self.next();
            self.fixed.insert(id, fixed);
        }
    }

    /// An identifier that was never used.
    pub(super) fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn device(&self, id: u64) -> Device {
        let mut device = self.estate.device(id.saturating_sub(1));
        let mut chance = Chance::of(id, 12, 0);
        if !id.is_multiple_of(4) {
            device.model = chance.pick(MODELS).to_owned();
        }
        device.version = chance.pick(VERSIONS).to_owned();
        device
    }

    /// The key of commands and declarations.
    pub(super) fn management_id(id: u64) -> String {
        Chance::of(id, 13, 0).guid()
    }

    /// The device behind such a key.
    pub(super) fn managed(&self, management: &str) -> Option<u64> {
        let mut all = self.computers.iter().chain(&self.mobiles).copied();
        all.find(|id| Self::management_id(*id) == management)
    }

    pub(super) fn computer_of_serial(&self, serial: &str) -> Option<u64> {
        self.computers.iter().copied().find(|id| self.device(*id).serial == serial)
    }

    /// Whether Apple's enrolment has it: every computer that is there, and what is still in its box.
    pub(super) fn is_enrolled(&self, serial: &str) -> bool {
        serial.starts_with("NEW") || self.computer_of_serial(serial).is_some()
    }

    pub(super) fn scope(&self, prestage: u64) -> Vec<String> {
        self.scopes.get(&prestage).map(|scope| scope.serials.clone()).unwrap_or_default()
    }

    pub(super) fn told(&self, id: u64) -> Json {
        self.changed.get(&id).cloned().unwrap_or_else(|| json!({}))
    }

    pub(super) fn dump(&self) -> String {
        let commands: Vec<_> =
            self.commands.iter().map(|command| (&command.uuid, &command.kind)).collect();
        format!(
            "{} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {commands:?}",
            self.computers.len(),
            self.mobiles.len(),
            self.changed,
            self.unmanaged,
            self.packages,
            self.smart,
            self.fixed,
            self.policies,
            self.prestages,
            self.scopes,
        )
    }
}
