//! `include/ringmain.h` is what cbindgen makes of the sources. To write it anew: `RINGMAIN_BLESS=1 cargo test -p
//! ringmain-ffi --test header`.

use std::path::Path;

#[test]
fn the_committed_header_is_what_cbindgen_makes_of_the_sources() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = package.join("include/ringmain.h");
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    let mut made = Vec::new();
    cbindgen::Builder::new().with_crate(package).with_config(config).generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();

    if std::env::var_os("RINGMAIN_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = made.lines().zip(committed.lines().chain(std::iter::repeat(""))).enumerate();
    let first = difference.into_iter().find(|(_, (made, committed))| made != committed);
    assert!(
        made == committed,
        "{} is not up to date (first at line and text: {first:?}); run with RINGMAIN_BLESS=1 to write it anew",
        path.display()
    );
}
