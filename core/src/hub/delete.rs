//! Deleting a queue.
//!
//! **Promise.** All of it or nothing: the catalogue says first that it is gone, then its files are removed. What a crash leaves
//! of those is removed when the hub is opened, or when a queue of that name is made.

use crate::error::{Error, Result};
use crate::hub::registry::Registry;
use crate::hub::{Hub, Inner};
use crate::log::Level;
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::queue::QueueOptions;

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
            // Nothing of it is left to be written: files that are made no more cannot come back.
            retired = inner.journal.commit_to(&queue.log, queue.log.claimed(), Level::Durable);
            retired = retired.and_then(|()| queue.log.bring_all_home());
        }
        registry.logs.retain(|log| log.id() != entry.log);
        inner.remove_deleted(&mut registry)?;
        retired
    }
}

impl Inner {
    /// Removes the files of queues that were deleted.
    pub(super) fn remove_deleted(&self, registry: &mut Registry) -> Result<()> {
        if registry.catalogue.deleted.is_empty() {
            return Ok(());
        }
        if let Some(directory) = &self.directory {
            for name in &registry.catalogue.deleted {
                directory.remove_queue(&Name::new(name)?)?;
            }
        }
        let mut catalogue = registry.catalogue.clone();
        catalogue.deleted.clear();
        self.save(&catalogue)?;
        registry.catalogue = catalogue;
        Ok(())
    }
}
