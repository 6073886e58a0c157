//! Excel workbooks (`.xlsx`, ECMA-376): the one visible sheet that holds anything.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::table::{Cell, MOST_COLUMNS, NoTable, Row, Table};

/// What a workbook may hold when unpacked, in bytes: a small file can unpack to terabytes.
const MOST_UNPACKED: u64 = 200_000_000;

/// What the cells of a sheet may hold together, in bytes: one long text may be used by a million cells.
const MOST_TEXT: usize = 50_000_000;

/// Above this Excel has rounded a number: it keeps 15 digits.
const EXACT_BELOW: f64 = 1e15;

/// Reads the workbook's cells as text. Numbers come out as they are typed, without exponent or `.0`.
///
/// # Errors
/// Bytes that are no workbook, a workbook with a password, one with several filled sheets, one too large.
pub(super) fn read(bytes: &[u8]) -> Result<Table, NoTable> {
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(NoTable::because(
            "this is a workbook with a password or of the old .xls kind: save it as .xlsx without a password",
        ));
    }
    check_size(bytes)?;
    // calamine panics on some damaged workbooks (a row number beyond 32 bits, in builds that check overflow).
    std::panic::catch_unwind(|| read_workbook(bytes))
        .unwrap_or_else(|_| Err(damaged(&"its cells have impossible places")))
}

fn read_workbook(bytes: &[u8]) -> Result<Table, NoTable> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut found: Option<(String, Table)> = None;
    for name in sheets {
        let table = read_sheet(&mut workbook, &name)?;
        match &found {
            _ if table.rows.is_empty() => {}
            None => found = Some((name, table)),
            Some((first, _)) => {
                return Err(NoTable::because(format!(
                    "the sheets \"{first}\" and \"{name}\" both hold something, and a file is one group: save each \
                     sheet as a file of its own, or delete or hide the one that holds no contacts"
                )));
            }
        }
    }
    Ok(found.map(|(_, table)| table).unwrap_or_default())
}

/// Unpacks everything once, counting, so that nothing larger than allowed is ever kept.
fn check_size(bytes: &[u8]) -> Result<(), NoTable> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let mut left = MOST_UNPACKED;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| damaged(&error))?;
        let size =
            std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|error| damaged(&error))?;
        left = left.checked_sub(size).ok_or_else(|| {
            NoTable::because(format!(
                "unpacked it has more than {} MB: split it, or save it as CSV",
                MOST_UNPACKED / 1_000_000
            ))
        })?;
    }
    Ok(())
}

fn read_sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Table, NoTable> {
    let mut cells = workbook.worksheet_cells_reader(name).map_err(|error| damaged(&error))?;
    let mut rows = std::collections::BTreeMap::<u32, Row>::new();
    let mut left = MOST_TEXT;
    while let Some(cell) = cells.next_cell().map_err(|error: XlsxError| damaged(&error))? {
        let (row, column) = cell.get_position();
        let text = text_of(cell.get_value());
        if let Cell::Text(text) = &text {
            left = left.checked_sub(text.len()).ok_or_else(|| {
                NoTable::because(format!(
                    "its cells hold more than {} MB of text: split it",
                    MOST_TEXT / 1_000_000
                ))
            })?;
            if text.trim().is_empty() {
                continue;
            }
        }
        let number = u64::from(row) + 1;
        let column = column as usize;
        if column >= MOST_COLUMNS {
            return Err(NoTable {
                row: Some(number),
                reason: format!("there is something to the right of column {MOST_COLUMNS}: delete it"),
            });
        }
        rows.entry(row).or_insert_with(|| Row { number, cells: Vec::new() }).push(column, text);
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    for row in &mut rows {
        row.cells.sort_by_key(|(column, _)| *column);
    }
    Ok(Table { rows })
}

/// What a person sees in the cell, as far as the file says it.
fn text_of(value: &DataRef<'_>) -> Cell {
    Cell::Text(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) if number.is_finite() && number.abs() < EXACT_BELOW => number.to_string(),
        DataRef::Float(_) => {
            return Cell::Unusable(
                "it holds a number of more than 15 digits, of which Excel has lost the last: give the cell the \
                 format Text and type it again"
                    .to_owned(),
            );
        }
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, _, _) = moment.to_ymd_hms_milli();
            match (moment.as_f64() < 1.0, hour, minute) {
                (true, ..) => format!("{hour:02}:{minute:02}"),
                (false, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                (false, ..) => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"),
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => {
            return Cell::Unusable(format!(
                "it holds the Excel error {error}: mend the formula or type the value"
            ));
        }
    })
}

