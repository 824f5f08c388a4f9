//! One C program out of scripts: a function for each, straight-line calls with checks.

use crate::arguments::{Result, literal};
use crate::verbs::{Thing, Verbs};
use ringmain_behaviour::Script;

/// A script on one kind of hub.
pub struct Play {
    /// What it is called in the answer.
    pub name: String,
    pub script: Script,
    pub is_durable: bool,
}

/// The source of a program, and what of the scripts it cannot say.
pub struct Program {
    pub source: String,
    pub unsaid: Vec<String>,
}

/// The program that plays all of them in its argument, an empty directory. It says of each that fails why, in a line with its name, and
/// ends with "N passed, M failed". A verb or a member that is not known is an error.
pub fn program(plays: &[Play]) -> Result<Program> {
    let mut source = "#include \"replay.h\"\n\n#include <stdlib.h>\n".to_owned();
    let mut unsaid = Vec::new();
    for (index, play) in plays.iter().enumerate() {
        let name = &play.name;
        let function = function(&play.script, &mut unsaid).map_err(|error| format!("{name}: {error}"))?;
        source += &format!("\n/* {} */\nstatic void play_{index}(void)\n{{\n", name.replace("*/", "* /"));
        for line in function {
            source += &format!("    {line}\n");
        }
        source += "}\n";
    }
    source += "\nstatic const struct {\n    const char *name;\n    int is_durable;\n    void (*play)(void);\n} plays[] = {\n";
    for (index, play) in plays.iter().enumerate() {
        source +=
            &format!("    {{{}, {}, play_{index}}},\n", literal(&play.name), i32::from(play.is_durable));
    }
    source += "};\n";
    source += MAIN;
    Ok(Program { source, unsaid })
}

const MAIN: &str = r#"
int main(int argc, char **argv)
{
    size_t count = sizeof plays / sizeof plays[0], failed = 0;
    static char path[4096];
    if (argc != 2)
        return 2;
    for (size_t index = 0; index < count; index++) {
        snprintf(path, sizeof path, "%s/%zu", argv[1], index);
        hub_directory = plays[index].is_durable ? path : NULL;
        advanced_ms = 0;
        fault[0] = '\0';
        STEP(0, "the hub is opened");
        if (is_code(RINGMAIN_OK, open_hub()))
            plays[index].play();
        close_all();
        if (fault[0] != '\0') {
            printf("FAILED %s: %s\n", plays[index].name, fault);
            failed++;
        }
    }
    printf("%zu passed, %zu failed\n", count - failed, failed);
    return failed != 0;
}
"#;

fn function(script: &Script, unsaid: &mut Vec<String>) -> Result<Vec<String>> {
    let mut verbs = Verbs::default();
    for (index, step) in script.steps.iter().enumerate() {
        let told = |error: String| format!("step {index}, {}: {error}", step.call);
        verbs.line(format!("STEP({index}, {});", literal(&step.call)));
        let given = verbs.call(step).map_err(told)?;
        unsaid.extend(given.unsaid);
        if step.error.is_some() {
            continue;
        }
        let names = step.names();
        if names.len() > given.things.len() {
            return Err(told(format!("it gives {} things, not {}", given.things.len(), names.len())));
        }
        for (name, thing) in names.into_iter().zip(given.things) {
            verbs.things.insert(name.to_owned(), thing);
        }
    }
    Ok(verbs.lines)
}

impl Thing {
    /// What a name stands for, in words.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Queue(_) => "queue",
            Self::Job(_) => "job",
            Self::Stream(_) => "stream",
            Self::Reader(_) => "reader",
            Self::Group { .. } => "group",
            Self::Member(_) => "member",
            Self::Producer(_) => "producer",
            Self::Table(_) => "table",
            Self::Record { .. } => "record",
        }
    }
}
