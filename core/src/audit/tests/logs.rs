//! A whole log: every change is found, and where.

use super::super::{Checkpoint, Entry, Place, Stored, Verdict, verify_log};
use super::{ORIGIN, entries, log_signer, note, stored, trust};
use proptest::prelude::*;

fn judge(entries: Vec<Stored>, notes: &[&str], saved: Option<&Checkpoint>) -> Verdict {
    verify_log(ORIGIN, entries, notes, &trust(), saved)
}

fn open(note: &str) -> Checkpoint {
    use super::super::Signer;
    Checkpoint::open(note, &[log_signer().verifier().clone()]).unwrap()
}

#[test]
fn an_untouched_log_holds_and_says_what_is_anchored_and_erased() {
    let entries = entries();
    let (old, new) = (note(&entries, 2), note(&entries, 4));
    let verdict = judge(stored(&entries), &[&new, &old], Some(&open(&old)));
    assert!(verdict.holds(), "{verdict}");
    assert_eq!((verdict.anchored, verdict.not_anchored), (vec![0, 1, 2, 3], vec![4]));
    assert_eq!(verdict.checkpoint.unwrap().size, 4);
    let erased = &verdict.erased[0];
    assert_eq!((erased.entry, erased.record), (1, Some(3)));
    assert_eq!(erased.by.as_deref(), Some("retention"));
    assert_eq!(erased.reason.as_deref(), Some("asked for"));
}

#[test]
fn an_empty_log_holds_and_nothing_is_anchored() {
    let verdict = judge(Vec::new(), &[&note(&[], 0)], None);
    assert!(verdict.holds() && verdict.anchored.is_empty());
    assert!(judge(Vec::new(), &[], None).holds());
}

#[test]
fn every_changed_byte_of_every_entry_is_found_in_its_place() {
    let entries = entries();
    let notes = [note(&entries, 2), note(&entries, 5)];
    let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
    let whole = stored(&entries);
    for (index, one) in whole.iter().enumerate() {
        let length = one.text.len();
        for at in 0..length + 32 {
            let mut changed = whole.clone();
            match at.checked_sub(length) {
                None => changed[index].text[at] ^= 1,
                Some(at) => changed[index].leaf[at] ^= 1,
            }
            let verdict = judge(changed, &notes, None);
            let place = Place::Entry(index as u64);
            assert!(verdict.problems.iter().any(|p| p.place == place), "{index}, byte {at}");
            assert!(!verdict.anchored.contains(&(index as u64)));
        }
    }
}

#[test]
fn every_changed_byte_of_a_checkpoint_is_found() {
    let entries = entries();
    let note = note(&entries, 4);
    for at in 0..note.len() {
        let mut changed = note.clone().into_bytes();
        changed[at] ^= 1 << (at % 8);
        let changed = String::from_utf8_lossy(&changed).into_owned();
        let verdict = judge(stored(&entries), &[&changed], None);
        assert_eq!(verdict.problems[0].place, Place::Checkpoint(0), "byte {at}: {changed}");
        assert!(verdict.anchored.is_empty());
    }
}

#[test]
fn an_entry_changed_with_its_hash_is_found_between_two_checkpoints() {
    let entries = entries();
    let notes = [note(&entries, 2), note(&entries, 4)];
    let mut forged = entries.clone();
    forged[2] = super::entry("plan.approved", serde_json::json!({"by": "carl"}), 12);
    let verdict = judge(stored(&forged), &[&notes[0], &notes[1]], None);
    let [problem] = verdict.problems.as_slice() else { panic!("{verdict}") };
    assert_eq!(problem.place, Place::Checkpoint(1));
    assert!(problem.what.contains("one of the entries 2 to 3"), "{problem}");
    assert_eq!(verdict.anchored, [0, 1]);
    assert_eq!(verdict.checkpoint.unwrap().size, 2);
}

#[test]
fn a_cut_tail_is_found_against_what_was_saved() {
    let entries = entries();
    let saved = open(&note(&entries, 4));
    for left in 0..4 {
        let cut = stored(&entries[..left]);
        let old = note(&entries, left);
        let verdict = judge(cut.clone(), &[&old], Some(&saved));
        assert!(verdict.problems.iter().any(|problem| problem.place == Place::Saved));
        assert!(verdict.to_string().contains("tail was cut"), "{verdict}");
        assert!(!judge(cut, &[&note(&entries, 4)], None).holds());
    }
}

#[test]
fn entries_removed_moved_or_put_in_are_found() {
    let entries = entries();
    let saved = open(&note(&entries, 4));
    let change = |what: &str, change: &dyn Fn(&mut Vec<Entry>)| {
        let mut changed = entries.clone();
        change(&mut changed);
        let verdict = judge(stored(&changed), &[], Some(&saved));
        assert!(verdict.to_string().contains("rewritten"), "{what}: {verdict}");
    };
    change("removed", &|all| drop(all.remove(2)));
    change("moved", &|all| all.swap(2, 0));
    change("put in", &|all| all.insert(0, all[0].clone()));
}

#[test]
fn strange_checkpoints_are_refused() {
    let entries = entries();
    let other = super::super::Ed25519Signer::new("other.example", [9; 32]).unwrap();
    let head = Checkpoint::new("other.example", 4, [0; 32]).unwrap();
    let foreign = head.sign(&[&other]).unwrap();
    let trust = trust().with_log(super::super::Signer::verifier(&other).clone());
    let verdict = verify_log(ORIGIN, stored(&entries), &[&foreign], &trust, Some(&head));
    let places: Vec<_> = verdict.problems.iter().map(|p| p.place.clone()).collect();
    assert_eq!(places, [Place::Checkpoint(0), Place::Saved], "{verdict}");
    // The log's own key, and a root that an empty log does not have.
    let lie = Checkpoint::new(ORIGIN, 0, [0; 32]).unwrap().sign(&[&log_signer()]).unwrap();
    assert!(!judge(Vec::new(), &[&lie], None).holds());
}

#[test]
fn erasures_need_a_record_that_is_there() {
    let wrong = |entries: &[Entry], contains: &str| {
        let verdict = judge(stored(entries), &[], None);
        assert!(verdict.to_string().contains(contains), "{verdict}");
    };
    let mut unsaid = entries();
    unsaid[3] = Entry::erasure(super::AT, [2], "retention", "another", [13; 32]).unwrap();
    wrong(&unsaid, "entry 1: it was erased, and no entry says by whom");
    let mut before = entries();
    before.swap(1, 3);
    wrong(&before, "entry 3: it was erased, and no entry says by whom");
    let mut twice = entries();
    twice[3] = twice[3].clone().erase();
    wrong(&twice, "entry 3: it said what was erased, and was erased itself");
    // A record that is not what was logged says nothing.
    let mut forged = stored(&unsaid);
    forged[3].text = entries()[3].text().into_bytes();
    assert!(judge(forged, &[], None).to_string().contains("no entry says by whom"));
}

proptest! {
    #[test]
    fn any_bytes_for_entries_and_notes_are_a_verdict(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..5),
        note in "\\PC{0,80}",
    ) {
        let entries = texts.into_iter().map(|text| Stored { text, leaf: [0; 32] });
        let verdict = judge(entries.collect(), &[&note], None);
        prop_assert!(!verdict.holds() && verdict.anchored.is_empty());
    }
}
