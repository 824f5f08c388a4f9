//! Which of the planted bugs is awake.

use std::sync::LazyLock;

/// Whether it is this one. The mutated sources ask at each place that has a bug.
pub fn is(name: &str) -> bool {
    static AWAKE: LazyLock<String> = LazyLock::new(|| std::env::var("MUTATION").unwrap_or_default());
    *AWAKE == name
}
