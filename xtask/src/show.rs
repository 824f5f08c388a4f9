//! Lines on standard output, for a reader who may have had enough: `./x run | head`.

/// Prints a line, as `println!` does. WHY not that: it panics when nobody reads any more, and what is being done is worth
/// finishing, because it ends in files, logs and an exit code.
macro_rules! show {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        _ = writeln!(std::io::stdout(), $($words)*);
    }};
}
