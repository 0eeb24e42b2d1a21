//! The resources, their versions, and who is in which group.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::schema::{ENTERPRISE, Kind};
use super::{Outcome, Refused};
use crate::estate::{Estate, Person};

/// The resources, their versions, and who is in which group.
#[derive(Debug, Default)]
pub(crate) struct Store {
    users: BTreeMap<String, Record>,
    groups: BTreeMap<String, Record>,
    /// Identifiers by login, in lower case.
    logins: HashMap<String, String>,
    /// Groups by member.
    memberships: HashMap<String, BTreeSet<String>>,
    made: u64,
}

#[derive(Debug)]
struct Record {
    resource: Map<String, Json>,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
}

impl Store {
    /// The people of an estate, and a group a department.
    pub(crate) fn of(estate: &Estate) -> Self {
        let mut store = Self::default();
        let mut departments: BTreeMap<String, Vec<Json>> = BTreeMap::new();
        for number in 0..estate.size() {
            let person = estate.person(number);
            let (id, department) = (person.id.clone(), person.department.clone());
            store.keep(Kind::User, &id, user(person));
            departments.entry(department).or_default().push(json!({"value": id, "type": "User"}));
        }
        for (name, members) in departments {
            store.made += 1;
            let id = format!("g{:07}", store.made);
            let group = Map::from_iter([
                ("displayName".to_owned(), json!(name)),
                ("externalId".to_owned(), json!(format!("department:{name}"))),
                ("members".to_owned(), Json::Array(members)),
            ]);
            store.keep(Kind::Group, &id, group);
        }
        store
    }

    pub(crate) fn dump(&self) -> String {
        let one = |(id, record): (&String, &Record)| {
            format!("{id} {} {}\n", record.version, Json::Object(record.resource.clone()))
        };
        self.users.iter().chain(&self.groups).map(one).collect()
    }

    pub(crate) fn ids(&self, kind: Kind) -> Vec<String> {
        self.of_kind(kind).keys().cloned().collect()
    }

    /// A resource as it is given, without its location.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<Json> {
        let record = self.of_kind(kind).get(id)?;
        let mut given = record.resource.clone();
        let mut schemas = vec![json!(kind.urn())];
        if given.contains_key(ENTERPRISE) {
            schemas.push(json!(ENTERPRISE));
        }
        given.insert("schemas".into(), Json::Array(schemas));
        given.insert("id".into(), json!(id));
        let meta = json!({"resourceType": kind.name(), "created": record.created.to_string(),
            "lastModified": record.modified.to_string(), "version": version(record.version)});
        given.insert("meta".into(), meta);
        if let Some(groups) = self.groups_of(kind, id) {
            given.insert("groups".into(), groups);
        }
        Some(Json::Object(given))
    }

    /// The resource as it was sent, for changing it.
    pub(crate) fn raw(&self, kind: Kind, id: &str) -> Option<Map<String, Json>> {
        self.of_kind(kind).get(id).map(|record| record.resource.clone())
    }

    pub(crate) fn version(&self, kind: Kind, id: &str) -> Option<String> {
        self.of_kind(kind).get(id).map(|record| version(record.version))
    }

    /// Makes a resource; gives its identifier.
    pub(crate) fn make(&mut self, kind: Kind, resource: Map<String, Json>) -> Outcome<String> {
        kind.check(&resource)?;
        self.check_login(kind, None, &resource)?;
        self.made += 1;
        let letter = if kind == Kind::User { 'u' } else { 'g' };
        let id = format!("{letter}{:07}", self.made);
        self.keep(kind, &id, resource);
        Ok(id)
    }

    /// Puts a resource in the place of what is there; the version stays where nothing changes.
    pub(crate) fn put(&mut self, kind: Kind, id: &str, resource: Map<String, Json>) -> Outcome<()> {
        kind.check(&resource)?;
        self.check_login(kind, Some(id), &resource)?;
        let record = self.of_kind(kind).get(id).ok_or_else(|| Refused::absent(id))?;
        if record.resource != resource {
            self.keep(kind, id, resource);
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, kind: Kind, id: &str) -> Outcome<()> {
        self.forget(kind, id);
        let all = match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        };
        all.remove(id).map(drop).ok_or_else(|| Refused::absent(id))
    }

    fn of_kind(&self, kind: Kind) -> &BTreeMap<String, Record> {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    fn check_login(
        &self,
        kind: Kind,
        id: Option<&str>,
        resource: &Map<String, Json>,
    ) -> Outcome<()> {
        let login = (kind == Kind::User).then(|| login(resource)).flatten();
        match login.and_then(|login| self.logins.get(&login)) {
            Some(other) if Some(other.as_str()) != id => Err(Refused::new(
                409,
                "uniqueness",
                "One or more of the attribute values are already in use",
            )),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, kind: Kind, id: &str, resource: Map<String, Json>) {
        self.forget(kind, id);
        match kind {
            Kind::User => {
                login(&resource).map(|login| self.logins.insert(login, id.to_owned()));
            }
            Kind::Group => {
                for member in members(&resource) {
                    self.memberships.entry(member).or_default().insert(id.to_owned());
                }
            }
        }
        let all = match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        };
        let now = Timestamp::now();
        let (created, version) = all.get(id).map_or((now, 1), |old| (old.created, old.version + 1));
        all.insert(id.to_owned(), Record { resource, version, created, modified: now });
    }

    /// Takes what is known by a resource's values out of the books.
    fn forget(&mut self, kind: Kind, id: &str) {
        let Some(old) = self.of_kind(kind).get(id).map(|record| record.resource.clone()) else {
            return;
        };
        match kind {
            Kind::User => drop(login(&old).map(|login| self.logins.remove(&login))),
            Kind::Group => {
                for member in members(&old) {
                    self.memberships.get_mut(&member).map(|groups| groups.remove(id));
                }
            }
        }
    }

    fn groups_of(&self, kind: Kind, id: &str) -> Option<Json> {
        let groups =
            self.memberships.get(id).filter(|groups| kind == Kind::User && !groups.is_empty())?;
        let one = |group: &String| {
            let name = self.groups.get(group).and_then(|record| record.resource.get("displayName"));
            json!({"value": group, "display": name, "type": "direct"})
        };
        Some(groups.iter().map(one).collect())
    }
}

fn version(number: u64) -> String {
    format!("W/\"{number}\"")
}

fn login(resource: &Map<String, Json>) -> Option<String> {
    resource.get("userName")?.as_str().map(str::to_lowercase)
}

fn members(group: &Map<String, Json>) -> Vec<String> {
    let members = group.get("members").and_then(Json::as_array).into_iter().flatten();
    members.filter_map(|member| Some(member.get("value")?.as_str()?.to_owned())).collect()
}

fn user(person: Person) -> Map<String, Json> {
    let full = format!("{} {}", person.given, person.family);
    Map::from_iter([
        ("userName".to_owned(), json!(person.login)),
        ("externalId".to_owned(), json!(person.employee)),
        ("displayName".to_owned(), json!(full)),
        ("name".to_owned(), json!({"givenName": person.given, "familyName": person.family})),
        ("active".to_owned(), json!(person.active)),
        ("emails".to_owned(), json!([{"type": "work", "value": person.login, "primary": true}])),
        (
            ENTERPRISE.to_owned(),
            json!({"employeeNumber": person.employee, "department": person.department}),
        ),
    ])
}
