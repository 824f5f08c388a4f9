//! Deleting a queue or a stream.
//!
//! **Promise.** All of it or nothing: the catalogue says first that it is gone, then its files are removed. What a crash leaves
//! of those is removed when the hub is opened, or when another one is made. So is what a snapshot still copies, when that is done.

use crate::error::{Error, Result};
use crate::hub::catalogue::Catalogue;
use crate::hub::registry::Registry;
use crate::hub::{Hub, Inner};
use crate::log::{Level, Log};
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::queue::QueueOptions;
use std::sync::Arc;

impl Hub {
    /// Deletes a queue, with all its messages. Handles of it refuse every verb from then on, and whoever waits for a message
    /// is woken. Messages of it that have died stay where they are.
    ///
    /// ```
    /// # use ringmain::{Error, Hub};
    /// # let hub = Hub::memory();
    /// let queue = hub.queue("jobs").dead_letter("jobs.dead").open()?;
    /// assert!(hub.delete_queue("jobs.dead").is_err(), "jobs sends its dead letters there");
    /// hub.delete_queue("jobs")?;
    /// assert!(matches!(queue.try_receive(), Err(Error::Closed { .. })));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` if others send their dead letters or late messages to it, saying which; `Closed`. `Io` if the catalogue
    /// cannot be written: then it is there as before; or if a file cannot be removed: then the queue is gone all the same.
    pub fn delete_queue(&self, name: &str) -> Result<()> {
        let inner = self.inner();
        inner.check_open()?;
        let name = Name::new(name)?;
        let mut registry = inner.registry_of_open()?;
        let mut catalogue = registry.catalogue.clone();
        let Some(entry) = catalogue.queues.remove(name.as_str()) else {
            return Err(Error::NotFound { noun: "queue", name: name.to_string(), advice: "" });
        };
        let is_named = |options: &QueueOptions| {
            [options.on_exhausted.dead_letter(), options.on_breach.target()].contains(&Some(name.as_str()))
        };
        let sources = catalogue.queues.iter().filter(|(_, source)| is_named(&source.options));
        let sources: Vec<&str> = sources.map(|(source, _)| source.as_str()).collect();
        if !sources.is_empty() {
            let detail = format!(
                "{name} takes the dead letters or late messages of {}; have those go elsewhere, or delete those queues first",
                sources.join(", ")
            );
            return Err(Error::invalid("name", detail));
        }
        catalogue.deleted.insert(name.to_string());
        inner.save(&catalogue)?;
        registry.catalogue = catalogue;
        notice::later(|| Notice::QueueDeleted { queue: name.clone() });
        let mut retired = Ok(());
        if let Some(queue) = registry.queues.remove(&name) {
            queue.delete();
            retired = inner.retire(&queue.log);
        }
        registry.logs.retain(|log| log.id() != entry.log);
        inner.remove_deleted(&mut registry)?;
        retired
    }

    /// Deletes a stream, with all its records and what its groups have committed. Handles of it, readers and members refuse
    /// every verb from then on, and whoever waits for a record is woken. Compaction that is under way is waited for, at most
    /// for one segment.
    ///
    /// ```
    /// # use ringmain::{Error, Hub, Message, Start};
    /// # let hub = Hub::memory();
    /// let flights = hub.stream("flights").open()?;
    /// flights.append(Message::new(b"EWR-IAH"))?;
    /// hub.delete_stream("flights")?;
    /// assert!(matches!(flights.append(Message::new(b"EWR-ORD")), Err(Error::Closed { .. })));
    /// assert!(hub.stream("flights").open()?.reader(Start::Earliest)?.next().is_none());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound`, `Closed`. `Io` if the catalogue cannot be written: then it is there as before; or if a file cannot be
    /// removed: then the stream is gone all the same.
    pub fn delete_stream(&self, name: &str) -> Result<()> {
        let inner = self.inner();
        inner.check_open()?;
        let name = Name::new(name)?;
        let mut registry = inner.registry_of_open()?;
        let mut catalogue = registry.catalogue.clone();
        let Some(entry) = catalogue.streams.remove(name.as_str()) else {
            return Err(Error::NotFound { noun: "stream", name: name.to_string(), advice: "" });
        };
        catalogue.deleted_streams.insert(name.to_string());
        inner.save(&catalogue)?;
        registry.catalogue = catalogue;
        notice::later(|| Notice::StreamDeleted { stream: name.clone() });
        let mut retired = Ok(());
        if let Some(stream) = registry.streams.remove(&name) {
            retired = stream.delete().iter().map(|log| inner.retire(log)).fold(Ok(()), Result::and);
        }
        let is_of_it = |id: u64| id == entry.offsets || entry.partitions.contains(&id);
        registry.logs.retain(|log| !is_of_it(log.id()));
        inner.remove_deleted(&mut registry)?;
        retired
    }
}

impl Inner {
    /// Has nothing of a log left to be written: files that are made no more cannot come back.
    fn retire(&self, log: &Arc<Log>) -> Result<()> {
        self.journal.commit_to(log, log.claimed(), Level::Durable)?;
        log.bring_all_home()
    }

    /// Removes the files of queues and streams that were deleted; not while a snapshot copies them.
    pub(super) fn remove_deleted(&self, registry: &mut Registry) -> Result<()> {
        if registry.copied.is_some() {
            // Afterwards.
            return Ok(());
        }
        let Catalogue { deleted, deleted_streams, .. } = &registry.catalogue;
        if deleted.is_empty() && deleted_streams.is_empty() {
            return Ok(());
        }
        if let Some(directory) = &self.directory {
            deleted.iter().try_for_each(|name| directory.remove_queue(&Name::new(name)?))?;
            deleted_streams.iter().try_for_each(|name| directory.remove_stream(&Name::new(name)?))?;
        }
        let mut catalogue = registry.catalogue.clone();
        catalogue.deleted.clear();
        catalogue.deleted_streams.clear();
        self.save(&catalogue)?;
        registry.catalogue = catalogue;
        Ok(())
    }
}
