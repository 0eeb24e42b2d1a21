//! What is there.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};

use super::super::refused::{Outcome, Refused, text};
use super::crowd::Crowd;
use super::seed;
use super::table::{Kind, Life, Members, Table, guid_of, number_of};
use crate::chance::Chance;
use crate::estate::Estate;

/// A kind of licence that the tenant has.
#[derive(Clone, Debug)]
pub(super) struct Sku {
    pub(super) id: String,
    pub(super) part: &'static str,
    pub(super) plans: Vec<(String, &'static str)>,
    pub(super) enabled: usize,
    /// How many users have it in their own name.
    pub(super) direct: usize,
}

/// The directory of a tenant.
#[derive(Debug)]
pub(in crate::graph) struct Directory {
    pub(super) estate: Estate,
    pub(super) users: Table,
    pub(super) groups: Table,
    pub(super) devices: Table,
    pub(super) members: BTreeMap<usize, Crowd>,
    pub(super) owners: BTreeMap<usize, Crowd>,
    /// By the names under which users log in, in lower case.
    pub(super) logins: HashMap<String, usize>,
    pub(super) skus: Vec<Sku>,
    /// Licences in a user's own name, where they are not those of the estate: sku and plans off.
    pub(super) licences: HashMap<usize, BTreeMap<String, Vec<String>>>,
    pub(super) audits: Vec<Json>,
    /// Counts what is written.
    pub(super) moment: u64,
    /// Deltas from before this are no longer known.
    pub(super) oldest: u64,
    /// How many reads it takes until what was written is seen.
    pub(in crate::graph) lag: u32,
    /// How many writes are refused because others meet them.
    pub(in crate::graph) meetings: u32,
}

impl Directory {
    /// The directory of this estate.
    pub(in crate::graph) fn of(estate: Estate) -> Self {
        let users = Table::of(Kind::User, estate);
        let devices = Table::of(Kind::Device, estate);
        let logins = (0..estate.size()).map(|number| estate.person(number).login.to_lowercase());
        let logins = logins.enumerate().map(|(at, login)| (login, at)).collect();
        let mut directory = Self {
            estate,
            users,
            groups: Table::empty(Kind::Group, estate),
            devices,
            members: BTreeMap::new(),
            owners: BTreeMap::new(),
            logins,
            skus: skus(&estate),
            licences: HashMap::new(),
            audits: Vec::new(),
            moment: 0,
            oldest: 0,
            lag: 0,
            meetings: 0,
        };
        directory.found_groups();
        directory
    }

    fn found_groups(&mut self) {
        for (at, (said, people, inner)) in seed::groups(&self.estate).into_iter().enumerate() {
            let id = seed::id(Kind::Group, &self.estate, u64::try_from(at).unwrap_or(0));
            self.groups.make(seed::group(&id, seed::members(said)), 0, 0);
            let people = people.into_iter().map(|number| self.estate.person(number).id);
            let inner = inner.into_iter().map(|at| text_of(&self.groups.json(at), "id"));
            let ids = people.chain(inner).filter_map(|id| number_of(&id)).collect();
            self.members.insert(at, Crowd::of(ids));
            self.owners.insert(at, Crowd::default());
        }
    }

    /// Makes a group.
    pub(in crate::graph) fn found_group(&mut self, name: &str) {
        let moment = self.next();
        let said = json!({"displayName": name, "mailNickname": name});
        let group = seed::group(&self.fresh_id(), seed::members(said));
        self.groups.make(group, moment, 0);
    }

    /// Gives a user another login.
    pub(in crate::graph) fn rename_user(&mut self, id: &str, login: &str) {
        let Some(at) = self.users.at(id) else { return };
        let before = text_of(&self.users.json(at), "userPrincipalName").to_lowercase();
        self.logins.remove(&before);
        self.logins.insert(login.to_lowercase(), at);
        let moment = self.next();
        self.users.set(at, seed::members(json!({"userPrincipalName": login})), moment, 0);
    }

    /// The plans of a licence.
    pub(in crate::graph) fn plans(&self, sku: &str) -> Vec<String> {
        let plans = self.skus.iter().filter(|known| known.id == sku).flat_map(|sku| &sku.plans);
        plans.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
            Kind::Device => &self.devices,
        }
    }

