//! Tells the rings' sources which scheduler they run under, as `--cfg loom` would, but them alone: other crates that
//! know the same flag are left as they are, and are built once for all programs.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for scheduler in ["loom", "shuttle"] {
        if std::env::var_os(format!("CARGO_FEATURE_{}", scheduler.to_uppercase())).is_some() {
            println!("cargo::rustc-cfg={scheduler}");
        }
    }
}
