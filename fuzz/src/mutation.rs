//! Which of the planted bugs are awake.

use std::sync::LazyLock;

/// Whether it is among them: `MUTATION` has one a line. The mutated sources ask at each place that has a bug.
pub fn is(name: &str) -> bool {
    static AWAKE: LazyLock<Vec<String>> =
        LazyLock::new(|| std::env::var("MUTATION").unwrap_or_default().lines().map(str::to_owned).collect());
    AWAKE.iter().any(|awake| awake == name)
}
