//! The queue against a model: random verbs, clean closes and crashes, compared after every step. 20,000 cases by default;
//! `PROPTEST_CASES` scales.

mod apply;
mod compare;
mod model;
mod subject;
mod verb;

use apply::apply;
use compare::compare;
use model::Model;
use proptest::prelude::*;
use ringmain::OnExhausted;
use subject::{DEAD, Mode, Subject};
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
        mode in prop_oneof![Just(Mode::Memory), Just(Mode::Written), Just(Mode::Synced)],
        policy in prop_oneof![
            4 => Just(OnExhausted::DeadLetter(DEAD.into())), 1 => Just(OnExhausted::Drop), 1 => Just(OnExhausted::Keep),
        ],
        verbs in any::<bool>().prop_flat_map(|with_consumer| proptest::collection::vec(verbs(with_consumer), 1..120)),
    ) {
        let mut subject = Subject::new(mode, policy.clone());
        let mut model = Model::new(policy);
        for (step, verb) in verbs.iter().enumerate() {
            let applied = apply(&mut subject, &mut model, verb).and_then(|()| {
                subject.look();
                model.look();
                compare(&subject, &model)
            });
            applied.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
    }
}
