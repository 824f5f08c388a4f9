//! The queue against a model: random verbs, clean closes and crashes, compared after every step. 20,000 cases by default;
//! `PROPTEST_CASES` scales.

mod admission;
mod apply;
mod compare;
mod deadline;
mod limits;
mod model;
mod order;
mod setup;
mod subject;
mod verb;

use apply::apply;
use compare::compare;
use model::Model;
use proptest::prelude::*;
use setup::setup;
use subject::Subject;
use verb::verbs;

fn config() -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        ProptestConfig { cases: 20_000, ..default }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_queue_does_what_its_model_does(
        (setup, verbs) in setup().prop_flat_map(|setup| {
            let verbs = proptest::collection::vec(verbs(setup.with_consumer), 1..120);
            (Just(setup), verbs)
        }),
    ) {
        let mut subject = Subject::new(&setup);
        let mut model = Model::new(setup);
        for (step, verb) in verbs.iter().enumerate() {
            let applied = apply(&mut subject, &mut model, verb).and_then(|()| {
                subject.look();
                model.look();
                compare(&subject, &mut model)
            });
            applied.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
    }
}
