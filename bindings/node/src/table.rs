//! A table as JavaScript holds it: the last record of each key.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::registry::{SharedHub, lock};
use napi::bindgen_prelude::{BufferSlice, Env};
use napi_derive::napi;
use ringmain::{Record, Table};
use std::sync::{Arc, Mutex};

/// The last record of each key of a compacted stream.
#[napi]
pub struct TableHandle {
    hub: Arc<SharedHub>,
    table: Held<Table>,
}

/// A walk over a table.
#[napi]
pub struct TableWalk {
    hub: Arc<SharedHub>,
    records: Mutex<Held<Records>>,
}

type Records = Box<dyn Iterator<Item = ringmain::Result<Record>> + Send>;

#[napi]
impl TableHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, table: Table) -> Self {
        Self { hub, table: Held::new(table) }
    }

    /// The last record of a key, packed; null if it has no value.
    #[napi]
    pub fn get<'env>(&self, env: &'env Env, key: &[u8]) -> Result<Option<BufferSlice<'env>>> {
        packed(env, guard(|| self.open()?.get(key))?.as_slice())
    }

    /// Whether a key has a value.
    #[napi]
    pub fn has(&self, key: &[u8]) -> Result<bool> {
        guard(|| Ok(self.open()?.get(key)?.is_some()))
    }

    /// How many keys have a value.
    #[napi]
    pub fn size(&self) -> Result<f64> {
        guard(|| Ok(self.open()?.len()? as f64))
    }

    /// A walk over the records of all keys that have a value now.
    #[napi]
    pub fn walk(&self) -> Result<TableWalk> {
        guard(|| {
            let records: Records = Box::new(self.open()?.iter()?);
            Ok(TableWalk { hub: self.hub.clone(), records: Mutex::new(Held::new(records)) })
        })
    }

    fn open(&self) -> ringmain::Result<&Table> {
        self.hub.check()?;
        Ok(&self.table)
    }
}

#[napi]
impl TableWalk {
    /// Up to `count` more records, packed; null at the end.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env, count: f64) -> Result<Option<BufferSlice<'env>>> {
        let records = guard(|| {
            self.hub.check()?;
            let count = argument::count(count)?;
            lock(&self.records).by_ref().take(count).collect::<ringmain::Result<Vec<_>>>()
        })?;
        packed(env, &records)
    }
}

fn packed<'env>(env: &'env Env, records: &[Record]) -> Result<Option<BufferSlice<'env>>> {
    if records.is_empty() {
        return Ok(None);
    }
    let mut packed = Vec::new();
    records.iter().for_each(|record| codec::pack_record(&mut packed, record));
    codec::buffer(env, &packed).map(Some)
}
