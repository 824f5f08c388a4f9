//! Every input of the corpus, committed seeds and what once crashed, through its target: with the sources as they are,
//! and with the feature `mutated` whatever `MUTATION` wakes.

use ringmain_fuzz::{seeds, targets};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

fn replay(target: &str) {
    let run = targets::find(target).unwrap();
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "there is nothing to replay for {target}");
    for input in inputs {
        // A test that fails shows which it was.
        println!("{}", input.display());
        run(&std::fs::read(&input).unwrap());
    }
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = BTreeSet::from([$(stringify!($target)),*]);
            assert_eq!(replayed, targets::names().into_iter().collect());
        }
    };
}

replayed! { frame segment_header index recovery power_cut journal catalogue settlement offsets }

/// A seed that was not renewed with the format would lead nowhere.
#[test]
fn the_seeds_are_what_the_core_writes_now() {
    for (target, name, seed) in seeds::all().unwrap() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target).join(name);
        let kept = std::fs::read(&file).unwrap_or_default();
        assert!(kept == seed, "{target}/{name} is old: cargo run --bin seeds");
    }
}
