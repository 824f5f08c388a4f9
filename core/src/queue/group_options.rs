//! What a queue can be told of its ordering keys.

use crate::error::{Error, Result};
use crate::limits::{
    GROUP_PARALLELISM_MAX, GROUP_WEIGHT_BYTES_MAX, GROUP_WEIGHT_COUNT_MAX, GROUP_WEIGHT_MAX, KEY_BYTES_MAX,
};
use serde::{Deserialize, Serialize};

/// What happens to the other messages of an ordering key when one dies: when it is exhausted or rejected, or misses a deadline of
/// which its queue says that it is dead. Whether it is then kept as a dead letter or dropped is another matter. What expires, is
/// cancelled or makes room for others does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnGroupDeath {
    /// They go on.
    #[default]
    Continue,
    /// Those behind it wait until somebody says [`resume_group`](crate::Queue::resume_group).
    Halt,
}

impl OnGroupDeath {
    fn is_continue(&self) -> bool {
        *self == Self::Continue
    }
}

/// Options of groups as kept in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GroupOptions {
    pub(crate) parallelism: u32,
    #[serde(skip_serializing_if = "OnGroupDeath::is_continue")]
    pub(crate) on_death: OnGroupDeath,
    /// Of keys whose weight is not 1, in the order of the keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weights: Vec<(Vec<u8>, u32)>,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self { parallelism: 1, on_death: OnGroupDeath::Continue, weights: Vec::new() }
    }
}

impl GroupOptions {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let parallelism = self.parallelism;
        if !(1..=GROUP_PARALLELISM_MAX).contains(&parallelism) {
            let detail = format!("{parallelism} is not allowed; 1 to {GROUP_PARALLELISM_MAX} are");
            return Err(Error::invalid("group_parallelism", detail));
        }
        self.weights.iter().try_for_each(|(key, weight)| check_weight(key, *weight))?;
        let (count, bytes) =
            (self.weights.len(), self.weights.iter().map(|(key, _)| key.len()).sum::<usize>());
        if count > GROUP_WEIGHT_COUNT_MAX || bytes > GROUP_WEIGHT_BYTES_MAX {
            let detail = format!(
                "{count} keys of {bytes} bytes would have one; at most {GROUP_WEIGHT_COUNT_MAX} of {GROUP_WEIGHT_BYTES_MAX} bytes \
                 may: give others 1 again"
            );
            return Err(Error::invalid("weight", detail));
        }
        Ok(())
    }

    pub(crate) fn weights(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.weights.iter().map(|(key, weight)| (key.as_slice(), *weight))
    }

    pub(crate) fn set_weight(&mut self, key: &[u8], weight: u32) {
        self.weights.retain(|(other, _)| other != key);
        if weight != 1 {
            let index = self.weights.partition_point(|(other, _)| other.as_slice() < key);
            self.weights.insert(index, (key.to_vec(), weight));
        }
    }
}

/// A weight that a key may be given.
pub(crate) fn check_weight(key: &[u8], weight: u32) -> Result<()> {
    if !(1..=GROUP_WEIGHT_MAX).contains(&weight) {
        return Err(Error::invalid(
            "weight",
            format!("{weight} is not allowed; 1 to {GROUP_WEIGHT_MAX} are"),
        ));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(Error::TooLarge {
            what: "ordering key",
            bytes: key.len() as u64,
            limit_bytes: KEY_BYTES_MAX as u64,
        });
    }
    Ok(())
}
