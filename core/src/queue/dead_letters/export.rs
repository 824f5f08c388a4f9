//! Writing letters down, a JSON object a line.

use crate::error::{Error, Result};
use crate::queue::dead_letters::Letters;
use crate::queue::dead_letters::scan::Scan;
use crate::queue::shared::Shared;
use crate::sync::lock;
use serde::Serialize;
use std::io::Write;

/// Bytes as text, if they are any.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Bytes<'a> {
    Text(&'a str),
    Base64(String),
}

#[derive(Serialize)]
struct Header<'a> {
    name: &'a str,
    #[serde(flatten)]
    value: Bytes<'a>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    time_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Bytes<'a>>,
    headers: Vec<Header<'a>>,
    value: Bytes<'a>,
}

fn bytes(bytes: &[u8]) -> Bytes<'_> {
    std::str::from_utf8(bytes).map_or_else(|_| Bytes::Base64(base64(bytes)), Bytes::Text)
}

/// As RFC 4648 has it, section 4: four characters for every three bytes, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let character = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        let padded = move |at| if at <= three.len() { character(at) } else { '=' };
        [padded(0), padded(1), padded(2), padded(3)]
    };
    bytes.chunks(3).flat_map(four).collect()
}

impl Shared {
    pub(crate) fn export(&self, letters: &Letters, to: &mut dyn Write) -> Result<u64> {
        let refused = |e| Error::io("write", "the export", &e);
        let mut scan = Scan::new(self, letters)?;
        let mut count = 0;
        while let Some(found) = scan.next()? {
            if found.counts_if_waiting(self, &lock(&self.state)).is_none() {
                continue;
            }
            let frame = found.payload.frame();
            let line = Line {
                id: found.id,
                time_ns: frame.time_ns(),
                event_time_ns: frame.event_time_ns(),
                key: frame.key().map(bytes),
                headers: frame.headers().map(|(name, value)| Header { name, value: bytes(value) }).collect(),
                value: bytes(frame.value()),
            };
            let mut text =
                serde_json::to_vec(&line).map_err(|e| Error::Internal { detail: e.to_string() })?;
            text.push(b'\n');
            to.write_all(&text).map_err(refused)?;
            count += 1;
        }
        to.flush().map_err(refused)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_are_written_as_the_standard_says() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"\xff\xef\xfe", "/+/+"),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }
}
