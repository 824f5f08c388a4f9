//! The results for people: for each group who did what, and how ours stands.

use super::report::{AND_RATIO, Cell};
use super::statistics::Spread;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Ranges are shown if there are no more columns than this.
const RANGED_COLUMNS_MAX: usize = 3;

/// All groups, in the order of their first cells.
pub fn cells(cells: &[Cell]) -> String {
    let mut out = String::new();
    let mut rest = cells;
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|cell| cell.group == first.group).count();
        let (group, others) = rest.split_at(count);
        write_group(&mut out, group);
        rest = others;
    }
    write_total(&mut out, cells);
    out
}

fn write_group(out: &mut String, cells: &[Cell]) {
    let Some(first) = cells.first() else { return };
    let _ = writeln!(out, "\n== {} ==\n", first.group);
    write_entrants(out, cells);
    out.push('\n');
    write_verdicts(out, cells);
}

/// Who did what: a row for each entrant, a column for each cell.
fn write_entrants(out: &mut String, cells: &[Cell]) {
    let ranged = cells.len() <= RANGED_COLUMNS_MAX;
    let mut rows: BTreeMap<(u8, &str), Vec<Option<String>>> = BTreeMap::new();
    for (column, cell) in cells.iter().enumerate() {
        let ours = cell.ours_name.iter().zip(&cell.ours).map(|(name, spread)| (0, name, spread));
        let variants = cell.variants.iter().map(|(name, spread)| (0, name, spread));
        let rivals = cell.rivals.iter().map(|(name, spread)| (1, name, spread));
        let references = cell.references.iter().map(|(name, spread)| (2, name, spread));
        for (rank, name, spread) in ours.chain(variants).chain(rivals).chain(references) {
            let row = rows.entry((rank, name)).or_insert_with(|| vec![None; cells.len()]);
            let chosen = if cell.ours_name.as_ref() == Some(name) { "*" } else { "" };
            row[column] = Some(format!("{chosen}{}", shown(spread, ranged)));
        }
        for name in cell.cut_off.keys() {
            let row = rows.entry((3, name)).or_insert_with(|| vec![None; cells.len()]);
            row[column] = Some("cut off".to_owned());
        }
    }
    let mut table = vec![head(cells)];
    for ((rank, name), columns) in rows {
        let kind = ["", "", " (reference)", ""][usize::from(rank)];
        let columns = columns.into_iter().map(|column| column.unwrap_or_else(|| "-".to_owned()));
        table.push(std::iter::once(format!("{name}{kind}")).chain(columns).collect());
    }
    write_aligned(out, &table);
}

/// The names of the cells without what the group's name says already.
fn head(cells: &[Cell]) -> Vec<String> {
    let short = |cell: &Cell| {
        let said = |word: &&str| cell.group.split(' ').any(|part| part == *word);
        let name: Vec<&str> = cell.cell.split(' ').filter(|word| !said(word)).collect();
        format!("{} {}", if name.is_empty() { cell.cell.clone() } else { name.join(" ") }, cell.unit)
    };
    std::iter::once("* ours in that cell".to_owned()).chain(cells.iter().map(short)).collect()
}

fn write_verdicts(out: &mut String, cells: &[Cell]) {
    let heads = ["cell", "unit", "ours", "median", "best rival", "median", "ratio", "goal", ""];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for cell in cells {
        let best = cell.best.clone().unwrap_or_else(|| "-".to_owned());
        let spread = cell.best.as_ref().and_then(|name| cell.rivals.get(name));
        let text = |spread: Option<&Spread>| spread.map_or("-".to_owned(), |spread| shown(spread, true));
        let goal = match (cell.goal, cell.goal_is.as_deref()) {
            (Some(goal), Some("ratio")) => format!(">= {goal:.2}x"),
            (Some(goal), Some(of)) if of.starts_with("ratio to ") => {
                let is = cell.goal_ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
                format!("{is} of >= {goal:.2}x, {of}")
            }
            (Some(goal), of) => {
                let value = format!("{} {goal}", if cell.higher_is_better { ">=" } else { "<=" });
                let ratio = of.and_then(|of| of.strip_prefix(AND_RATIO));
                let is = cell.goal_ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
                ratio.map_or(value.clone(), |ratio| format!("{value}, and {is} of >= {ratio}"))
            }
            (None, _) => "-".to_owned(),
        };
        table.push(vec![
            cell.cell.clone(),
            cell.unit.to_owned(),
            cell.ours_name.clone().unwrap_or_else(|| "-".to_owned()),
            text(cell.ours.as_ref()),
            best,
            text(spread),
            cell.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x")),
            goal,
            mark(cell).to_owned(),
        ]);
    }
    write_aligned(out, &table);
    for (name, why) in cells.iter().flat_map(|cell| &cell.cut_off) {
        let _ = writeln!(out, "cut off: {name}: {why}");
    }
}

fn mark(cell: &Cell) -> &'static str {
    match cell.met {
        Some(true) => "ok",
        Some(false) => "MISSED",
        None if cell.goal.is_none() => "",
        None => "not compared",
    }
}

fn write_total(out: &mut String, cells: &[Cell]) {
    let count = |met| cells.iter().filter(|cell| cell.goal.is_some() && cell.met == met).count();
    let _ = writeln!(
        out,
        "\n{} cells: {} reach their goal, {} miss it, {} could not be compared, {} have none",
        cells.len(),
        count(Some(true)),
        count(Some(false)),
        count(None),
        cells.iter().filter(|cell| cell.goal.is_none()).count()
    );
}

fn shown(spread: &Spread, ranged: bool) -> String {
    let Spread { median, min, max } = spread;
    if ranged { format!("{} ({}-{})", digits(*median), digits(*min), digits(*max)) } else { digits(*median) }
}

/// Three digits that mean something.
pub fn digits(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size < 9.995 => format!("{number:.2}"),
        size if size < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

fn write_aligned(out: &mut String, table: &[Vec<String>]) {
    let mut widths: Vec<usize> = Vec::new();
    for row in table {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.chars().count());
        }
    }
    for row in table {
        let mut line = String::new();
        for (index, (text, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match index {
                0 => write!(line, "{text:<width$}"),
                _ => write!(line, "  {text:>width$}"),
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123, 9.99, 9.999, 99.94, 99.96, 1234.5].map(digits);
        assert_eq!(shown, ["0", "0.12", "9.99", "10.0", "99.9", "100", "1234"]);
    }
}
