//! Changes drafted from findings, one record after the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use trueup_connector::record::canonical;
use trueup_connector::{Operation, Result, Role, Value};

use super::change::PlannedChange;
use super::plan::{LeftOut, Reason};
use super::value::FieldValue;
use crate::reconcile::{Cause, Disagreement, Disagreements, FieldRule, FindingKind, Owner, Side};

/// What the findings of a report come to, record by record.
pub(super) struct Drafts<'a> {
    all: &'a Disagreements<'a>,
    kinds: &'a BTreeSet<FindingKind>,
    names: HashMap<&'a str, Arc<str>>,
    drafts: Vec<Draft>,
    left_out: Vec<LeftOut>,
}

/// The changes that findings come to, before they are put in order.
pub(super) struct Drafted {
    pub(super) changes: Vec<PlannedChange>,
    /// The places of a record made and one removed that share an id or alternate key.
    pub(super) sharing: Vec<(usize, usize)>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A change, and the id and alternate keys of the record that it makes or removes.
struct Draft {
    change: PlannedChange,
    marks: Vec<Vec<u8>>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(all: &'a Disagreements<'a>, kinds: &'a BTreeSet<FindingKind>) -> Self {
        let fields = all.fields().key.iter().chain(&all.fields().compared);
        let names = fields.map(|field| (field.name.as_str(), field.name.as_str().into())).collect();
        Self { all, kinds, names, drafts: Vec::new(), left_out: Vec::new() }
    }

