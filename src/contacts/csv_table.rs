//! CSV as Excel writes it (RFC 4180, with comma or semicolon).
//!
//! Read here and not by a lenient reader: those take a missing closing quotation mark without a word, and then
//! all rows down to the next quotation mark vanish into one cell. Contacts must not vanish.

use super::table::{Cell, NoTable, Row, Table};

/// Reads `text` as rows. The separator is what the header line has more of; a first line `sep=;`, which Excel
/// takes as an instruction and does not count as a row, is obeyed.
///
/// # Errors
/// A quotation mark that is not closed, or after which something else than a separator follows.
pub(super) fn read(text: &str) -> Result<Table, NoTable> {
    let (separator, mut rest) = separator_of(text);
    let mut table = Table::default();
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let mut row = Row { number, cells: Vec::new() };
        rest = read_row(rest, separator, &mut row)
            .map_err(|reason| NoTable { row: Some(number), reason: reason.to_owned() })?;
        if !row.cells.is_empty() {
            table.rows.push(row);
        }
    }
    Ok(table)
}

/// The separator, and the text without a `sep=` line.
fn separator_of(text: &str) -> (char, &str) {
    let (first, after) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end().to_ascii_lowercase().as_str() {
        "sep=;" => return (';', after),
        "sep=," => return (',', after),
        _ => {}
    }
    let mut quoted = false;
    let (mut commas, mut semicolons) = (0, 0);
    for c in text.trim_start().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            ';' if !quoted => semicolons += 1,
            '\n' | '\r' if !quoted => break,
            _ => {}
        }
    }
    (if semicolons > commas { ';' } else { ',' }, text)
}

/// Without the apostrophe that an export puts before what a spreadsheet would take for a formula.
fn without_guard(value: String) -> String {
    match value.strip_prefix('\'') {
        Some(guarded) if guarded.starts_with(['=', '+', '-', '@']) => guarded.to_owned(),
        _ => value,
    }
}

/// Reads one row from the start of `text` into `row`; gives what follows it.
fn read_row<'a>(text: &'a str, separator: char, row: &mut Row) -> Result<&'a str, &'static str> {
    let mut rest = text;
    for column in 0.. {
        // Spaces before a quotation mark come from hand-made files; they do not make the mark a letter.
        let value = if let Some(inside) = rest.trim_start_matches(' ').strip_prefix('"') {
            let (value, after) = read_quoted(inside)?;
            rest = after.trim_start_matches(' ');
            value
        } else {
            let end = rest.find([separator, '\r', '\n']).unwrap_or(rest.len());
            let (value, after) = rest.split_at(end);
            rest = after;
            value.to_owned()
        };
        row.push(column, Cell::Text(without_guard(value)));
        if let Some(after) = rest.strip_prefix(separator) {
            rest = after;
        } else if rest.is_empty() {
            return Ok(rest);
        } else if let Some(after) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])) {
            return Ok(after);
        } else {
            return Err(
                "after a closing quotation mark stands something else than a separator: a quotation \
                        mark is missing here or too much; inside a value it must be written twice (\"\")",
            );
        }
    }
    Ok(rest)
}

/// Reads up to the closing quotation mark; gives the value and what follows the mark.
fn read_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) =
            rest.split_once('"').ok_or("a quotation mark opens a value here and none closes it: add it")?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<(u64, Vec<(usize, String)>)> {
        let own =
            |row: &Row| row.texts().into_iter().map(|(column, text)| (column, text.to_owned())).collect();
        read(text).unwrap().rows.iter().map(|row| (row.number, own(row))).collect()
    }

    fn row(number: u64, cells: &[(usize, &str)]) -> (u64, Vec<(usize, String)>) {
        (number, cells.iter().map(|(column, text)| (*column, (*text).to_owned())).collect())
    }

    #[test]
    fn the_header_line_decides_the_separator_and_quoted_ones_do_not_count() {
        let comma = vec![row(1, &[(0, "id"), (1, "a;b;c")]), row(2, &[(0, "x"), (1, "y;z")])];
        assert_eq!(texts("id,\"a;b;c\"\nx,y;z\n"), comma);
        let semicolon = vec![row(1, &[(0, "id"), (1, "name")]), row(2, &[(0, "x"), (1, "y,z,a")])];
        assert_eq!(texts("id;name\r\nx;y,z,a\r\n"), semicolon);
    }

    #[test]
    fn the_line_that_tells_excel_the_separator_is_obeyed_and_not_counted() {
        let expected = vec![row(1, &[(0, "id,a,b"), (1, "name")]), row(2, &[(0, "x")])];
        assert_eq!(texts("sep=;\r\nid,a,b;name\r\nx;\r\n"), expected);
    }

    #[test]
    fn rows_count_as_in_excel_with_empty_rows_and_line_breaks_inside_quotes() {
        let expected = vec![
            row(1, &[(0, "id")]),
            row(3, &[(0, "two\nlines"), (1, "y")]),
            row(5, &[(0, "say \"hello\"")]),
        ];
        assert_eq!(texts("id\n\n\"two\nlines\",y\n ,\t\n\"say \"\"hello\"\"\"\n\n"), expected);
        assert_eq!(texts("id\rx\r"), vec![row(1, &[(0, "id")]), row(2, &[(0, "x")])]);
    }

    #[test]
    fn a_quotation_mark_inside_a_bare_value_is_a_letter_and_spaces_before_one_are_not() {
        assert_eq!(texts("id,Schule \"Am See\""), vec![row(1, &[(0, "id"), (1, "Schule \"Am See\"")])]);
        assert_eq!(texts("id, \"a, b\" ,c"), vec![row(1, &[(0, "id"), (1, "a, b"), (2, "c")])]);
    }

    #[test]
    fn the_guard_of_an_export_before_a_formula_is_no_part_of_the_value() {
        let read = texts("id,'=1+1,'@home,'s Hof");
        assert_eq!(read, vec![row(1, &[(0, "id"), (1, "=1+1"), (2, "@home"), (3, "'s Hof")])]);
    }

    #[test]
    fn a_missing_quotation_mark_stops_the_file_and_swallows_no_row() {
        let unclosed = read("id,name\nx,\"Müller\ny,Maier\n").unwrap_err();
        assert_eq!(unclosed.row, Some(2));
        assert!(unclosed.reason.contains("none closes it"));
        let mispaired = read("id,name\nx,\"Müller\ny,\"Maier\"\n").unwrap_err();
        assert_eq!(mispaired.row, Some(2));
        assert!(mispaired.reason.contains("written twice"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn any_text_made_of_the_signs_that_matter_is_read_or_refused(text in "[a,;\"\r\n ]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn what_a_csv_writer_writes_is_read_again(
            rows in prop::collection::vec(prop::collection::vec("[a-zäß,;\" \n]{1,8}", 3), 1..8),
            semicolon: bool,
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(if semicolon { b';' } else { b',' })
                .from_writer(Vec::new());
            writer.write_record(["id", "name", "email"]).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let table = read(&text).unwrap();
            let mut read = table.rows.iter().skip(1).peekable();
            for (index, row) in rows.iter().enumerate() {
                let expected: Vec<(usize, &str)> = row.iter().map(String::as_str).enumerate()
                    .filter(|(_, text)| !text.trim().is_empty()).collect();
                if !expected.is_empty() {
                    let found = read.next().unwrap();
                    prop_assert_eq!(found.number, index as u64 + 2);
                    prop_assert_eq!(found.texts(), expected);
                }
            }
            prop_assert!(read.next().is_none());
        }
    }
}
