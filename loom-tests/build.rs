//! Tells the rings' sources what they run under, as `--cfg loom` would, but them alone: other crates that know the same
//! flag are left as they are, and are built once for all programs.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for feature in ["loom", "shuttle", "instrumented"] {
        if std::env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some() {
            println!("cargo::rustc-cfg={feature}");
        }
    }
}
