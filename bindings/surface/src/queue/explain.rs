//! Why a message is not being delivered, as data.

use ringmain::{Cause, Explanation, Limit};
use serde_json::{Value, json};

pub(super) fn explanation(explanation: &Explanation) -> Value {
    json!({
        "queue": explanation.queue,
        "id": explanation.id,
        "time_ns": explanation.time_ns,
        "causes": explanation.causes.iter().map(cause).collect::<Vec<_>>(),
        "text": explanation.to_string(),
    })
}

fn cause(cause: &Cause) -> Value {
    match cause {
        Cause::NotSent => json!({ "cause": "not_sent" }),
        Cause::Gone => json!({ "cause": "gone" }),
        Cause::Finished { ending, at_ns, attempts } => {
            json!({ "cause": "finished", "ending": ending.as_str(), "at_ns": at_ns, "attempts": attempts })
        }
        Cause::Scheduled { due_ns, failures } => {
            json!({ "cause": "scheduled", "due_ns": due_ns, "failures": failures })
        }
        Cause::Leased { until_ns, attempts } => {
            json!({ "cause": "leased", "until_ns": until_ns, "attempts": attempts })
        }
        Cause::Blocked { by } => json!({ "cause": "blocked", "by": by }),
        Cause::Halted { by, reason, error } => {
            json!({ "cause": "halted", "by": by, "reason": reason, "error": error })
        }
        Cause::Recalled => json!({ "cause": "recalled" }),
        Cause::Deferred => json!({ "cause": "deferred" }),
        Cause::Dying => json!({ "cause": "dying" }),
        Cause::NoRoom { queue } => json!({ "cause": "no_room", "queue": queue }),
        Cause::Moving => json!({ "cause": "moving" }),
        Cause::Leaving => json!({ "cause": "leaving" }),
        Cause::Key(limit) => self::limit("key", limit),
        Cause::Queue(limit) => self::limit("queue", limit),
        Cause::NoConsumer => json!({ "cause": "no_consumer" }),
        Cause::Behind { count, next } => json!({ "cause": "behind", "count": count, "next": next }),
        Cause::Next => json!({ "cause": "next" }),
        // One that the core has and this does not know yet; the text says it.
        _ => json!({ "cause": "other" }),
    }
}

fn limit(whose: &str, limit: &Limit) -> Value {
    match limit {
        Limit::Paused => json!({ "cause": whose, "limit": "paused" }),
        Limit::Resting { until_ns } => json!({ "cause": whose, "limit": "resting", "until_ns": until_ns }),
        Limit::Concurrency { max } => json!({ "cause": whose, "limit": "concurrency", "max": max }),
        Limit::Rate { until_ns } => json!({ "cause": whose, "limit": "rate", "until_ns": until_ns }),
        _ => json!({ "cause": whose, "limit": "other" }),
    }
}
