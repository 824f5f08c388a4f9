//! Writes the seeds into `corpus/TARGET/`, next to what was found by fuzzing.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = ringmain_fuzz::seeds::all()?;
    let mut bytes = 0;
    for (target, name, seed) in &seeds {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), seed)?;
        bytes += seed.len();
    }
    println!("{} seeds, {bytes} bytes", seeds.len());
    Ok(())
}
