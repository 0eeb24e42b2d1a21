//! The store as hosts have it: a handle, questions and answers as plain data.
//!
//! Moments are milliseconds since the Unix epoch, digests hexadecimal digits. What needs a handle of
//! ours (a report, a plan, a key) is a method; everything else is a [`Question`], the same in every
//! language.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use trueup::audit::Checkpoint;
use trueup::guard::{Decision, Grant};
use trueup::runtime::{
    EvidenceFile, Forgotten, KeptGrant, KeptReview, LogEntry, Noted, Reading, StoreOptions,
    StoreSettings, Tracked,
};
use trueup::{Error, Kind, Plan, Report, Result, Snapshot, runtime};

use crate::approvals::hash;
use crate::evidence::verdict;
use crate::keys::{self, Key};
use crate::process::Origin;
use trueup::hex;

/// The store's handle. Every call blocks until its commit; clones share the file.
#[derive(Clone, Debug)]
pub struct Store {
    store: runtime::Store,
    origin: Origin,
}

/// How a store comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// A new file.
    Create,
    /// A file that is there.
    Open,
    /// Either.
    OpenOrCreate,
    /// No file: it ends with its last handle.
    InMemory,
}

/// What can be asked of a store in plain data: an object of one member, such as
/// `{"readings": {"tenant": "", "system": "mdm"}}`, or a name alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the method of the same name of `runtime::Store`")]
pub enum Question {
    Verify,
    Readings {
        #[serde(default)]
        tenant: String,
        system: String,
    },
    LastAgreed {
        #[serde(default)]
        tenant: String,
        name: String,
        resource: String,
    },
    Findings {
        #[serde(default)]
        tenant: String,
        name: String,
        resource: String,
    },
    Decisions {
        plan: String,
    },
    Answers {
        plan: String,
    },
    KeepAnswer {
        answer: Json,
    },
    Grant {
        grant: String,
    },
    Reviews,
    Review {
        grant: String,
        by: String,
    },
    Used {
        limit: String,
        since: i64,
    },
    Backup {
        to: PathBuf,
    },
    LogEntries {
        #[serde(default)]
        from: u64,
        #[serde(default = "most")]
        most: u32,
    },
    Checkpoints,
    VerifyLog {
        trust: Json,
        #[serde(default)]
        saved: Option<String>,
    },
    ForgetBefore {
        time: i64,
        by: String,
        reason: String,
    },
    ForgetPerson {
        person: String,
        by: String,
        reason: String,
    },
}

const fn most() -> u32 {
    1_000
}

impl Store {
    /// Makes or opens a store; `path` is not looked at for one in memory.
    ///
    /// # Errors
    /// As [`StoreOptions::create`] and [`StoreOptions::open`]; `invalid` for settings that are none.
    pub fn make(path: &Path, opening: Opening, settings: Json) -> Result<Self> {
        let settings: StoreSettings = serde_json::from_value(settings).map_err(|cause| {
            Error::new(Kind::Invalid, format!("the store's settings are wrong: {cause}"))
        })?;
        let options = StoreOptions::new().with_settings(settings);
        Ok(Self::of(match opening {
            Opening::Create => options.create(path),
            Opening::Open => options.open(path),
            Opening::OpenOrCreate => options.open_or_create(path),
            Opening::InMemory => options.in_memory(),
        }?))
    }

    /// Makes a store of a backup.
    ///
    /// # Errors
    /// As [`runtime::Store::restore`].
    pub fn restore(backup: &Path, to: &Path) -> Result<Self> {
        runtime::Store::restore(backup, to).map(Self::of)
    }

    /// The store itself.
    ///
    /// # Errors
    /// `unsupported` in a process that forked off since: locks and threads stayed behind.
    pub fn get(&self) -> Result<&runtime::Store> {
        self.origin.check("store").map(|()| &self.store)
    }

