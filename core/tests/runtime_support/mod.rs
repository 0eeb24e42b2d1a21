//! What the tests of the runtime share: a target that counts effects in a file of its own, plans for
//! it, and gates.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod scripted;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use trueup::guard::{Actor, Grant, Policy, Request, Standing};
use trueup::runtime::{Clock, PolicyGate, Store, SystemClock, Systems};
use trueup::{
    Authorised, Capability, Change, Connector, Context, Error, Field, FieldValue, Idempotency,
    Identity, Impact, Kind, LogicalType, Operation, Origin, Page, Plan, PlannedChange, Provenance,
    ReadRequest, Receipt, Resource, Result, Role, Schema, Side, Value, Writer, async_trait, record,
};

/// How the target is kept from doing things twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Key,
    Conditional,
    ReadBack,
    AtMostOnce,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] =
        [Self::Key, Self::Conditional, Self::ReadBack, Self::AtMostOnce];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Conditional => "conditional",
            Self::ReadBack => "read_back",
            Self::AtMostOnce => "at_most_once",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|mode| mode.name() == name).expect("a mode")
    }
}

/// A behaviour of the target for the record with this key, on its first sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// The call fails after the effect.
    ErrorAfter,
    /// The call fails before the effect.
    ErrorBefore,
    /// The effect takes place, and the receipt says pending.
    Pending,
    /// As pending, to be asked after in an hour.
    LongPending,
    /// The receipt says done, and nothing was done.
    Lies,
    /// The target says no, and to try again.
    Busy,
    /// The target says no, and to try again, after the effect.
    BusyAfter,
    /// The target says no for good.
    Refuses,
    /// One receipt is missing.
    Short,
    /// The connector panics after the effect.
    Panic,
    /// The receipt says that it is not known, after the effect.
    UnknownAfter,
}

/// A system whose records are what its effects made them, and whose effects stand in a file.
#[derive(Debug)]
pub(crate) struct Target {
    file: PathBuf,
    mode: Mode,
    quirks: BTreeMap<i64, Quirk>,
    seen: Mutex<BTreeMap<i64, u32>>,
    pub(crate) settle: Duration,
}

/// How many records the target has before anything is done: the ids are 0, 1, …
pub(crate) const RECORDS: i64 = 10;

impl Target {
    pub(crate) fn new(file: impl AsRef<Path>, mode: Mode) -> Self {
        let (quirks, seen) = (BTreeMap::new(), Mutex::default());
        let settle = Duration::from_millis(5);
        Self { file: file.as_ref().to_owned(), mode, quirks, seen, settle }
    }

    pub(crate) fn with_quirk(mut self, id: i64, quirk: Quirk) -> Self {
        self.quirks.insert(id, quirk);
        self
    }

    pub(crate) fn systems(self) -> (Arc<Self>, Systems) {
        let target = Arc::new(self);
        let systems = Systems::new().with(Side::Actual, Arc::new(Door(target.clone())));
        (target, systems)
    }

    /// The target as a connector.
    pub(crate) fn door(self: &Arc<Self>) -> Arc<dyn Connector> {
        Arc::new(Door(self.clone()))
    }

