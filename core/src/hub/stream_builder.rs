//! Opening or making a stream.

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::hub::catalogue::{Catalogue, StreamEntry};
use crate::limits::PARTITION_COUNT_MAX;
use crate::name::Name;
use crate::stream::{self, Stream};
use crate::sync::event_count::EventCount;
use std::sync::Arc;

/// A stream to open or make.
#[derive(Debug, Clone)]
pub struct StreamBuilder {
    hub: Hub,
    name: String,
    partitions: Option<u32>,
}

impl StreamBuilder {
    pub(super) fn new(hub: Hub, name: &str) -> Self {
        Self { hub, name: name.to_owned(), partitions: None }
    }

    /// How many partitions a new stream has. Default 1, at most 1024. Cannot be altered: keys would move.
    pub fn partitions(mut self, count: u32) -> Self {
        self.partitions = Some(count);
        self
    }

    /// Opens the stream, making it if it does not exist.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidArgument`; `OptionMismatch` if it has another number of partitions; `Corrupt`, `Io`.
    pub fn open(self) -> Result<Stream> {
        let inner = self.hub.inner();
        inner.check_open()?;
        let name = Name::new(&self.name)?;
        let mut registry = inner.registry_of_open()?;
        let entry = match registry.catalogue.streams.get(name.as_str()) {
            Some(entry) => entry.clone(),
            None => {
                let count = self.partitions.unwrap_or(1);
                if count == 0 || count > PARTITION_COUNT_MAX {
                    let detail = format!("{count} is not allowed; 1 to {PARTITION_COUNT_MAX} are");
                    return Err(Error::invalid("partitions", detail));
                }
                let mut catalogue = registry.catalogue.clone();
                Catalogue::check_case(&name, catalogue.streams.keys())?;
                let entry = StreamEntry {
                    partitions: (0..count).map(|_| catalogue.next_log()).collect(),
                    offsets: catalogue.next_log(),
                };
                catalogue.streams.insert(name.to_string(), entry.clone());
                inner.save(&catalogue)?;
                registry.catalogue = catalogue;
                entry
            }
        };
        let stored = entry.partitions.len() as u32;
        if let Some(asked) = self.partitions.filter(|asked| *asked != stored) {
            return Err(Error::OptionMismatch {
                noun: "stream",
                name,
                option: "partitions",
                stored: stored.to_string(),
                asked: asked.to_string(),
            });
        }
        if let Some(open) = registry.streams.get(&name) {
            return Ok(Stream::new(open.clone(), inner.clone()));
        }
        let data = Arc::new(EventCount::new());
        let mut logs = Vec::with_capacity(entry.partitions.len());
        for (partition, log) in entry.partitions.iter().enumerate() {
            let part = partition.to_string();
            logs.push(inner.open_log(&mut registry, *log, data.clone(), |d| d.stream(&name, &part))?);
        }
        let offsets =
            inner.open_log(&mut registry, entry.offsets, Arc::default(), |d| d.stream(&name, "offsets"))?;
        let offsets = stream::Offsets::open(offsets, inner.journal.clone())?;
        let shared = stream::Shared::new(name.clone(), logs, data, inner.journal.clone(), offsets);
        registry.streams.insert(name, shared.clone());
        Ok(Stream::new(shared, inner.clone()))
    }
}
