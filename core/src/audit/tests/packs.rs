//! Packs: deterministic, every change found and named, nothing hostile gets through.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use trueup_connector::Kind;

use super::super::statement::Envelope;
use super::super::zip::{read_zip, write_zip};
use super::super::{
    Checkpoint, Ed25519Signer, Entry, Evidence, Place, Signer, Tree, Trust, Verdict, add_signature,
    verify,
};
use super::{ORIGIN, REPORT, approver, entries, evidence, leaves, log_signer, note, pack, trust};

type Files = BTreeMap<String, Vec<u8>>;

const MANIFEST: &str = "manifest.dsse.json";

fn judge(pack: &[u8]) -> Verdict {
    verify(pack, &trust(), None)
}

fn files_of(pack: &[u8]) -> Files {
    let files = read_zip(pack).unwrap().into_iter();
    files.map(|file| (file.name.to_owned(), file.bytes.to_vec())).collect()
}

/// The pack with other files and right checksums, as someone who knows the format would make it.
fn forged(change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut files = files_of(&pack());
    change(&mut files);
    write_zip(&files).unwrap()
}

fn replace(files: &mut Files, name: &str, from: &str, to: &str) {
    let text = String::from_utf8(files[name].clone()).unwrap();
    assert!(text.contains(from), "{text}");
    files.insert(name.to_owned(), text.replacen(from, to, 1).into_bytes());
}

fn places(verdict: &Verdict) -> Vec<String> {
    verdict.problems.iter().map(|problem| problem.place.to_string()).collect()
}

#[test]
fn a_pack_holds_and_says_what_it_shows() {
    let verdict = judge(&pack());
    assert!(verdict.holds(), "{verdict}");
    assert_eq!(verdict.signers, [ORIGIN, "anna@example"]);
    assert_eq!(
        (verdict.anchored.as_slice(), verdict.not_anchored.as_slice()),
        ([0, 1, 2, 3].as_slice(), [4].as_slice())
    );
    assert_eq!((verdict.erased[0].entry, verdict.erased[0].record), (1, Some(3)));
    assert_eq!(verdict.about, Some(json!({"plan": "6c91", "tenant": "acme"})));
    let files: Vec<_> = verdict.files.iter().map(|f| (f.name.as_str(), f.anchored_by)).collect();
    assert_eq!(files, [("approvals/anna.txt", None), ("report.json", Some(0))]);
    assert_eq!(
        verdict.to_string(),
        "holds: 4 entries anchored, 1 not, 1 erased; signed by log.example/audit, anna@example"
    );
}

