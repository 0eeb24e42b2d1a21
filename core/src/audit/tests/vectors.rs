//! The golden vectors of `docs/spec/vectors`.

use serde_json::Value as Json;

use super::super::canonical::read_canonical;
use super::super::encoding::{base64, sha256, unhex};
use super::super::note::Note;
use super::super::{
    Checkpoint, Ed25519Signer, Entry, Evidence, Frontier, Signer, Tree, Trust, Verifier,
    canonical_json, verify,
};
use trueup_connector::snapshot::{leaf_hash, node_hash};
use trueup_connector::{Hash, Proof, hex};

const AUDIT: &str = include_str!("../../../../docs/spec/vectors/audit.json");
const EVIDENCE: &str = include_str!("../../../../docs/spec/vectors/evidence.json");

fn check(file: &str, topic: &str, judge: impl Fn(&Json)) {
    let file: Json = serde_json::from_str(file).unwrap();
    let vectors = file[topic].as_array().unwrap();
    assert!(!vectors.is_empty());
    vectors.iter().for_each(judge);
}

fn text<'a>(vector: &'a Json, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn seed(vector: &Json) -> [u8; 32] {
    unhex(text(vector, "seed")).unwrap()
}

fn signer(name: &str, vector: &Json) -> Ed25519Signer {
    Ed25519Signer::new(name, seed(vector)).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn canonical_json_is_that_of_the_rfc() {
    check(AUDIT, "canonical", |v| {
        let json: Json = serde_json::from_str(text(v, "json")).unwrap();
        let canonical = canonical_json(&json).unwrap();
        assert_eq!(canonical, text(v, "text"), "{}", v["about"]);
        assert!(read_canonical(canonical.as_bytes()).is_ok());
    });
    check(AUDIT, "refused_json", |v| {
        let json: Json = serde_json::from_str(text(v, "json")).unwrap();
        canonical_json(&json).unwrap_err();
    });
}

#[test]
fn entries_are_read_and_written() {
    check(AUDIT, "entry", |v| {
        let entry = Entry::read(text(v, "text").as_bytes()).unwrap();
        assert_eq!(entry.text(), text(v, "text"));
        assert_eq!(entry, Entry::from_json(&v["entry"]).unwrap());
        assert_eq!(hex(&entry.commitment()), text(v, "commitment"));
        assert_eq!(hex(&entry.leaf_data()), text(v, "leaf_data"));
        assert_eq!(hex(&entry.leaf()), text(v, "leaf_hash"), "{}", v["about"]);
        assert_eq!(entry.clone().erase().leaf(), entry.leaf());
    });
    check(AUDIT, "refused_entry", |v| {
        assert!(Entry::from_json(&v["entry"]).is_err(), "{}", v["about"]);
    });
}

#[test]
fn logs_have_these_roots_states_and_proofs() {
    check(AUDIT, "log", |v| {
        let size = v["size"].as_u64().unwrap();
        let data: Vec<[u8; 1]> = (0..size).map(|i| [i as u8]).collect();
        let tree = Tree::from_leaves(data.iter().map(|data| leaf_hash(data)));
        let mut frontier = Frontier::new();
        data.iter().for_each(|data| {
            let _ = frontier.push(leaf_hash(data));
        });
        assert_eq!(hex(&tree.root()), text(v, "root"));
        assert_eq!(hex(&frontier.to_bytes()), text(v, "state"));
        for i in 0..size {
            let proof = Proof::new(i, size, path(&v["inclusion"][i as usize]));
            assert_eq!(tree.inclusion(i, size), Some(proof));
        }
        for from in 0..=size {
            let proof = tree.consistency(from, size).unwrap();
            assert_eq!(proof.path, path(&v["consistency"][from as usize]), "{from} of {size}");
        }
    });
}

fn path(json: &Json) -> Vec<Hash> {
    json.as_array().unwrap().iter().map(|h| unhex(h.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn the_trees_of_the_contract_are_these_trees() {
    let file = include_str!("../../../../docs/spec/vectors/content-root.json");
    check(file, "log_tree", |v| {
        let leaves = v["leaf_data"].as_array().unwrap();
        let leaves = leaves.iter().map(|leaf| leaf_hash(&bytes(leaf.as_str().unwrap())));
        let tree = Tree::from_leaves(leaves);
        for (size, root) in v["roots"].as_array().unwrap().iter().enumerate() {
            assert_eq!(hex(&tree.root_at(size as u64).unwrap()), root.as_str().unwrap());
        }
    });
    assert_ne!(node_hash(&[0; 32], &[1; 32]), node_hash(&[1; 32], &[0; 32]));
}

#[test]
fn signatures_are_those_of_the_rfc() {
    check(AUDIT, "signature", |v| {
        let signer = signer("rfc", v);
        let message = bytes(text(v, "message"));
        assert_eq!(hex(&signer.sign(&message).unwrap()), text(v, "signature"));
        let key = Verifier::ed25519("rfc", unhex(text(v, "public")).unwrap()).unwrap();
        assert_eq!(&key, signer.verifier());
    });
}

#[test]
fn keys_are_written_and_read_also_those_of_others() {
    check(AUDIT, "note_key", |v| {
        let signer = signer(text(v, "name"), v);
        assert_eq!(signer.verifier().to_string(), text(v, "vkey"));
        assert_eq!(&text(v, "vkey").parse::<Verifier>().unwrap(), signer.verifier());
    });
    check(AUDIT, "foreign_key", |v| {
        let key: Verifier = text(v, "vkey").parse().unwrap();
        assert_eq!(key.name(), text(v, "name"));
        assert_eq!(key.to_string(), text(v, "vkey"));
    });
}

#[test]
fn notes_of_others_are_read() {
    check(AUDIT, "foreign_note", |v| {
        let key: Verifier = text(v, "vkey").parse().unwrap();
        let note = Note::read(text(v, "note")).unwrap();
        assert_eq!(note.body, text(v, "body"));
        assert!(note.signed_by(std::slice::from_ref(&key)).unwrap().contains(key.name()));
    });
}

#[test]
fn checkpoints_are_signed_and_opened() {
    check(AUDIT, "checkpoint", |v| {
        let root = unhex(text(v, "root")).unwrap();
        let size = v["size"].as_u64().unwrap();
        let checkpoint = Checkpoint::new(text(v, "origin"), size, root).unwrap();
        let signers = signers(&v["signers"]);
        let note = checkpoint.sign(&refs(&signers)).unwrap();
        assert_eq!(note, text(v, "note"));
        let keys: Vec<_> = signers.iter().map(|s| s.verifier().clone()).collect();
        assert_eq!(Checkpoint::open(&note, &keys).unwrap(), checkpoint);
    });
}

fn signers(json: &Json) -> Vec<Ed25519Signer> {
    json.as_array().unwrap().iter().map(|s| signer(text(s, "name"), s)).collect()
}

fn refs(signers: &[Ed25519Signer]) -> Vec<&dyn Signer> {
    signers.iter().map(|signer| signer as &dyn Signer).collect()
}

#[test]
fn packs_have_these_bytes_and_show_this() {
    check(EVIDENCE, "pack", |v| {
        let pack = build(v).seal(&refs(&signers(&v["signers"]))).unwrap();
        assert_eq!(base64(&pack), text(v, "zip"), "{}", v["about"]);
        assert_eq!(hex(&sha256(&pack)), text(v, "sha256"));
        let verdict = verify(&pack, &trusted(v), None);
        assert!(verdict.holds(), "{verdict}");
        let shows = &v["shows"];
        assert_eq!(Json::from(verdict.anchored), shows["anchored"]);
        assert_eq!(Json::from(verdict.not_anchored), shows["not_anchored"]);
        let erased = verdict.erased.iter().map(|e| serde_json::json!([e.entry, e.record]));
        assert_eq!(Json::Array(erased.collect()), shows["erased"]);
        let files = verdict.files.iter();
        let files = files.map(|f| serde_json::json!([format!("files/{}", f.name), f.anchored_by]));
        assert_eq!(Json::Array(files.collect()), shows["files"]);
    });
}

fn build(v: &Json) -> Evidence {
    let mut pack = Evidence::new(&v["about_pack"]).unwrap();
    for file in v["files"].as_array().unwrap() {
        let content = text(file, "text").as_bytes();
        pack = pack.with_file(text(file, "name"), text(file, "media_type"), content).unwrap();
    }
    let Some(log) = v.get("log") else {
        return pack;
    };
    let entries: Vec<Entry> =
        log["entries"].as_array().unwrap().iter().map(|e| Entry::from_json(e).unwrap()).collect();
    let tree = Tree::from_leaves(entries.iter().map(Entry::leaf));
    let size = log["size"].as_u64().unwrap();
    let head = Checkpoint::new(text(log, "origin"), size, tree.root_at(size).unwrap()).unwrap();
    let note = head.sign(&[&signer(text(log, "origin"), log)]).unwrap();
    let indexes = |name: &str| -> Vec<u64> {
        log[name].as_array().unwrap().iter().map(|i| i.as_u64().unwrap()).collect()
    };
    let packed = indexes("packed").into_iter().map(|i| (i, entries[i as usize].clone()));
    pack.with_log(&note, &tree, packed, indexes("older")).unwrap()
}

fn trusted(v: &Json) -> Trust {
    let mut trust = Trust::new();
    if let Some(log) = v.get("log") {
        trust = trust.with_log(signer(text(log, "origin"), log).verifier().clone());
    }
    signers(&v["signers"]).iter().fold(trust, |trust, s| trust.with_approver(s.verifier().clone()))
}
