//! The programs of `docs/c.md`: each block is a whole one, is compiled as it stands, and prints what the block below it says.

mod library;

use std::path::Path;

/// A fenced block: its language and its text.
type Block = (String, String);

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/c.md");
    std::fs::read_to_string(path).unwrap()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(language) => {
                is_inside = true;
                blocks.push((language.to_owned(), String::new()));
            }
            None if is_inside => {
                if let Some((_, text)) = blocks.last_mut() {
                    *text += line;
                    *text += "\n";
                }
            }
            None => {}
        }
    }
    assert!(!is_inside, "a block without an end");
    blocks
}

/// What a header is called that others include: its first line says so.
fn header(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix("/* ")?.strip_suffix(" */").filter(|name| name.ends_with(".h"))
}

/// Compiles a program in a directory and runs it there; what it prints.
fn run(directory: &Path, (language, text): &Block, standard: &str) -> String {
    let source = directory.join(format!("program.{language}"));
    std::fs::write(&source, text).unwrap();
    let output = library::run(&source, standard, &[], &[]);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs every program of a language by every standard; how many there are.
fn run_all(language: &str, standards: &[&str]) -> usize {
    let blocks = blocks(&page());
    let mut count = 0;
    for (index, block) in blocks.iter().enumerate().filter(|(_, (of, _))| of == language) {
        if header(&block.1).is_some() {
            continue;
        }
        let expected = blocks.get(index + 1).filter(|(of, _)| of == "text").map_or("", |(_, text)| text);
        for standard in standards {
            let directory = tempfile::tempdir().unwrap();
            for (_, text) in &blocks {
                if let Some(name) = header(text) {
                    std::fs::write(directory.path().join(name), text).unwrap();
                }
            }
            assert_eq!(run(directory.path(), block, standard), expected, "{standard}\n{}", block.1);
        }
        count += 1;
    }
    count
}

#[test]
fn the_c_programs_of_the_page_print_what_it_says() {
    assert!(run_all("c", &["-std=c11"]) >= 6);
}

#[test]
fn the_cpp_programs_of_the_page_print_what_it_says() {
    if library::has_cpp() {
        assert!(run_all("cpp", &["-std=c++17", "-std=c++20"]) >= 1);
    }
}