#[test]
fn the_same_contents_are_the_same_bytes() {
    assert_eq!(pack(), pack());
    let one_by_one = evidence().seal(&[&approver()]).unwrap();
    assert_eq!(add_signature(&one_by_one, &log_signer()).unwrap(), pack());
    assert_eq!(add_signature(&pack(), &approver()).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn every_changed_byte_is_found_and_in_its_file() {
    let whole = pack();
    let begin = |bytes: &[u8]| bytes.as_ptr() as usize - whole.as_ptr() as usize;
    let files = read_zip(&whole).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let verdict = judge(&changed);
        assert!(!verdict.holds(), "byte {at}");
        let within = |bytes: &[u8]| (begin(bytes)..begin(bytes) + bytes.len()).contains(&at);
        if let Some(file) = files.iter().find(|file| within(file.bytes)) {
            assert_eq!(verdict.problems[0].place, Place::File(file.name.to_owned()), "byte {at}");
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_found() {
    let whole = pack();
    for length in 0..whole.len() {
        assert!(!judge(&whole[..length]).holds(), "{length} bytes");
    }
    for more in [[whole.as_slice(), b"x"].concat(), [whole.as_slice(), &whole].concat()] {
        assert_eq!(judge(&more).problems[0].place, Place::Pack);
    }
}

#[test]
fn a_forger_who_mends_the_checksums_is_found() {
    let wrong = |want: &[&str], change: &dyn Fn(&mut Files)| {
        let verdict = judge(&forged(change));
        assert_eq!(places(&verdict), want, "{verdict}");
    };
    wrong(&["file `files/report.json`"], &|f| replace(f, "files/report.json", "2", "3"));
    wrong(&["file `files/report.json`"], &|f| drop(f.remove("files/report.json")));
    wrong(&["file `files/more`"], &|f| drop(f.insert("files/more".into(), vec![])));
    wrong(&["file `evil`"], &|f| drop(f.insert("evil".into(), vec![])));
    let entries = "log/entries.jsonl";
    wrong(&["entry 2", "file `log/entries.jsonl`"], &|f| replace(f, entries, "bert", "carl"));
    wrong(&["entry 0", "file `log/entries.jsonl`"], &|f| {
        replace(f, entries, "report.made", "report.fake")
    });
    wrong(&["line 5 of the entries", "file `log/entries.jsonl`"], &|f| {
        replace(f, entries, "\"index\":4", "\"index\":1");
    });
    wrong(&["line 5 of the entries", "file `log/entries.jsonl`"], &|f| {
        replace(f, entries, "\"index\":4", "\"index\": 4");
    });
    wrong(&["entry 1", "file `log/consistency.json`", "file `log/entries.jsonl`"], &|f| {
        f.remove("log/consistency.json");
        let text = String::from_utf8(f[entries].clone()).unwrap();
        let kept: Vec<_> = text.lines().filter(|line| !line.contains("audit.erased")).collect();
        f.insert(entries.into(), (kept.join("\n") + "\n").into_bytes());
    });
    wrong(&["file `log/checkpoint`"], &|f| {
        let spaced = String::from_utf8(f["log/checkpoint"].clone()).unwrap() + "— x AAAAAA==\n";
        f.insert("log/checkpoint".into(), spaced.into_bytes());
    });
}

#[test]
fn a_checkpoint_that_is_not_the_logs_anchors_nothing() {
    let all = entries();
    let head = Checkpoint::unchecked(&note(&all, 4)).unwrap();
    let swap = |note: String| {
        judge(&forged(|files| drop(files.insert("log/checkpoint".into(), note.into_bytes()))))
    };
    let by_approver = head.sign(&[&approver()]).unwrap();
    let stranger = Ed25519Signer::new(ORIGIN, [7; 32]).unwrap();
    for note in [by_approver, head.sign(&[&stranger]).unwrap()] {
        let verdict = swap(note);
        assert!(verdict.to_string().contains("signed by no trusted key"), "{verdict}");
        assert!(verdict.anchored.is_empty() && verdict.checkpoint.is_none());
    }
    // Of the same log and older: the proofs do not lead there.
    let verdict = swap(note(&all, 3));
    assert!(places(&verdict).contains(&"entry 0".to_owned()), "{verdict}");
}

#[test]
fn the_signatures_decide_whom_to_believe() {
    let anna = || Trust::new().with_approver(approver().verifier().clone());
    let verdict = verify(&pack(), &Trust::new(), None);
    assert!(verdict.to_string().contains("no trusted key has signed it, but"), "{verdict}");
    // An approver's key is not a log's.
    let verdict = verify(&pack(), &anna(), None);
    assert_eq!(verdict.signers, ["anna@example"]);
    assert!(verdict.anchored.is_empty() && !verdict.holds());
    // Without the log in it, the approver alone is enough, and nothing is anchored.
    let bare = Evidence::new(&json!({})).unwrap().with_file("a", "text/plain", b"a").unwrap();
    let bare = bare.seal(&[&approver()]).unwrap();
    let verdict = verify(&bare, &anna(), None);
    assert!(verdict.holds(), "{verdict}");
    assert_eq!(verdict.files[0].anchored_by, None);
    // Another key under a trusted name is a stranger; a trusted label with its signature is wrong.
    let carl = Ed25519Signer::new("anna@example", [8; 32]).unwrap();
    let by_carl = evidence().seal(&[&carl]).unwrap();
    assert_eq!(verify(&by_carl, &anna(), None).strangers, [carl.verifier().label()]);
    let borrowed = forged(|files| {
        let mut envelope = Envelope::read(&files[MANIFEST]).unwrap();
        let signature = carl.sign(b"x").unwrap();
        envelope.signatures.insert(approver().verifier().label(), signature);
        files.insert(MANIFEST.into(), envelope.to_bytes().unwrap());
    });
    assert_eq!(places(&judge(&borrowed)), ["signature of `anna@example`"]);
}

#[test]
fn a_saved_checkpoint_is_followed_up() {
    let all = entries();
    let open = |size| Checkpoint::unchecked(&note(&all, size)).unwrap();
    let against = |saved: &Checkpoint| verify(&pack(), &trust(), Some(saved));
    for size in [2, 3, 4] {
        assert!(against(&open(size)).holds(), "{size}: {}", against(&open(size)));
    }
    let says = |saved: &Checkpoint, what: &str| {
        let verdict = against(saved);
        assert_eq!(places(&verdict), ["saved checkpoint"], "{verdict}");
        assert!(verdict.to_string().contains(what), "{verdict}");
    };
    says(&open(5), "tail was cut: 4 of 5");
    says(&open(1), "ask for a proof from 1 to 4");
    for size in [2, 3, 4] {
        says(&Checkpoint::new(ORIGIN, size, [0; 32]).unwrap(), "rewritten");
    }
    says(&Checkpoint::new("other.example", 4, open(4).root).unwrap(), "of the log `other.example`");
    let bare = Evidence::new(&json!({})).unwrap().with_file("a", "t", b"").unwrap();
    let bare = bare.seal(&[&approver()]).unwrap();
    assert_eq!(places(&verify(&bare, &trust(), Some(&open(4)))), ["saved checkpoint"]);
}

#[test]
fn what_cannot_be_a_pack_is_not_made() {
    let all = entries();
    let tree = Tree::from_leaves(leaves(&all));
    let new = || Evidence::new(&json!({})).unwrap();
    let kind = |result: trueup_connector::Result<Evidence>| result.unwrap_err().kind();
    assert_eq!(kind(Evidence::new(&json!([]))), Kind::Invalid);
    assert_eq!(kind(new().with_file("a", "", b"")), Kind::Invalid);
    assert_eq!(kind(new().with_file("a", "t\u{e9}xt", b"")), Kind::Invalid);
    let twice = new().with_file("a", "t", b"").unwrap();
    assert_eq!(kind(twice.with_file("a", "t", b"")), Kind::Invalid);
    let log = |size: usize, tree: &Tree, index: u64, older: u64| {
        new().with_log(&note(&all, size), tree, [(index, all[0].clone())], [older])
    };
    assert!(log(4, &tree, 0, 4).is_ok());
    assert_eq!(kind(log(4, &tree, 1, 4)), Kind::Invalid);
    assert_eq!(kind(log(4, &tree, 0, 5)), Kind::Invalid);
    assert_eq!(kind(log(4, &Tree::default(), 0, 0)), Kind::Invalid);
    assert_eq!(kind(new().with_log("x", &tree, [], [])), Kind::Data);
    let erased = |size: usize, indexes: &[u64]| {
        let chosen = indexes.iter().map(|index| (*index, all[*index as usize].clone()));
        new().with_log(&note(&all, size), &tree, chosen, [])
    };
    assert!(erased(4, &[1, 3]).is_ok());
    assert_eq!(kind(erased(3, &[1, 3])), Kind::Invalid);
    assert_eq!(kind(erased(5, &[1, 2])), Kind::Invalid);
    let same: [(u64, Entry); 2] = [(0, all[0].clone()), (0, all[0].clone())];
    assert_eq!(kind(new().with_log(&note(&all, 4), &tree, same, [])), Kind::Invalid);
    assert_eq!(new().seal(&[&approver()]).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(evidence().seal(&[]).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn names_that_lead_astray_are_refused() {
    let seal = |names: &[&str]| {
        let empty = Evidence::new(&json!({})).unwrap();
        let pack = names.iter().try_fold(empty, |pack, name| pack.with_file(name, "t", b""));
        pack.and_then(|pack| pack.seal(&[&approver()]))
    };
    assert!(seal(&["a/b.c", "a/B-d_1", ".hidden"]).is_ok());
    for names in [
        &["../x"][..],
        &["a/../x"],
        &["/x"],
        &["a//x"],
        &["a\\x"],
        &["a:x"],
        &["x."],
        &[""],
        &["é"],
        &["a\0"],
        &["A", "a"],
        &["a", "a/b"],
        &["a", "A/b"],
        &[&"x".repeat(200)],
    ] {
        assert_eq!(seal(names).unwrap_err().kind(), Kind::Invalid, "{names:?}");
    }
}

#[test]
fn too_many_files_are_refused() {
    let files = |count: usize| -> Files {
        (0..count).map(|i| (format!("files/{i}"), Vec::new())).collect()
    };
    let most = write_zip(&files(10_000)).unwrap();
    assert_eq!(read_zip(&most).unwrap().len(), 10_000);
    assert_eq!(write_zip(&files(10_001)).unwrap_err().kind(), Kind::Limit);
    let one = files_of(&pack()).remove("files/report.json");
    assert_eq!(one.as_deref(), Some(REPORT));
}

proptest! {
        #[test]
    fn any_bytes_are_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!judge(&bytes).holds());
        let zipped = [b"PK\x03\x04".as_slice(), &bytes].concat();
        prop_assert!(!judge(&zipped).holds());
    }

    #[test]
    fn any_mutation_of_a_pack_is_a_verdict_that_does_not_hold(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let whole = pack();
        let mut changed = whole.clone();
        for (at, byte, how) in edits {
            let at = at.index(changed.len());
            match how {
                0 => changed[at] = byte,
                1 => drop(changed.remove(at)),
                _ => changed.insert(at, byte),
            }
        }
        prop_assert!(changed == whole || !judge(&changed).holds());
    }

    #[test]
    fn any_mutation_of_a_file_with_its_checksum_mended_is_found(
        name in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let whole = pack();
        let changed = forged(|files| {
            let name = files.keys().nth(name.index(files.len())).cloned().unwrap_or_default();
            if let Some(bytes) = files.get_mut(&name) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        });
        // The envelope does not sign itself: whoever mends checksums can spoil a signature's label,
        // and then it is one signer fewer.
        let verdict = judge(&changed);
        prop_assert!(changed == whole || !verdict.holds() || verdict.signers.len() < 2);
    }
}