    /// Every effect there was, first to last: operation, id, value, key of the sending.
    pub(crate) fn effects(&self) -> Vec<[String; 4]> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.lines()
            .map(|line| {
                let mut parts = line.split('\t').map(str::to_owned);
                std::array::from_fn(|_| parts.next().expect("four parts"))
            })
            .collect()
    }

    /// Somebody else changes a record.
    pub(crate) fn meddle(&self, id: i64, value: &str) {
        self.effect("update", id, value, "someone-else");
    }

    pub(crate) fn records(&self) -> BTreeMap<i64, String> {
        let mut records: BTreeMap<i64, String> =
            (0..RECORDS).map(|id| (id, format!("old {id}"))).collect();
        for [operation, id, value, _] in self.effects() {
            let id = id.parse().expect("an id");
            match operation.as_str() {
                "delete" => records.remove(&id),
                _ => records.insert(id, value),
            };
        }
        records
    }

    fn effect(&self, operation: &str, id: i64, value: &str, key: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).expect("file");
        file.write_all(format!("{operation}\t{id}\t{value}\t{key}\n").as_bytes()).expect("effect");
    }

    fn holds(&self, change: &Change) -> bool {
        let records = self.records();
        let before =
            change.before.iter().find(|(name, _)| name == "value").map(|(_, v)| v.to_string());
        match change.operation {
            Operation::Create => !records.contains_key(&id_of(change)),
            _ => records.get(&id_of(change)) == before.as_ref(),
        }
    }

    /// Carries one change out, as the mode says; whether anything was done, or done before.
    fn carry_out(&self, change: &Change) -> Receipt {
        let key = change.idempotency_key.as_str();
        let again = self.mode == Mode::Key && self.effects().iter().any(|effect| effect[3] == key);
        if !again && self.mode == Mode::Conditional && !self.holds(change) {
            return Receipt::Stale;
        }
        if !again {
            let value = change.after.iter().find(|(name, _)| name == "value");
            let value = value.map_or_else(|| "-".to_owned(), |(_, value)| value.to_string());
            let operation = match change.operation {
                Operation::Create => "create",
                Operation::Delete => "delete",
                _ => "update",
            };
            self.effect(operation, id_of(change), &value, key);
        }
        Receipt::Done { id: Some(id_of(change).to_string()), version: None }
    }

    fn quirk(&self, id: i64) -> Option<Quirk> {
        let mut seen = self.seen.lock().expect("lock");
        let times = seen.entry(id).or_default();
        *times += 1;
        let quirk = self.quirks.get(&id).copied();
        quirk.filter(|quirk| *times == 1 || matches!(quirk, Quirk::Refuses))
    }

    /// A panic in a connector must not take the target's own lock with it.
    fn panics(&self) {
        panic!("the connector panics, as the test wants it");
    }
}

fn id_of(change: &Change) -> i64 {
    match change.key.first() {
        Some(Value::Int(id)) => i64::try_from(*id).expect("a small id"),
        other => panic!("{other:?} is no id"),
    }
}

/// What a run gets of a target.
#[derive(Debug)]
struct Door(Arc<Target>);

#[async_trait]
impl Writer for Door {
    fn idempotency(&self, _: &str, _: &Operation) -> Idempotency {
        match self.0.mode {
            Mode::Key => Idempotency::Key,
            Mode::Conditional => Idempotency::Conditional,
            Mode::ReadBack => Idempotency::ReadBack { settle: self.0.settle },
            Mode::AtMostOnce => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, _: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        let mut receipts = Vec::new();
        let lost = || Error::new(Kind::Unavailable, "the connection broke");
        for change in changes.changes() {
            let quirk = self.0.quirk(id_of(change));
            receipts.push(match quirk {
                Some(Quirk::ErrorBefore) => return Err(lost()),
                Some(Quirk::Busy) => Receipt::Failed(Error::new(Kind::Throttled, "too many calls")),
                Some(Quirk::Refuses) => Receipt::Failed(Error::new(Kind::Forbidden, "not allowed")),
                Some(Quirk::Lies) => Receipt::Done { id: None, version: None },
                _ => self.0.carry_out(change),
            });
            match quirk {
                Some(Quirk::ErrorAfter) => return Err(lost()),
                Some(Quirk::Short) => drop(receipts.pop()),
                Some(Quirk::Panic) => self.0.panics(),
                Some(Quirk::BusyAfter) => {
                    receipts.pop();
                    receipts.push(Receipt::Failed(Error::new(Kind::Throttled, "too many calls")));
                }
                Some(Quirk::UnknownAfter) => {
                    receipts.pop();
                    receipts.push(Receipt::Unknown(lost()));
                }
                Some(Quirk::Pending | Quirk::LongPending) => {
                    receipts.pop();
                    let long = quirk == Some(Quirk::LongPending);
                    let check_after = Duration::from_millis(if long { 3_600_000 } else { 5 });
                    receipts
                        .push(Receipt::Pending { handle: id_of(change).to_string(), check_after });
                }
                _ => {}
            }
        }
        Ok(receipts)
    }

    async fn status(&self, _: Context, handle: String) -> Result<Receipt> {
        Ok(Receipt::Done { id: Some(handle), version: None })
    }
}

#[async_trait]
impl Connector for Door {
    fn identity(&self) -> Identity {
        Identity::new("counted", self.0.file.display().to_string())
    }

    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn describe(&self, _: Context) -> Result<Vec<Resource>> {
        Ok(vec![Resource::new("items", schema())])
    }

    async fn check(&self, _: Context) -> Result<()> {
        Ok(())
    }

