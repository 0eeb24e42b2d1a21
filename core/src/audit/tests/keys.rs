//! Keys, signers, notes and checkpoints that are not what they should be.

use trueup_connector::{Kind, Result};

use super::super::note::Note;
use super::super::{Checkpoint, Entry, Log, Signer, Verifier, canonical_json};
use super::{ORIGIN, approver, entries, log_signer, note};

fn refused(note: &str, contains: &str) {
    let keys = [log_signer().verifier().clone()];
    let error = Checkpoint::open(note, &keys).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.to_string().contains(contains), "{note}: {error}");
}

#[test]
fn keys_that_are_none_are_refused() {
    let good = log_signer().verifier().to_string();
    let parts: Vec<&str> = good.splitn(3, '+').collect();
    let small_order = format!("{}+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", parts[0]);
    for text in [
        String::new(),
        parts[0].to_owned(),
        format!("{}+{}", parts[0], parts[1]),
        format!("{}+{}+{}", parts[0], "00000000", parts[2]),
        format!("other+{}+{}", parts[1], parts[2]),
        format!("{}+{}+{}", parts[0], parts[1], &parts[2][..20]),
        format!("{}+{}+A{}", parts[0], parts[1], parts[2]),
        good.replacen('+', "+ ", 1),
        small_order,
    ] {
        assert_eq!(text.parse::<Verifier>().unwrap_err().kind(), Kind::Invalid, "{text}");
    }
}

#[test]
fn names_without_sense_are_refused() {
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", &"x".repeat(201)] {
        assert_eq!(Log::new(name).unwrap_err().kind(), Kind::Invalid, "{name:?}");
        assert!(Checkpoint::new(name, 0, [0; 32]).is_err());
    }
}

#[test]
fn a_signer_does_not_show_its_seed() {
    let shown = format!("{:?}", log_signer());
    assert_eq!(shown, format!("Ed25519Signer({})", log_signer().verifier()));
    assert!(!shown.contains("1, 1"));
}

/// Says that it is the log's, and signs with another key.
struct Impostor;

impl Signer for Impostor {
    fn verifier(&self) -> &Verifier {
        static KEY: std::sync::OnceLock<Verifier> = std::sync::OnceLock::new();
        KEY.get_or_init(|| log_signer().verifier().clone())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        approver().sign(message)
    }
}

#[test]
fn a_signer_is_held_to_its_public_key() {
    let log = Log::new(ORIGIN).unwrap();
    assert_eq!(log.checkpoint(&Impostor).unwrap_err().kind(), Kind::Protocol);
    assert_eq!(log.checkpoint(&approver()).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn checkpoints_are_opened_with_the_logs_own_key_only() {
    let note = note(&entries(), 4);
    let [log, anna] = [log_signer(), approver()].map(|signer| signer.verifier().clone());
    assert!(Checkpoint::open(&note, std::slice::from_ref(&log)).is_ok());
    assert!(Checkpoint::open(&note, &[]).is_err());
    // A trusted key of another name signs for its own log only.
    let head = Checkpoint::open(&note, std::slice::from_ref(&log)).unwrap();
    let other = head.sign(&[&approver()]).unwrap();
    assert!(Checkpoint::open(&other, &[log.clone(), anna.clone()]).is_err());
    let both = head.sign(&[&approver(), &log_signer()]).unwrap();
    assert_eq!(Checkpoint::open(&both, &[log]).unwrap(), head);
    // A name that is trusted with a wrong signature spoils the note, whoever else has signed it.
    let spoilt = both.replace(both.lines().nth(4).unwrap(), &wrong_signature(&anna));
    assert!(Checkpoint::open(&spoilt, &[log_signer().verifier().clone(), anna]).is_err());
    assert!(Checkpoint::open(&spoilt, &[log_signer().verifier().clone()]).is_ok());
}

fn wrong_signature(key: &Verifier) -> String {
    let mut bytes = key.key_id().to_vec();
    bytes.extend([0; 64]);
    format!("— {} {}", key.name(), super::super::encoding::base64(&bytes))
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let sign = |body: &str| super::super::note::sign_note(body, &[&log_signer()]).unwrap();
    let root = "A".repeat(43) + "=";
    let keys = [log_signer().verifier().clone()];
    let extended = sign(&format!("{ORIGIN}\n4\n{root}\nmore\n"));
    assert!(Checkpoint::open(&extended, &keys).is_ok());
    for body in [
        format!("{ORIGIN}\n4\n"),
        format!("{ORIGIN}\n04\n{root}\n"),
        format!("{ORIGIN}\n+4\n{root}\n"),
        format!("{ORIGIN}\n-4\n{root}\n"),
        format!("{ORIGIN}\n99999999999999999999\n{root}\n"),
        format!("{ORIGIN}\n4\nAAAA\n"),
        format!("{ORIGIN}\n4\n{}B=\n", "A".repeat(42)),
        format!("a b\n4\n{root}\n"),
        format!("{ORIGIN}\n4\n{root}\n\nmore\n"),
    ] {
        refused(&sign(&body), "not a checkpoint");
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let good = note(&entries(), 2);
    let line = good.lines().last().unwrap();
    for text in [
        String::new(),
        "\n\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        good.replace("\n\n", "\n"),
        good.replace(line, ""),
        good.replace("— ", "- "),
        good.replace(line, &line.replace(' ', "  ")),
        format!("{good}\t\n"),
        format!("{good}{}", format!("{line}\n").repeat(64)),
    ] {
        assert!(Note::read(&text).is_err(), "{text:?}");
        refused(&text, "");
    }
}

#[test]
fn entries_that_cannot_be_are_refused() {
    let json = serde_json::json!({});
    let refused = |kind: &str, at: &str| Entry::new(kind, at, &json, [0; 32]).unwrap_err();
    assert_eq!(refused("Plan", super::AT).kind(), Kind::Invalid);
    assert_eq!(refused("plan", "yesterday").kind(), Kind::Invalid);
    assert_eq!(
        Entry::erasure(super::AT, [], "me", "why", [0; 32]).unwrap_err().kind(),
        Kind::Invalid
    );
    let large = serde_json::json!({"big": u64::MAX});
    let error = Entry::new("plan", super::AT, &large, [0; 32]).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.to_string().contains("18446744073709551615"), "{error}");
    let deep = (0..101).fold(json, |inner, _| serde_json::json!([inner]));
    assert_eq!(canonical_json(&deep).unwrap_err().kind(), Kind::Limit);
}
