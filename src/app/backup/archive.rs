//! Tar archives of regular files: the `ustar` format of POSIX.1-2017, section "pax", ustar Interchange Format.

use std::io::{self, ErrorKind, Read, Write};

const BLOCK: usize = 512;
const NAME: usize = 100;
/// A file of a backup is a few megabytes at most; one that claims more is not ours.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Writes an archive, file after file.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    output: W,
    modified: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// An archive whose files all say that they were written at `modified`, seconds since 1970.
    pub const fn new(output: W, modified: u64) -> Self {
        Self { output, modified }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the path is too long or `output` cannot be written.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(&header(path, bytes.len() as u64, self.modified)?)?;
        self.output.write_all(bytes)?;
        let rest = bytes.len() % BLOCK;
        if rest > 0 {
            self.output.write_all(&[0; BLOCK][rest..])?;
        }
        Ok(())
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// When `output` cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&[0; 2 * BLOCK])?;
        Ok(self.output)
    }
}

fn header(path: &str, length: u64, modified: u64) -> io::Result<[u8; BLOCK]> {
    let too_long = || io::Error::new(ErrorKind::InvalidInput, format!("the path {path} is too long"));
    // A long path is parted at a slash: what is before goes into the prefix.
    let (prefix, name) = if path.len() <= NAME {
        ("", path)
    } else {
        let cut = path.match_indices('/').map(|(at, _)| at).find(|at| path.len() - at - 1 <= NAME);
        cut.filter(|at| *at <= 155).map(|at| (&path[..at], &path[at + 1..])).ok_or_else(too_long)?
    };
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{length:011o}\0").as_bytes());
    put(136, format!("{modified:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// Reads an archive, file after file.
#[derive(Debug)]
pub struct ArchiveReader<R> {
    input: R,
}

impl<R: Read> ArchiveReader<R> {
    /// The archive in `input`.
    pub const fn new(input: R) -> Self {
        Self { input }
    }

    /// The next file, its path and its bytes; `None` at the end.
    ///
    /// # Errors
    /// When the archive breaks off, holds anything but regular files, or one that is larger than any of ours.
    pub fn next_file(&mut self) -> io::Result<Option<(String, Vec<u8>)>> {
        let mut block = [0_u8; BLOCK];
        self.input.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            // Two empty blocks end it; and what encrypts notices only at its very end that nothing is missing.
            self.input.read_exact(&mut block)?;
            let more = io::copy(&mut self.input, &mut io::sink())?;
            let ends = block == [0; BLOCK] && more == 0;
            return if ends { Ok(None) } else { Err(wrong("something stands behind its end")) };
        }
        let sum = octal(&block[148..156]).ok_or_else(|| wrong("it is no tar archive"))?;
        let counted: u64 =
            (0..BLOCK).map(|at| if (148..156).contains(&at) { 32 } else { block[at].into() }).sum();
        if sum != counted || &block[257..262] != b"ustar" {
            return Err(wrong("it is no tar archive"));
        }
        if block[156] != b'0' {
            return Err(wrong("it holds something else than files"));
        }
        let length = octal(&block[124..136]).filter(|length| *length <= LARGEST);
        let length = length.ok_or_else(|| wrong("one of its files is too large"))?;
        let (name, prefix) = (text(&block[..NAME])?, text(&block[345..500])?);
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let mut bytes = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut bytes)?;
        let padding = (BLOCK - bytes.len() % BLOCK) % BLOCK;
        if bytes.len() as u64 != length {
            return Err(wrong("it breaks off"));
        }
        self.input.read_exact(&mut block[..padding])?;
        Ok(Some((path, bytes)))
    }
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_owned())
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(digits.trim_matches(['\0', ' ']), 8).ok()
}

fn text(field: &[u8]) -> io::Result<String> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8(field[..end].to_vec()).map_err(|_| wrong("a path in it is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new(), 1_795_000_000);
        for (path, bytes) in files {
            writer.add(path, bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = ArchiveReader::new(bytes);
        let mut files = Vec::new();
        while let Some(file) = reader.next_file()? {
            files.push(file);
        }
        Ok(files)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let long = format!("{}/{}", "ordner".repeat(20), "datei".repeat(10));
        let files: Vec<(&str, &[u8])> =
            vec![("a", b""), ("ordner/b.txt", b"hallo"), (&long, &[7; 512]), ("c", &[1; 513])];
        let read = read(&archive(&files)).unwrap();
        let borrowed: Vec<(&str, &[u8])> =
            read.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        assert_eq!(borrowed, files);
    }

    #[test]
    fn an_archive_that_breaks_off_anywhere_is_not_taken_for_whole() {
        let whole = archive(&[("a", b"hallo"), ("b", &[1; 600])]);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn other_bytes_and_links_are_refused() {
        assert!(read(&[b'x'; 2_048]).is_err());
        let mut link = archive(&[("a", b"")]);
        link[156] = b'2';
        link[148..156].copy_from_slice(b"        ");
        let sum: u32 = link[..512].iter().map(|byte| u32::from(*byte)).sum();
        link[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(read(&link).unwrap_err().to_string().contains("something else"));
    }

    #[test]
    fn a_path_that_does_not_fit_is_refused_not_cut() {
        assert!(ArchiveWriter::new(Vec::new(), 0).add(&"x".repeat(101), b"").is_err());
    }
}