    /// Answers a question, or does what it says.
    ///
    /// # Errors
    /// `invalid` for a question that is none, naming what is wrong; those of the store's method.
    pub fn ask(&self, question: Json) -> Result<Json> {
        let store = self.get()?;
        let question: Question = serde_json::from_value(question).map_err(|cause| {
            Error::new(Kind::Invalid, format!("the question to the store is wrong: {cause}"))
        })?;
        match question {
            Question::Decisions { .. }
            | Question::Answers { .. }
            | Question::KeepAnswer { .. }
            | Question::Grant { .. }
            | Question::Reviews
            | Question::Review { .. }
            | Question::Used { .. } => permissions(store, question),
            Question::Readings { .. } | Question::LastAgreed { .. } | Question::Findings { .. } => {
                catalogue(store, question)
            }
            other => upkeep(store, other),
        }
    }

    /// Notes a reading.
    ///
    /// # Errors
    /// As [`runtime::Store::note_reading`].
    pub fn note_reading(&self, snapshot: &Snapshot) -> Result<()> {
        self.get()?.note_reading(snapshot)
    }

    /// Notes that both sides agree as this report says.
    ///
    /// # Errors
    /// As [`runtime::Store::note_agreed`].
    pub fn note_agreed(&self, report: &Report) -> Result<()> {
        self.get()?.note_agreed(report)
    }