    pub(super) fn table_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
            Kind::Device => &mut self.devices,
        }
    }

    /// Where an object that readers see is, whatever its kind.
    pub(super) fn find(&self, id: &str) -> Option<(Kind, usize)> {
        let kinds = [Kind::User, Kind::Group, Kind::Device];
        let found = kinds.into_iter().find_map(|kind| Some((kind, self.table(kind).at(id)?)));
        found.filter(|(kind, at)| self.table(*kind).is_seen(*at))
    }

    /// The place of an object of a kind that readers see; a user also by login.
    pub(super) fn place(&self, kind: Kind, name: &str) -> Outcome<usize> {
        let by_login = || self.logins.get(&name.to_lowercase()).filter(|_| kind == Kind::User);
        let at = self.table(kind).at(name).or_else(|| by_login().copied());
        at.filter(|at| self.table(kind).is_seen(*at)).ok_or_else(|| Refused::missing(name))
    }

    /// The identifier of a user, who may be named by login.
    pub(in crate::graph) fn user_id(&self, name: &str) -> Outcome<String> {
        let at = self.place(Kind::User, name)?;
        Ok(text_of(&self.users.json(at), "id"))
    }

    /// A moment for something that is written now.
    pub(super) fn next(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// An identifier that nothing has.
    pub(super) fn fresh_id(&self) -> String {
        Chance::of(self.estate.size(), 11, self.moment).guid()
    }

    /// Somebody reads.
    pub(super) fn tick(&mut self) {
        [Kind::User, Kind::Group, Kind::Device].into_iter().for_each(|k| self.table_mut(k).tick());
    }

    /// Deltas from before now have to start anew.
    pub(in crate::graph) fn forget(&mut self) {
        self.oldest = self.next();
    }

    pub(in crate::graph) fn dump(&self) -> String {
        let kinds = [Kind::User, Kind::Group, Kind::Device].into_iter();
        let changed = kinds.flat_map(|kind| {
            self.table(kind).all_changed().map(|(_, c)| (&c.json, c.life, c.last))
        });
        format!("{} {:?} {:?}", self.moment, changed.collect::<Vec<_>>(), self.licences)
    }

    /// Everything of a kind that is there, whole.
    pub(in crate::graph) fn all(&self, kind: &str) -> Vec<Json> {
        let table = self.table(Kind::named(kind).unwrap_or(Kind::User));
        let there = (0..table.len()).filter(|at| table.life(*at) == Life::There);
        there.map(|at| Json::Object(table.json(at))).collect()
    }

    /// Every membership: group and member.
    pub(in crate::graph) fn memberships(&self) -> Vec<(String, String)> {
        let there = self.members.iter().filter(|(at, _)| self.groups.life(**at) == Life::There);
        let pairs = there.flat_map(|(at, crowd)| {
            let group = text_of(&self.groups.json(*at), "id");
            self.present(crowd).into_iter().map(move |(id, ..)| (group.clone(), guid_of(id)))
        });
        pairs.collect()
    }

    /// Those of a crowd who are there.
    pub(super) fn present(&self, crowd: &Crowd) -> Vec<(u128, Kind, usize)> {
        let found = crowd.list().iter().filter_map(|id| {
            let (kind, at) = self.find(&guid_of(*id))?;
            Some((*id, kind, at))
        });
        found.collect()
    }

    /// The groups that have this one as a member.
    pub(super) fn groups_of(&self, id: u128) -> Vec<usize> {
        let having = self.members.iter().filter(|(_, crowd)| crowd.has(id));
        having.map(|(at, _)| *at).filter(|at| self.groups.is_seen(*at)).collect()
    }
}

pub(super) fn text_of(members: &Members, name: &str) -> String {
    members.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Time as it is written everywhere: to the second.
pub(super) fn now() -> String {
    let now = jiff::Timestamp::now();
    let whole = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole.to_string()
}

fn skus(estate: &Estate) -> Vec<Sku> {
    let size = usize::try_from(estate.size()).unwrap_or(usize::MAX);
    let active = (0..estate.size()).filter(|number| estate.person(*number).active).count();
    let one = |number: u64, part, plans: &[&'static str], enabled, direct| {
        let mut chance = Chance::of(7, 12, number);
        let id = chance.guid();
        let plans = plans.iter().map(|name| (chance.guid(), *name)).collect();
        Sku { id, part, plans, enabled, direct }
    };
    vec![
        one(0, "SPE_E3", &["EXCHANGE_S_ENTERPRISE", "INTUNE_A", "TEAMS1"], size + 25, active),
        one(1, "VISIOCLIENT", &["VISIO_CLIENT_SUBSCRIPTION", "ONEDRIVE_BASIC"], 10, 0),
        one(2, "POWER_BI_STANDARD", &["BI_AZURE_P0"], 3, 0),
    ]
}

/// What a body says, as members.
pub(super) fn said(body: &Json) -> Outcome<Members> {
    match body {
        Json::Object(members) => Ok(members.clone()),
        _ => Err(Refused::request("Unexpected token: an object was expected.")),
    }
}

/// Whether an object has a text among the items of a list.
pub(super) fn lists(members: &Members, name: &str, wanted: &str) -> bool {
    let items = members.get(name).and_then(Json::as_array).into_iter().flatten();
    items.into_iter().any(|item| item == wanted)
}

/// The identifier at the end of an address.
pub(super) fn target_of(body: &Json) -> Outcome<String> {
    let address = match text(body, "@odata.id") {
        "" if body.as_object().is_none_or(serde_json::Map::is_empty) => {
            let message = "Unexpected 'EndOfInput' node found when reading the body.";
            return Err(Refused::request(message));
        }
        "" => {
            let message = "Write requests are only supported on contained entities";
            return Err(Refused::request(message));
        }
        address => address,
    };
    Ok(last_of(address))
}

pub(super) fn last_of(address: &str) -> String {
    address.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// A link's kind and words for the context of an answer.
pub(super) fn typed(kind: Kind, mut members: Members) -> Json {
    let name = json!(format!("#microsoft.graph.{}", kind.word()));
    members.insert("@odata.type".into(), name);
    Json::Object(members)
}

/// What an object is called.
pub(super) fn seen_name(directory: &Directory, kind: Kind, id: &str) -> Json {
    let table = directory.table(kind);
    let object = table.at(id).map(|at| table.json(at));
    object.and_then(|object| object.get("displayName").cloned()).unwrap_or_default()
}
