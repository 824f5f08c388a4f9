//! Tells the rings' sources what they run under. By flags of their own, and them alone: who builds a program with
//! `--cfg loom` for its other crates means no ring of ours.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for feature in ["loom", "shuttle", "instrumented"] {
        if std::env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some() {
            println!("cargo::rustc-cfg=ringmain_{feature}");
        }
    }
}
