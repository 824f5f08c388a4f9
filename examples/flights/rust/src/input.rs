//! The lines of a plain or gzipped file, each bounded in length, numbered as an editor numbers them.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// Longest line taken for a row, in bytes. A row of departures has about 100; the bound keeps a file without line
/// ends out of memory, and every field within the limits of a key or header.
pub const LINE_BYTES_MAX: usize = 4096;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One line without its end.
#[derive(Debug)]
pub struct Line {
    /// Its number; the first is 1.
    pub number: u64,
    /// Its bytes; at most [`LINE_BYTES_MAX`] and one.
    pub bytes: Vec<u8>,
}

impl Line {
    /// Whether there is nothing on it.
    pub fn is_blank(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Reads lines.
pub struct Lines {
    reader: Box<dyn BufRead>,
    number: u64,
}

impl Lines {
    /// Looks at the first bytes to tell gzip from plain text.
    pub fn new(source: impl Read + 'static) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(1 << 16, source);
        let reader: Box<dyn BufRead> = if source.fill_buf()?.starts_with(&GZIP_MAGIC) {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(source)))
        } else {
            Box::new(source)
        };
        Ok(Self { reader, number: 0 })
    }

    /// The next line; `None` at the end. A line over the bound is cut just above it, and read to its end.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::with_capacity(128);
        let limit = LINE_BYTES_MAX as u64 + 2;
        if (&mut self.reader).take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else {
            self.skip_to_line_end()?;
        }
        Ok(Some(Line { number: self.number, bytes }))
    }

    fn skip_to_line_end(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.reader.fill_buf()?;
            if buffered.is_empty() {
                return Ok(());
            }
            let line_end = buffered.iter().position(|byte| *byte == b'\n');
            let used = line_end.map_or(buffered.len(), |index| index + 1);
            self.reader.consume(used);
            if line_end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines_of(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::new(io::Cursor::new(bytes.to_vec())).unwrap();
        std::iter::from_fn(|| lines.next_line().unwrap()).map(|line| (line.number, line.bytes)).collect()
    }

    #[test]
    fn line_ends_of_unix_and_windows_and_a_missing_last_one_are_all_fine() {
        let expected = [(1, b"a".to_vec()), (2, b"".to_vec()), (3, b"b".to_vec())];
        assert_eq!(lines_of(b"a\n\nb"), expected);
        assert_eq!(lines_of(b"a\r\n\r\nb\r\n"), expected);
    }

    #[test]
    fn gzip_is_told_from_plain_text_by_content() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a\nb\n").unwrap();
        assert_eq!(lines_of(&gzip.finish().unwrap()), lines_of(b"a\nb\n"));
    }

    #[test]
    fn a_line_over_the_bound_is_cut_and_the_next_keeps_its_number() {
        let mut bytes = vec![b'x'; 300_000];
        bytes.extend_from_slice(b"\nnext\n");
        let lines = lines_of(&bytes);
        assert!(lines[0].1.len() > LINE_BYTES_MAX && lines[0].1.len() < LINE_BYTES_MAX + 8);
        assert_eq!(lines[1], (2, b"next".to_vec()));
    }
}
