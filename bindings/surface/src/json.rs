//! Text to data, with errors that say where in it.

use ringmain::{Error, Result};
use serde::de::DeserializeOwned;
use serde_path_to_error as paths;

/// Most bytes of options or arguments.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// The data that a caller's text says; `what` it is, for the error.
pub(crate) fn parse<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    if text.len() > TEXT_BYTES_MAX {
        let (bytes, limit_bytes) = (text.len() as u64, TEXT_BYTES_MAX as u64);
        return Err(Error::TooLarge { what, bytes, limit_bytes });
    }
    let text = if text.trim().is_empty() { "{}" } else { text };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let data = paths::deserialize(&mut deserializer).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.inner().to_string());
        Error::invalid(what, if path == "." { error } else { format!("{path}: {error}") })
    })?;
    deserializer.end().map_err(|error| Error::invalid(what, error.to_string()))?;
    Ok(data)
}
