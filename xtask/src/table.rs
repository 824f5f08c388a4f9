//! Tables of numbers for people.

use std::fmt;

/// A table: the first column is names, the others are numbers.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|column| (*column).to_owned()).collect()] }
    }

    /// Adds a row: its name, and its numbers. `None` is shown as a dash.
    pub fn row(&mut self, name: &str, numbers: &[Option<String>]) {
        let numbers = numbers.iter().map(|number| number.clone().unwrap_or_else(|| "-".to_owned()));
        self.rows.push(std::iter::once(name.to_owned()).chain(numbers).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match index {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A count with its thousands apart: `27,004`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right_under_their_columns() {
        let mut table = Table::new(&["step", "rows"]);
        table.row("rust", &[Some(grouped(27_004))]);
        table.row("c", &[None]);
        assert_eq!(table.to_string(), "step    rows\nrust  27,004\nc          -\n");
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 999, 1000, 27_004, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "27,004", "1,234,567"]);
    }
}