    /// Plans for the findings of one record.
    pub(super) fn record(&mut self, findings: &[Disagreement<'_>]) -> Result<()> {
        use FindingKind::{Ambiguous, Duplicate, Unkeyed};
        let Some(first) = findings.first() else { return Ok(()) };
        if matches!(first.kind(), Duplicate | Unkeyed | Ambiguous) {
            self.leave(findings, Reason::NeverPlanned);
        } else if !self.kinds.contains(&first.kind()) {
            self.leave(findings, Reason::KindNotChosen);
        } else if first.is_one_sided() {
            self.whole(first)?;
        } else {
            self.update(findings, Side::Actual)?;
            self.update(findings, Side::Expected)?;
        }
        Ok(())
    }

    /// All changes, with what they have to do with each other.
    pub(super) fn finish(mut self) -> Drafted {
        let sharing = self.sharing();
        let changes = self.drafts.into_iter().map(|draft| draft.change).collect();
        Drafted { changes, sharing, left_out: self.left_out }
    }

    fn leave(&mut self, findings: &[Disagreement<'_>], reason: Reason) {
        self.left_out.extend(findings.iter().map(|f| LeftOut { finding: f.id, reason }));
    }

    /// A record that one side lacks: whoever owns the key is right.
    fn whole(&mut self, finding: &Disagreement<'_>) -> Result<()> {
        let key = &self.all.fields().key;
        let mut owners = key.iter().map(|field| field.rule.owner());
        let owner = owners.next().unwrap_or_default();
        if owners.any(|other| other != owner) {
            self.leave(&[*finding], Reason::KeyOwner);
            return Ok(());
        }
        let Some(target) = target(owner) else {
            self.leave(&[*finding], Reason::NoOwner);
            return Ok(());
        };
        let (source, removes) = (target.other(), finding.has_row(target));
        let side = if removes { target } else { source };
        let values: Vec<FieldValue> = self
            .record_fields(target, removes)
            .map(|field| self.value(finding, side, field))
            .collect();
        let change = self.change(finding, target, removes);
        let change = match removes {
            true => change.with_before(values),
            false => change.with_after(values),
        };
        let marks = self.marks(finding, side)?;
        self.drafts.push(Draft { change, marks });
        Ok(())
    }

    fn change(&self, finding: &Disagreement<'_>, target: Side, removes: bool) -> PlannedChange {
        let operation = if removes { Operation::Delete } else { Operation::Create };
        let side = if removes { target } else { target.other() };
        self.begin(finding, target, operation, side)
    }

    /// A change of the record whose key a side has.
    fn begin(
        &self,
        finding: &Disagreement<'_>,
        target: Side,
        operation: Operation,
        side: Side,
    ) -> PlannedChange {
        let key = self.all.fields().key.iter().map(|field| self.value(finding, side, field));
        let mut change = PlannedChange::new(target, operation)
            .with_key(key)
            .with_id(finding.role(target, Role::Id))
            .with_version(finding.role(target, Role::Version));
        if let Some(cause) = finding.cause() {
            change = change.with_fact("cause", cause.name());
        }
        change.with_findings([finding.id])
    }

    /// The fields of a record that is made or removed.
    fn record_fields(
        &self,
        target: Side,
        removes: bool,
    ) -> impl Iterator<Item = &'a FieldRule> + use<'a> {
        let all = self.all;
        let fields = all.fields();
        let given = move |field: &&FieldRule| {
            removes || field.rule.owner() != Owner::None && is_settable(all, target, &field.name)
        };
        fields.key.iter().chain(fields.compared.iter().filter(given))
    }

    /// The fields of a record that differ and are owned by the other side than this.
    fn update(&mut self, findings: &[Disagreement<'_>], side: Side) -> Result<()> {
        let (mut before, mut after, mut settled) = (Vec::new(), Vec::new(), Vec::new());
        let mut renamed = false;
        for finding in findings {
            let Some(field) = finding.rule() else { continue };
            match target(field.rule.owner()) {
                // Said once, whichever side is looked at first.
                None if side == Side::Actual => self.leave(&[*finding], Reason::NoOwner),
                Some(target) if target == side && !is_writable(self.all, side, &field.name) => {
                    self.leave(&[*finding], Reason::NotWritable);
                }
                Some(target) if target == side => {
                    before.push(self.value(finding, side, field));
                    after.push(self.wanted(finding, side, field)?);
                    settled.push(finding.id);
                    renamed |= finding.renames();
                }
                _ => {}
            }
        }
        let Some(first) = findings.first().filter(|_| !after.is_empty()) else { return Ok(()) };
        let change = self.begin(first, side, Operation::Update, side);
        let change = change.with_before(before).with_after(after).with_findings(settled);
        let change = match cause(findings) {
            Some(cause) => change.with_fact("cause", cause.name()),
            None => change,
        };
        let change = if renamed { change.with_fact("renamed", true) } else { change };
        self.drafts.push(Draft { change, marks: Vec::new() });
        Ok(())
    }

    /// The value that a side's field is to have.
    fn wanted(
        &self,
        finding: &Disagreement<'_>,
        side: Side,
        field: &FieldRule,
    ) -> Result<FieldValue> {
        let wanted = finding.value(side.other(), field);
        let wanted = match (wanted, finding.value(side, field)) {
            // The actual side may have more: it keeps it.
            (Value::List(wish), Value::List(has))
                if field.rule.is_subset() && side == Side::Actual =>
            {
                Value::List(union(field, has, wish)?)
            }
            (wanted, _) => wanted,
        };
        Ok(self.named(field, wanted))
    }

    fn value(&self, finding: &Disagreement<'_>, side: Side, field: &FieldRule) -> FieldValue {
        self.named(field, finding.value(side, field))
    }

    fn named(&self, field: &FieldRule, value: Value) -> FieldValue {
        let name = self.names.get(field.name.as_str()).cloned();
        let name = name.unwrap_or_else(|| field.name.as_str().into());
        match field.secret {
            true => FieldValue::secret(name, value),
            false => FieldValue::new(name, value),
        }
    }

    /// What may show that a record made is one removed: its id and alternate keys.
    fn marks(&self, finding: &Disagreement<'_>, side: Side) -> Result<Vec<Vec<u8>>> {
        let mut marks = Vec::new();
        let id = finding.role(side, Role::Id).filter(|id| !id.is_null());
        marks.extend(id.map(|id| mark(0, &[id])));
        for (place, fields) in self.all.fields().alternates.iter().enumerate() {
            let values =
                fields.iter().map(|field| field.rule.normalise(finding.value(side, field)));
            let values = values.collect::<Result<Vec<_>>>()?;
            if !values.iter().any(Value::is_null) {
                marks.push(mark(place + 1, &values));
            }
        }
        Ok(marks)
    }

    /// Says of records made and removed that share an id or alternate key that they do; gives pairs
    /// of places, the removal to come later.
    fn sharing(&mut self) -> Vec<(usize, usize)> {
        let made: HashMap<(Side, &[u8]), usize> = self.marked(&Operation::Create).collect();
        let pairs = self.marked(&Operation::Delete);
        let pairs: BTreeSet<(usize, usize)> =
            pairs.filter_map(|(mark, gone)| Some((*made.get(&mark)?, gone))).collect();
        for place in pairs.iter().flat_map(|(made, gone)| [*made, *gone]) {
            if let Some(draft) = self.drafts.get_mut(place) {
                draft.change = draft.change.clone().with_fact("shares_id", true);
            }
        }
        pairs.into_iter().collect()
    }

    fn marked<'b>(
        &'b self,
        operation: &'b Operation,
    ) -> impl Iterator<Item = ((Side, &'b [u8]), usize)> {
        let drafts = self.drafts.iter().enumerate();
        let drafts = drafts.filter(move |(_, draft)| draft.change.operation() == operation);
        drafts.flat_map(|(place, draft)| {
            let target = draft.change.target();
            draft.marks.iter().map(move |mark| ((target, mark.as_slice()), place))
        })
    }
}

/// Which side changed the record: both, if each changed another field of it.
fn cause(findings: &[Disagreement<'_>]) -> Option<Cause> {
    let mut causes = findings.iter().filter_map(Disagreement::cause);
    let first = causes.next()?;
    Some(if causes.all(|cause| cause == first) { first } else { Cause::Both })
}

/// The side whose system gives way to an owner.
fn target(owner: Owner) -> Option<Side> {
    match owner {
        Owner::Expected => Some(Side::Actual),
        Owner::Actual => Some(Side::Expected),
        Owner::None => None,
    }
}

/// Whether a field of a record that is there can be set.
fn is_writable(all: &Disagreements<'_>, side: Side, name: &str) -> bool {
    let immutable = all.field(side, name).is_some_and(|field| field.immutable);
    !immutable && is_settable(all, side, name)
}

/// Whether a field can be given to a record that is made.
fn is_settable(all: &Disagreements<'_>, side: Side, name: &str) -> bool {
    let settable = all.field(side, name).is_some_and(|field| field.writable || field.immutable);
    settable || !all.says_writable(side)
}

/// What is there, and what is wished and is not, under the field's rule.
fn union(field: &FieldRule, mut has: Vec<Value>, wish: Vec<Value>) -> Result<Vec<Value>> {
    let normal = |item: &Value| -> Result<Vec<u8>> {
        Ok(field.rule.normalise(Value::List(vec![item.clone()]))?.canonical())
    };
    let mut there = has.iter().map(normal).collect::<Result<BTreeSet<_>>>()?;
    for item in wish {
        if there.insert(normal(&item)?) {
            has.push(item);
        }
    }
    Ok(has)
}

fn mark(part: usize, values: &[Value]) -> Vec<u8> {
    let mut bytes = part.to_be_bytes().to_vec();
    values
        .iter()
        .for_each(|v| canonical::frame_with(&mut bytes, |out| canonical::write_value(out, v)));
    bytes
}
