//! Workbooks made for tests.

use std::fmt::Write as _;
use std::io::Cursor;

/// A workbook with these sheets, each given as the XML inside `<sheetData>`.
pub(in crate::contacts) fn workbook(sheets: &[&str]) -> Vec<u8> {
    let parts = sheets.iter().enumerate().map(|(index, data)| {
        let xml = format!(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{data}\
             </sheetData></worksheet>"
        );
        (format!("xl/worksheets/sheet{}.xml", index + 1), xml)
    });
    let mut list = String::new();
    let mut relations = String::new();
    for n in 1..=sheets.len() {
        write!(list, "<sheet name=\"Tabelle{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>").unwrap();
        write!(
            relations,
            "<Relationship Id=\"rId{n}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
             relationships/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
        )
        .unwrap();
    }
    let book = format!(
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.\
         openxmlformats.org/officeDocument/2006/relationships\"><sheets>{list}</sheets></workbook>"
    );
    let styles = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cellXfs>\
                  <xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let relations = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{relations}\
         </Relationships>"
    );
    let root = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
                Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/\
                officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
    let mut all: Vec<(String, String)> = parts.collect();
    all.push(("xl/workbook.xml".to_owned(), book));
    all.push(("xl/styles.xml".to_owned(), styles.to_owned()));
    all.push(("xl/_rels/workbook.xml.rels".to_owned(), relations));
    all.push(("_rels/.rels".to_owned(), root.to_owned()));
    pack(&all)
}

/// A ZIP archive with these files.
pub(in crate::contacts) fn pack(parts: &[(String, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A cell with a text.
pub(in crate::contacts) fn text_cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}
