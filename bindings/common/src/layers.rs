//! Layers around a connector, as hosts name them: plain data, from the system outwards.

use std::io::Cursor;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use trueup::runtime::{
    RateLayer, RateSettings, ReadOnlyLayer, RecordLayer, RetryLayer, RetrySchedule, Tape,
    TimeoutLayer, TimeoutSettings,
};
use trueup::{Connector, Error, Kind, Result};

/// One layer: `"read_only"`, or an object of one member such as `{"retry": {"attempts": 3}}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Ends calls that take too long.
    Timeout(TimeoutSettings),
    /// Holds calls back.
    Rate(RateSettings),
    /// Asks again what could not be answered.
    Retry(RetrySchedule),
    /// Takes the writer away.
    ReadOnly,
}

/// Wraps a connector, the first layer next to the system.
///
/// # Errors
/// `invalid`, naming the setting that is wrong.
pub fn wrap(connector: Arc<dyn Connector>, layers: Json) -> Result<Arc<dyn Connector>> {
    let layers: Vec<Layer> = serde_json::from_value(layers)
        .map_err(|cause| Error::new(Kind::Invalid, format!("the layers are wrong: {cause}")))?;
    Ok(layers.into_iter().fold(connector, |inner, layer| match layer {
        Layer::Timeout(settings) => TimeoutLayer::new(settings).wrap(inner),
        Layer::Rate(settings) => RateLayer::new(settings).wrap(inner),
        Layer::Retry(schedule) => RetryLayer::new(schedule).wrap(inner),
        Layer::ReadOnly => ReadOnlyLayer.wrap(inner),
    }))
}

/// Keeps what a connector says on a tape, which grows while it is asked.
pub fn record(connector: Arc<dyn Connector>) -> (Arc<dyn Connector>, Tape) {
    let layer = RecordLayer::new();
    (layer.wrap(connector), layer.tape())
}

/// A tape as JSON lines.
///
/// # Errors
/// Those of [`Tape::write`].
pub fn tape_text(tape: &Tape) -> Result<String> {
    let mut bytes = Vec::new();
    tape.write(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|cause| Error::new(Kind::Internal, format!("a tape is no text: {cause}")))
}

/// The system that says what is on a tape.
///
/// # Errors
/// `data`, naming the line that is none of a tape.
pub fn replay(text: &str) -> Result<Arc<dyn Connector>> {
    Ok(Arc::new(Tape::read(Cursor::new(text))?.replay()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trueup::{Context, Idempotency};
    use trueup_testkit::{Memory, block_on, rows};

    use super::*;

    #[test]
    fn layers_are_named_in_data() {
        let devices = rows(&["serial"], r#"[{"serial":"A1"}]"#);
        let memory: Arc<dyn Connector> =
            Arc::new(Memory::new().with_resource("devices", devices).with_writer(Idempotency::Key));
        assert!(memory.writer().is_some());
        let layers = json!([{"timeout": {"ask_ms": 500}}, {"rate": {}}, {"retry": {"attempts": 2}}, "read_only"]);
        let (wrapped, tape) = record(wrap(memory.clone(), layers).unwrap());
        assert!(wrapped.writer().is_none());
        let said = block_on(wrapped.describe(Context::new())).unwrap();
        let again = replay(&tape_text(&tape).unwrap()).unwrap();
        assert_eq!(block_on(again.describe(Context::new())).unwrap(), said);
        let error = wrap(memory, json!([{"retry": {"atempts": 2}}])).unwrap_err();
        assert!(error.message().contains("`atempts`"), "{error}");
        assert_eq!(replay("nothing").unwrap_err().kind(), Kind::Data);
    }
}
