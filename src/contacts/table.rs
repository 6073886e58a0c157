//! A sheet of text cells, whatever file it came from.

/// The longest value a cell may hold, in characters.
pub(super) const LONGEST_CELL: usize = 10_000;

/// The most columns a file may have.
pub(super) const MOST_COLUMNS: usize = 200;

/// The rows that hold anything, in order; the first one is the header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

/// One row. Only cells with something in them are kept, so that a wide, empty sheet costs nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// As Excel counts: the first row is 1, empty rows count.
    pub(super) number: u64,
    /// Column (the first is 0) and text, in order of columns. White space around the text is still there.
    pub(super) cells: Vec<(usize, Cell)>,
}

/// What a cell holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Its text.
    Text(String),
    /// Nothing that can be used, and why.
    Unusable(String),
}

impl Row {
    /// Adds a cell unless it is blank.
    pub(super) fn push(&mut self, column: usize, cell: Cell) {
        match cell {
            Cell::Text(text) if text.trim().is_empty() => {}
            cell => self.cells.push((column, cell)),
        }
    }
}

/// Why a file is no table: the row, where one is at fault, and the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoTable {
    pub(super) row: Option<u64>,
    pub(super) reason: String,
}

impl NoTable {
    /// The whole file is at fault.
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self { row: None, reason: reason.into() }
    }
}

#[cfg(test)]
impl Row {
    /// The row's texts with their columns, for comparison in tests.
    pub(super) fn texts(&self) -> Vec<(usize, &str)> {
        self.cells
            .iter()
            .filter_map(|(column, cell)| match cell {
                Cell::Text(text) => Some((*column, text.as_str())),
                Cell::Unusable(_) => None,
            })
            .collect()
    }
}
