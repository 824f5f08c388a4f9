//! One verb on libuv's pool, for the verbs that may wait for the disk.

use crate::error::{catch, internal, rejected};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Task};

/// A verb to run on the pool; its result settles a promise.
pub struct Work<T> {
    verb: Option<Box<dyn FnOnce() -> ringmain::Result<T> + Send>>,
}

/// A promise of what `verb` returns on a thread of the pool.
pub(crate) fn work<T>(verb: impl FnOnce() -> ringmain::Result<T> + Send + 'static) -> AsyncTask<Work<T>>
where
    T: ToNapiValue + TypeName + Send + 'static,
{
    AsyncTask::new(Work { verb: Some(Box::new(verb)) })
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Work<T> {
    // The error travels inside, because the outer one has no room for our codes.
    type Output = ringmain::Result<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let verb = self.verb.take();
        Ok(catch(|| verb.map_or_else(|| Err(internal("a promise was computed twice")), |verb| verb())))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<T> {
        output.map_err(|error| rejected(env, error))
    }
}