fn damaged(error: &dyn std::fmt::Display) -> NoTable {
    NoTable::because(format!(
        "this is no readable Excel workbook ({}): open it in Excel and save it again as .xlsx",
        super::finding::shown(&error.to_string())
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::workbook::{pack, text_cell, workbook};
    use super::*;

    fn reason(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().reason
    }

    #[test]
    fn numbers_and_dates_come_out_as_they_were_typed() {
        let sheet = format!(
            "<row r=\"1\">{}</row><row r=\"3\"><c r=\"A3\"><v>4711</v></c><c r=\"B3\"><v>4.915228817386E12</v></c>\
             <c r=\"D3\"><v>0.5</v></c><c r=\"E3\" s=\"1\"><v>46346</v></c><c r=\"F3\" t=\"b\"><v>1</v></c></row>",
            text_cell("A1", "id")
        );
        let table = read(&workbook(&[&sheet])).unwrap();
        assert_eq!(table.rows[0].texts(), [(0, "id")]);
        assert_eq!(table.rows[1].number, 3);
        assert_eq!(
            table.rows[1].texts(),
            [(0, "4711"), (1, "4915228817386"), (3, "0.5"), (4, "2026-11-20"), (5, "true")]
        );
    }

    #[test]
    fn a_rounded_number_and_an_excel_error_are_not_taken_for_values() {
        let sheet = "<row r=\"1\"><c r=\"A1\"><v>4.9152288173861234E15</v></c><c r=\"B1\" t=\"e\"><v>#REF!</v></c></row>";
        let table = read(&workbook(&[sheet])).unwrap();
        let [(0, Cell::Unusable(digits)), (1, Cell::Unusable(error))] = table.rows[0].cells.as_slice() else {
            panic!("{table:?}");
        };
        assert!(digits.contains("15 digits"));
        assert!(error.contains("#REF!"));
    }

    #[test]
    fn a_second_sheet_with_contacts_is_not_left_out_in_silence() {
        let sheet = format!("<row r=\"1\">{}</row>", text_cell("A1", "id"));
        assert_eq!(read(&workbook(&[&sheet, "", ""])).unwrap().rows.len(), 1);
        assert!(reason(&workbook(&["", &sheet, &sheet])).contains("\"Tabelle2\" and \"Tabelle3\""));
    }

    #[test]
    fn what_is_no_workbook_is_said_with_its_mend() {
        assert!(reason(b"\xd0\xcf\x11\xe0\xa1\xb1").contains("password"));
        assert!(reason(b"id,name").contains("save it again as .xlsx"));
        assert!(reason(b"").contains("no readable Excel workbook"));
        assert!(
            reason(&pack(&[("a.txt".to_owned(), "x".to_owned())])).contains("no readable Excel workbook")
        );
    }

    #[test]
    fn a_small_file_that_unpacks_to_a_huge_one_is_refused() {
        let bomb = pack(&[("xl/workbook.xml".to_owned(), " ".repeat(MOST_UNPACKED as usize + 1))]);
        assert!(bomb.len() < 1_000_000);
        assert!(reason(&bomb).contains("more than 200 MB"));
    }

    #[test]
    fn a_cell_at_the_far_end_of_the_sheet_costs_no_memory() {
        let far_down = format!("<row r=\"1048576\">{}</row>", text_cell("A1048576", "x"));
        assert_eq!(read(&workbook(&[&far_down])).unwrap().rows[0].number, 1_048_576);
        let far_right = format!("<row r=\"1\">{}</row>", text_cell("XFD1", "x"));
        assert!(reason(&workbook(&[&far_right])).contains("right of column 200"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_damaged_sheet_is_read_or_refused(
            cut in 0..200_usize,
            noise in "[<>/a-z\"= &;#0-9]{0,12}",
            place in "[A-Z]{0,4}[0-9]{0,12}",
        ) {
            let sheet = format!("<row r=\"1\">{}<c r=\"B1\" s=\"7\"><v>1e400</v></c></row>", text_cell(&place, "id"));
            let cut = sheet.floor_char_boundary(cut.min(sheet.len()));
            let _ = read(&workbook(&[&format!("{}{noise}{}", &sheet[..cut], &sheet[cut..])]));
        }
    }
}