    /// Follows the findings of a reconciliation to this report.
    ///
    /// # Errors
    /// As [`runtime::Store::follow`].
    pub fn follow(&self, report: &Report) -> Result<Json> {
        let followed = self.get()?.follow(report)?;
        let ids =
            |ids: &[trueup::FindingId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        Ok(json!({
            "opened": ids(&followed.opened),
            "changed": ids(&followed.changed),
            "resolved": ids(&followed.resolved),
            "unseen": ids(&followed.unseen),
            "unchanged": followed.unchanged,
            "suppressed": followed.suppressed,
        }))
    }

    /// Keeps an open finding out of sight until then.
    ///
    /// # Errors
    /// As [`runtime::Store::suppress`]; `invalid` for an id that is none.
    pub fn suppress(
        &self,
        report: &Report,
        finding: &str,
        owner: &str,
        reason: &str,
        until: i64,
    ) -> Result<()> {
        self.get()?.suppress(report, finding.parse()?, owner, reason, moment(until))
    }

    /// Ends a suppression before its time.
    ///
    /// # Errors
    /// As [`runtime::Store::unsuppress`]; `invalid` for an id that is none.
    pub fn unsuppress(&self, report: &Report, finding: &str, by: &str) -> Result<()> {
        self.get()?.unsuppress(report, finding.parse()?, by)
    }

    /// Keeps a plan.
    ///
    /// # Errors
    /// Those of the store.
    pub fn keep_plan(&self, plan: &Plan) -> Result<()> {
        self.get()?.keep_plan(plan)
    }

    /// A plan that was kept.
    ///
    /// # Errors
    /// As [`runtime::Store::plan`]; `invalid` for a digest that is none.
    pub fn plan(&self, digest: &str) -> Result<Plan> {
        self.get()?.plan(hash(digest)?)
    }

    /// Writes down what was decided about a plan that was kept.
    ///
    /// # Errors
    /// As [`runtime::Store::keep_decision`].
    pub fn keep_decision(&self, decision: &Decision) -> Result<()> {
        self.get()?.keep_decision(decision)
    }

    /// Writes down that a plan was granted.
    ///
    /// # Errors
    /// As [`runtime::Store::keep_grant`].
    pub fn keep_grant(&self, grant: &Grant) -> Result<()> {
        self.get()?.keep_grant(grant)
    }

    /// Signs the log's head: a note for somebody else to keep.
    ///
    /// # Errors
    /// As [`runtime::Store::checkpoint`].
    pub fn checkpoint(&self, key: &Key) -> Result<String> {
        self.get()?.checkpoint(key)
    }

    /// Makes the evidence pack of a run, with files of the host's: name, media type and bytes.
    ///
    /// # Errors
    /// As [`runtime::Store::evidence`].
    pub fn evidence(
        &self,
        run: &str,
        files: Vec<(String, String, Vec<u8>)>,
        key: &Key,
    ) -> Result<Vec<u8>> {
        let file =
            |(name, media, bytes): (String, String, Vec<u8>)| EvidenceFile::new(name, media, bytes);
        self.get()?.evidence(run, files.into_iter().map(file).collect(), key)
    }

    fn of(store: runtime::Store) -> Self {
        Self { store, origin: Origin::here() }
    }
}

fn catalogue(store: &runtime::Store, question: Question) -> Result<Json> {
    Ok(match question {
        Question::Readings { tenant, system } => {
            store.readings(&tenant, &system)?.iter().map(reading).collect()
        }
        Question::LastAgreed { tenant, name, resource } => {
            let agreed = store.last_agreed(&tenant, &name, &resource)?;
            agreed.map_or(Json::Null, |it| json!({"expected": it.expected, "actual": it.actual}))
        }
        Question::Findings { tenant, name, resource } => {
            store.findings(&tenant, &name, &resource)?.iter().map(tracked).collect()
        }
        other => return Err(misplaced(&other)),
    })
}

fn permissions(store: &runtime::Store, question: Question) -> Result<Json> {
    Ok(match question {
        Question::Decisions { plan } => store.decisions(hash(&plan)?)?.iter().map(noted).collect(),
        Question::Answers { plan } => store.answers(hash(&plan)?)?.iter().map(noted).collect(),
        Question::KeepAnswer { answer } => {
            let read = serde_json::from_value(answer).map_err(|cause| {
                Error::new(Kind::Invalid, format!("the answer is wrong: {cause}"))
            });
            store.keep_answer(&read?)?;
            Json::Null
        }
        Question::Grant { grant } => kept(&store.grant(&grant)?),
        Question::Reviews => store.reviews()?.iter().map(review).collect(),
        Question::Review { grant, by } => {
            store.review(&grant, &by)?;
            Json::Null
        }
        Question::Used { limit, since } => json!(store.used(&limit, moment(since))?),
        other => return Err(misplaced(&other)),
    })
}

fn upkeep(store: &runtime::Store, question: Question) -> Result<Json> {
    Ok(match question {
        Question::Verify => {
            let found = store.verify()?;
            json!({"entries": found.entries, "erased": found.erased, "root": hex(&found.root)})
        }
        Question::Backup { to } => {
            store.backup(to)?;
            Json::Null
        }
        Question::LogEntries { from, most } => {
            store.log_entries(from, most)?.iter().map(entry).collect::<Result<_>>()?
        }
        Question::Checkpoints => json!(store.checkpoints()?),
        Question::VerifyLog { trust, saved } => {
            let (trust, logs) = keys::trust(trust)?;
            let saved = saved.map(|note| Checkpoint::open(&note, &logs)).transpose()?;
            verdict(&store.verify_log(&trust, saved.as_ref())?)
        }
        Question::ForgetBefore { time, by, reason } => {
            forgotten(store.forget_before(moment(time), &by, &reason)?)
        }
        Question::ForgetPerson { person, by, reason } => {
            forgotten(store.forget_person(&person, &by, &reason)?)
        }
        other => return Err(misplaced(&other)),
    })
}

fn reading(reading: &Reading) -> Json {
    json!({
        "read_id": reading.read_id,
        "tenant": reading.tenant,
        "system": reading.system,
        "resource": reading.resource,
        "read_at": reading.read_at,
        "rows": reading.rows,
        "coverage": reading.coverage,
        "fields": reading.fields,
    })
}

fn tracked(finding: &Tracked) -> Json {
    let suppressed = finding.suppressed.as_ref().map(
        |(owner, reason, until)| json!({"owner": owner, "reason": reason, "until": millis(*until)}),
    );
    json!({
        "id": finding.id.to_string(),
        "state": hex(&finding.state),
        "opened_at": millis(finding.opened_at),
        "changed_at": millis(finding.changed_at),
        "resolved_at": finding.resolved_at.map(millis),
        "times_opened": finding.times_opened,
        "suppressed": suppressed,
    })
}

fn noted(noted: &Noted) -> Json {
    json!({"what": noted.what, "document": noted.document, "at": millis(noted.at)})
}

fn kept(grant: &KeptGrant) -> Json {
    json!({
        "id": grant.id,
        "plan": hex(&grant.plan),
        "expires": millis(grant.expires_at),
        "run": grant.run,
    })
}

fn review(review: &KeptReview) -> Json {
    let reviewed = review.reviewed.as_ref().map(|(by, at)| json!({"by": by, "at": millis(*at)}));
    json!({
        "grant": review.grant,
        "opening": hex(&review.opening),
        "plan": hex(&review.plan),
        "due": millis(review.due),
        "reviewed": reviewed,
    })
}

fn entry(found: &LogEntry) -> Result<Json> {
    let payload = found.entry.payload().map(serde_json::from_str::<Json>).transpose();
    let payload = payload.map_err(|cause| {
        Error::new(Kind::Data, format!("entry {} of the log is no JSON: {cause}", found.place))
    })?;
    Ok(json!({
        "place": found.place,
        "kind": found.entry.kind(),
        "at": found.entry.at(),
        "payload": payload,
        "erased": found.entry.is_erased(),
        "leaf": hex(&found.leaf),
    }))
}

fn forgotten(forgotten: Forgotten) -> Json {
    let Forgotten { entries, documents, records, .. } = forgotten;
    json!({"entries": entries, "documents": documents, "records": records})
}

fn misplaced(question: &Question) -> Error {
    Error::new(Kind::Internal, format!("the question `{question:?}` went to the wrong desk"))
}

fn moment(millis: i64) -> SystemTime {
    let span = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) };
    time.unwrap_or(UNIX_EPOCH)
}

