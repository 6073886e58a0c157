//! Lists for people (a table), programs (JSON, an object a line) and spreadsheets (CSV).

mod cell;

use std::io::{self, ErrorKind, Write};

use clap::ValueEnum;
use unicode_width::UnicodeWidthStr;

use super::session::say;

pub use cell::{Cell, json_object};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns with a header
    #[default]
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated, with a header, for spreadsheets
    Csv,
}

/// One line of a list: each column with its value, in the order of the columns.
pub type Row = Vec<(&'static str, Cell)>;

/// Writes rows as they come; a table only at the end, when its widths are known.
///
/// When nobody reads any more (a broken pipe), it goes on quietly and writes nothing; [`ListWriter::is_closed`]
/// tells so.
pub struct ListWriter<'w> {
    out: &'w mut dyn Write,
    format: Format,
    columns: &'static [&'static str],
    table: Vec<Vec<String>>,
    is_first: bool,
    is_closed: bool,
}

impl<'w> ListWriter<'w> {
    /// A list with these `columns`. They are the header of CSV even if no row follows; a table is for people, and
    /// shows only columns in which something stands.
    pub fn new(out: &'w mut dyn Write, format: Format, columns: &'static [&'static str]) -> Self {
        Self { out, format, columns, table: Vec::new(), is_first: true, is_closed: false }
    }

    /// Whether nobody reads any more: further rows need not be fetched.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Takes one row. A column that the header lacks appears in JSON alone.
    ///
    /// # Errors
    /// What writing fails with, a broken pipe excepted.
    pub fn row(&mut self, row: Row) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match self.format {
            Format::Table => {
                let cells = self.columns.iter().map(|column| find(&row, column).table_text()).collect();
                self.table.push(cells);
                Ok(())
            }
            Format::Json => self.write(format!("{}\n", json_object(&row)).as_bytes()),
            Format::Csv => {
                self.csv_header()?;
                let columns = self.columns;
                self.csv_record(columns.iter().map(|column| find(&row, column).csv_text()))
            }
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// What writing fails with, a broken pipe excepted.
    pub fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Table => self.write_table()?,
            Format::Json => {}
            Format::Csv => self.csv_header()?,
        }
        if self.is_closed {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.unless_broken(flushed)
    }

    fn write_table(&mut self) -> io::Result<()> {
        if self.table.is_empty() {
            say("nothing found");
            return Ok(());
        }
        let header = self.columns.iter().map(|column| column.replace('_', " ").to_uppercase()).collect();
        let mut lines: Vec<Vec<String>> = vec![header];
        lines.append(&mut self.table);
        let width = |column: usize| {
            let is_used = lines.iter().skip(1).any(|line| !line[column].is_empty());
            if is_used { lines.iter().map(|line| line[column].width()).max().unwrap_or(0) } else { 0 }
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for line in lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            self.write(format!("{}\n", text.trim_end()).as_bytes())?;
        }
        Ok(())
    }

    fn csv_header(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            return Ok(());
        }
        let columns = self.columns;
        self.csv_record(columns.iter().map(|column| (*column).to_owned()))
    }

    fn csv_record(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(cells)?;
        let record = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        self.write(&record)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.out.write_all(bytes);
        self.unless_broken(written)
    }

    fn unless_broken(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

fn find<'a>(row: &'a Row, column: &str) -> &'a Cell {
    row.iter().find(|(name, _)| *name == column).map_or(&Cell::Nothing, |(_, cell)| cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["id", "name", "attempts", "updated_at"];

    fn rows() -> Vec<Row> {
        vec![
            vec![
                ("id", "a".into()),
                ("name", "Gemeinde Grünau".into()),
                ("attempts", 2.into()),
                ("updated_at", Cell::Nothing),
            ],
            vec![
                ("id", "long-id".into()),
                ("name", "日本 \"x\", y".into()),
                ("attempts", 10.into()),
                ("updated_at", "now".into()),
            ],
        ]
    }

    fn written(format: Format, rows: Vec<Row>) -> String {
        let mut out = Vec::new();
        let mut list = ListWriter::new(&mut out, format, COLUMNS);
        for row in rows {
            list.row(row).unwrap();
        }
        list.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_aligned_and_cuts_nothing() {
        let expected = "\
ID       NAME             ATTEMPTS  UPDATED AT
a        Gemeinde Grünau  2
long-id  日本 \"x\", y      10        now
";
        assert_eq!(written(Format::Table, rows()), expected);
    }

    #[test]
    fn json_is_one_compact_object_a_line_in_the_order_of_the_columns() {
        let expected = "\
{\"id\":\"a\",\"name\":\"Gemeinde Grünau\",\"attempts\":2,\"updated_at\":null}
{\"id\":\"long-id\",\"name\":\"日本 \\\"x\\\", y\",\"attempts\":10,\"updated_at\":\"now\"}
";
        assert_eq!(written(Format::Json, rows()), expected);
    }

    #[test]
    fn csv_quotes_what_must_be_quoted() {
        let expected =
            "id,name,attempts,updated_at\na,Gemeinde Grünau,2,\nlong-id,\"日本 \"\"x\"\", y\",10,now\n";
        assert_eq!(written(Format::Csv, rows()), expected);
    }

    #[test]
    fn a_table_leaves_out_columns_in_which_nothing_stands() {
        let rows = vec![vec![("id", "a".into()), ("name", "".into()), ("attempts", 2.into())]];
        assert_eq!(written(Format::Table, rows), "ID  ATTEMPTS\na   2\n");
    }

    #[test]
    fn an_empty_list_has_its_header_as_csv_alone() {
        assert_eq!(written(Format::Table, Vec::new()), "");
        assert_eq!(written(Format::Csv, Vec::new()), "id,name,attempts,updated_at\n");
        assert_eq!(written(Format::Json, Vec::new()), "");
    }

    #[test]
    fn a_reader_that_has_gone_ends_the_list_quietly() {
        struct Gone(ErrorKind);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(self.0.into())
            }
        }
        let mut gone = Gone(ErrorKind::BrokenPipe);
        let mut list = ListWriter::new(&mut gone, Format::Json, COLUMNS);
        for row in rows() {
            list.row(row).unwrap();
        }
        assert!(list.is_closed());
        list.finish().unwrap();

        let mut full = Gone(ErrorKind::StorageFull);
        assert!(ListWriter::new(&mut full, Format::Csv, COLUMNS).finish().is_err());
    }
}
