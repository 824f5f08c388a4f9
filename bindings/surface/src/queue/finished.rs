//! What became of a message, as data.

use crate::value::base64;
use ringmain::Finished;
use serde_json::{Value, json};

pub(super) fn finished(finished: &Finished) -> Value {
    json!({
        "id": finished.id,
        "key_base64": finished.key.as_deref().map(base64),
        "ending": finished.ending.as_str(),
        "sent_ns": finished.sent_ns,
        "finished_ns": finished.finished_ns,
        "attempts": finished.attempts,
        "failures": finished.failures,
        "result_base64": finished.result.as_deref().map(base64),
    })
}