    async fn read_page(&self, _: Context, _: ReadRequest) -> Result<Page> {
        let records = self.0.records().into_iter();
        let rows: Vec<Vec<Value>> =
            records.map(|(id, value)| vec![Value::from(id), Value::from(value)]).collect();
        Ok(Page::new(record::batch_from_values(&schema(), &rows)?))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        Some(Arc::new(Self(self.0.clone())))
    }
}

pub(crate) fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", LogicalType::Int).with_role(Role::Key),
        Field::new("value", LogicalType::Text),
    ])
    .expect("a schema")
}

/// A plan on a reading of this name: even ids are updated, odd ones deleted, those beyond the
/// records are made; one wave for each `per_wave` changes.
pub(crate) fn plan(reading: &str, ids: impl IntoIterator<Item = i64>, per_wave: usize) -> Plan {
    let change = |(place, id): (usize, i64)| {
        let old = [FieldValue::new("value", format!("old {id}"))];
        let new = [FieldValue::new("value", format!("new {id}"))];
        let change = match id {
            id if id >= RECORDS => {
                PlannedChange::new(Side::Actual, Operation::Create).with_after([
                    FieldValue::new("id", id),
                    FieldValue::new("value", format!("new {id}")),
                ])
            }
            id if id % 2 == 1 => {
                PlannedChange::new(Side::Actual, Operation::Delete).with_before(old)
            }
            _ => {
                PlannedChange::new(Side::Actual, Operation::Update).with_before(old).with_after(new)
            }
        };
        let wave = u32::try_from(place / per_wave).expect("a wave");
        change.with_key([FieldValue::new("id", id)]).with_wave(wave)
    };
    let from = Provenance::read("counted", "items").with_read_id(reading);
    let changes = ids.into_iter().enumerate().map(change).collect();
    let impact = [Impact::new(Side::Actual, RECORDS.unsigned_abs())];
    Plan::propose(Origin::new("test", &from), impact, changes).expect("a plan")
}

/// What the target must hold once this plan is carried out.
pub(crate) fn wished(ids: impl IntoIterator<Item = i64>) -> BTreeMap<i64, String> {
    let mut records: BTreeMap<i64, String> =
        (0..RECORDS).map(|id| (id, format!("old {id}"))).collect();
    for id in ids {
        if id < RECORDS && id % 2 == 1 {
            records.remove(&id);
        } else {
            records.insert(id, format!("new {id}"));
        }
    }
    records
}

/// A policy that allows everything, with these lines in its one rule.
pub(crate) fn policy(lines: &str) -> Arc<Policy> {
    let text = format!(
        "version = 1\nname = \"test\"\nvalid = \"1h\"\nstale_share = \"100%\"\n\
         [[rule]]\nid = \"all\"\noutcome = \"allow\"\n{lines}\n"
    );
    Arc::new(Policy::from_toml(&text).expect("a policy"))
}

fn request() -> Request {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    Request::new(Actor::new("agent:test"), i64::try_from(now.as_millis()).expect("a moment"))
}

/// What grants a plan and lets it through.
pub(crate) fn gate(policy: &Arc<Policy>) -> Arc<PolicyGate> {
    Arc::new(PolicyGate::new(policy.clone(), request()))
}

/// Says yes to everything.
pub(crate) fn yes() -> Arc<PolicyGate> {
    gate(&policy(""))
}

/// Keeps a plan, and gets the grant of a policy that allows everything.
pub(crate) fn grant(store: &Store, plan: &Plan) -> Grant {
    grant_by(&policy(""), store, plan)
}

/// Keeps a plan, and gets this policy's grant.
pub(crate) fn grant_by(policy: &Policy, store: &Store, plan: &Plan) -> Grant {
    store.keep_plan(plan).expect("keep");
    let mut request = request();
    for limit in policy.usages(plan, request.now()) {
        request = request.with_used(limit.limit, 0);
    }
    let asked = policy.decide(plan, &request).asked().expect("not denied");
    match asked.standing(&[], request.now(), &|_, _, _, _| false) {
        Standing::Granted(grant) => grant,
        other => panic!("{other:?}"),
    }
}

/// The machine's clock, set so many milliseconds ahead or behind.
#[derive(Debug, Default)]
pub(crate) struct Shifted {
    system: SystemClock,
    ahead: AtomicI64,
}

impl Shifted {
    pub(crate) fn set(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Shifted {
    fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { self.system.now() - by } else { self.system.now() + by }
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        self.system.sleep(time).await;
    }
}
