//! Every interleaving of a model, within its bound.

use crate::models::{Model, Size};

/// Thread switches of one execution; more is a loop that waits for nobody.
const BRANCHES_MAX: usize = 20_000;

/// Whether loom runs this model.
pub fn takes(model: &Model) -> bool {
    !matches!(model.size, Size::Large)
}

/// Runs it until there is no interleaving left.
pub fn explore(model: &Model, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = BRANCHES_MAX;
    builder.preemption_bound = match model.size {
        Size::Bounded(preemptions) => Some(preemptions),
        _ => None,
    };
    builder.check(body);
}
