//! What people answer, the keys they sign with, and what comes of it.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::Value as Json;
use trueup::audit::{Signer, add_signature};
use trueup::{Result, guard};
use trueup_bindings::keys::People;
use trueup_bindings::{approvals, evidence, keys};

use crate::convert;
use crate::errors::{OrRaise, caught};
use crate::guard::Decision;
use crate::work::Work;

/// A key that signs.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Key(pub(crate) keys::Key);

#[pymethods]
impl Key {
    #[staticmethod]
    fn generate(py: Python<'_>, name: &str) -> PyResult<Self> {
        keys::Key::generate(name).or_raise(py).map(Self)
    }

    #[staticmethod]
    fn from_seed(py: Python<'_>, name: &str, seed: &[u8]) -> PyResult<Self> {
        keys::Key::from_seed(name, seed).or_raise(py).map(Self)
    }

    /// A key that signs by calling `sign`, from any thread.
    #[staticmethod]
    fn of_host(py: Python<'_>, verifier: &str, sign: Py<PyAny>) -> PyResult<Self> {
        let call = move |bytes: &[u8]| {
            Python::attach(|py| {
                let signed = sign.call1(py, (PyBytes::new(py, bytes),));
                let signed = signed.and_then(|signed| signed.extract::<Vec<u8>>(py));
                signed.map_err(|error| caught(py, error))
            })
        };
        keys::Key::of_host(verifier, call).or_raise(py).map(Self)
    }

    fn verifier(&self) -> String {
        self.0.verifier().to_string()
    }

    fn sign(&self, py: Python<'_>, message: &[u8]) -> PyResult<Vec<u8>> {
        py.detach(|| self.0.sign(message)).or_raise(py)
    }
}

/// Permission to carry one plan out, once.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct Grant(pub(crate) guard::Grant);

#[pymethods]
impl Grant {
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &approvals::grant(&self.0))
    }
}

/// Limits that two people lifted for a few hours.
#[pyclass(frozen, module = "trueup._native")]
pub(crate) struct BreakGlass(pub(crate) guard::BreakGlass);

#[pymethods]
impl BreakGlass {
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::object(py, &approvals::glass(&self.0))
    }

    /// The one grant of a plan, and the review that it brings.
    fn grant<'py>(
        &self,
        decision: &Decision,
        answers: &Bound<'py, PyAny>,
        granted: Vec<String>,
        keys: &Bound<'py, PyAny>,
        now: i64,
    ) -> PyResult<(Grant, Bound<'py, PyAny>)> {
        let (py, people) = (keys.py(), people(keys)?);
        let answers = convert::json(answers, "answers")?;
        let made = approvals::glass_grant(&self.0, &decision.0, answers, &granted, &people, now);
        let (grant, review) = made.or_raise(py)?;
        Ok((Grant(grant), convert::object(py, &review)?))
    }
}

/// An answer that nobody vouches for yet.
#[pyfunction]
pub(crate) fn answer<'py>(
    question: &Bound<'py, PyAny>,
    answer: &Bound<'py, PyAny>,
    approver: &Bound<'py, PyAny>,
    now: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let question = convert::json(question, "question")?;
    let said = convert::json(answer, "answer")?;
    let approver = convert::json(approver, "approver")?;
    give(answer.py(), approvals::answer(question, said, approver, now))
}

/// The answer, signed.
#[pyfunction]
pub(crate) fn sign<'py>(answer: &Bound<'py, PyAny>, key: &Key) -> PyResult<Bound<'py, PyAny>> {
    let (py, data) = (answer.py(), convert::json(answer, "answer")?);
    give(py, py.detach(|| approvals::sign(data, &key.0)))
}

/// The answer, vouched for by the host.
#[pyfunction]
pub(crate) fn attest<'py>(answer: &Bound<'py, PyAny>, host: &str) -> PyResult<Bound<'py, PyAny>> {
    give(answer.py(), approvals::attest(convert::json(answer, "answer")?, host))
}

/// Why an answer counts for nothing, if so.
#[pyfunction]
pub(crate) fn refusal(
    question: &Bound<'_, PyAny>,
    answer: &Bound<'_, PyAny>,
    before: &Bound<'_, PyAny>,
    keys: &Bound<'_, PyAny>,
    now: i64,
) -> PyResult<Option<String>> {
    let (question, people) = (convert::json(question, "question")?, people(keys)?);
    let answer = convert::json(answer, "answer")?;
    let before = convert::json(before, "before")?;
    approvals::refusal(question, answer, before, &people, now).or_raise(keys.py())
}

/// How a question stands, and the grant where all said yes who must.
#[pyfunction]
pub(crate) fn standing<'py>(
    question: &Bound<'py, PyAny>,
    answers: &Bound<'py, PyAny>,
    keys: &Bound<'py, PyAny>,
    now: i64,
) -> PyResult<(Bound<'py, PyAny>, Option<Grant>)> {
    let (py, people) = (keys.py(), people(keys)?);
    let question = convert::json(question, "question")?;
    let answers = convert::json(answers, "answers")?;
    let (said, grant) = approvals::standing(question, answers, &people, now).or_raise(py)?;
    Ok((convert::object(py, &said)?, grant.map(Grant)))
}

/// What an evidence pack shows.
#[pyfunction]
#[pyo3(signature = (pack, trust, saved))]
pub(crate) fn verify_evidence(
    py: Python<'_>,
    pack: Vec<u8>,
    trust: &Bound<'_, PyAny>,
    saved: Option<String>,
) -> PyResult<Work> {
    let trust = convert::json(trust, "trust")?;
    Work::start(py, move |_| evidence::verify_pack(&pack, trust, saved.as_deref()))
}

/// An evidence pack with one more signature.
#[pyfunction]
pub(crate) fn sign_evidence(py: Python<'_>, pack: Vec<u8>, key: &Key) -> PyResult<Work> {
    let key = key.0.clone();
    Work::start(py, move |_| add_signature(&pack, &key))
}

/// Whose keys are whose.
pub(crate) fn people(keys: &Bound<'_, PyAny>) -> PyResult<People> {
    People::from_json(convert::json(keys, "keys")?).or_raise(keys.py())
}

fn give(py: Python<'_>, made: Result<Json>) -> PyResult<Bound<'_, PyAny>> {
    convert::object(py, &made.or_raise(py)?)
}