fn millis(time: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -whole(before.duration()), whole)
}

#[cfg(test)]
mod tests {
    use trueup::Reconciliation;

    use super::*;

    #[test]
    fn a_store_is_asked_in_plain_data() {
        let store = Store::make(Path::new(""), Opening::InMemory, json!({})).unwrap();
        let rows = |json: Json| {
            Snapshot::from_json(&serde_json::from_value::<Vec<_>>(json).unwrap()).unwrap()
        };
        let (wish, state) =
            (rows(json!([{"id": 1, "os": "14"}])), rows(json!([{"id": 1, "os": "13"}])));
        let report = Reconciliation::new("fleet").with_key(["id"]).run(&wish, &state).unwrap();
        let id = store.follow(&report).unwrap()["opened"][0].as_str().unwrap().to_owned();
        store.suppress(&report, &id, "person:bo", "known", 32_503_680_000_000).unwrap();
        let found = store.ask(json!({"findings": {"name": "fleet", "resource": ""}})).unwrap();
        assert_eq!(
            (&found[0]["id"], &found[0]["suppressed"]["owner"]),
            (&json!(id), &json!("person:bo"))
        );
        store.unsuppress(&report, &id, "person:bo").unwrap();
        assert_eq!(
            store.ask(json!({"last_agreed": {"name": "fleet", "resource": ""}})).unwrap(),
            Json::Null
        );
        let entries = store.ask(json!({"log_entries": {}})).unwrap();
        assert_eq!(entries[0]["kind"], "drift.followed");
        let key = Key::generate("trueup.local/log").unwrap();
        let note = store.checkpoint(&key).unwrap();
        let trust = json!({"logs": [trueup::audit::Signer::verifier(&key).to_string()]});
        let verdict = store.ask(json!({"verify_log": {"trust": trust, "saved": note}})).unwrap();
        assert_eq!(
            (&verdict["holds"], verdict["anchored"].as_array().unwrap().len()),
            (&json!(true), 3)
        );
        let gone = json!({"forget_before": {"time": 32_503_680_000_000_i64, "by": "person:bo", "reason": "age"}});
        assert_eq!(store.ask(gone).unwrap()["entries"], 3);
        assert_eq!(store.ask(json!("verify")).unwrap()["erased"], 3);
    }

    #[test]
    fn a_question_that_is_none_says_what_is_wrong() {
        let store = Store::make(Path::new(""), Opening::InMemory, json!({})).unwrap();
        let wrong = |question| store.ask(question).unwrap_err();
        assert!(wrong(json!({"reedings": {}})).message().contains("`reedings`"));
        assert!(wrong(json!({"decisions": {"plan": "abc"}})).message().contains("`abc`"));
        assert_eq!(wrong(json!({"grant": {"grant": "x"}})).kind(), Kind::NotFound);
        let error =
            Store::make(Path::new(""), Opening::InMemory, json!({"bussy_ms": 1})).unwrap_err();
        assert!(error.message().contains("`bussy_ms`"), "{error}");
    }
}
