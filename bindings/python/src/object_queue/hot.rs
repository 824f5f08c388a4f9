//! `put`, `get`, `put_nowait` and `get_nowait` straight on the interpreter's C API, for both classes.
//!
//! The macros for methods take down who is attached, and extract each argument, on every call: 15 ns of the 50 that a put and
//! a get took. Here a call that neither waits nor fails does only what it must; any other goes on as all methods do.

use super::arguments::{Patience, Truth};
use super::channel::Channel;
use super::queue::raised;
use super::store::Object;
use crate::call::guard;
use crate::error::exception;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{self, Py_ssize_t, PyMethodDef, PyMethodDefPointer, PyObject};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyClass, PyTypeInfo};
use std::ffi::CStr;
use std::ptr;

/// A class with these verbs.
pub trait Hot: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + PyTypeInfo + Sync {
    /// Whether `put` may have to wait: if not, it ignores what it is told about waiting.
    const PUT_WAITS: bool;
    /// What `put`, `put_nowait`, `get` and `get_nowait` say of themselves, signature first.
    const DOCS: [&'static CStr; 4];

    fn channel(&self) -> &Channel;
}

/// Adds the verbs to a class.
pub fn add<Q: Hot>(class: &Bound<'_, PyType>) -> PyResult<()> {
    let [put_doc, put_nowait_doc, get_doc, get_nowait_doc] = Q::DOCS;
    let keywords = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    let methods = [
        (c"put", PyMethodDefPointer { PyCFunctionFastWithKeywords: put::<Q> }, keywords, put_doc),
        (
            c"put_nowait",
            PyMethodDefPointer { PyCFunctionFastWithKeywords: put_nowait::<Q> },
            keywords,
            put_nowait_doc,
        ),
        (c"get", PyMethodDefPointer { PyCFunctionFastWithKeywords: get::<Q> }, keywords, get_doc),
        (
            c"get_nowait",
            PyMethodDefPointer { PyCFunction: get_nowait::<Q> },
            ffi::METH_NOARGS,
            get_nowait_doc,
        ),
    ];
    for (name, ml_meth, ml_flags, doc) in methods {
        let method = PyMethodDef { ml_name: name.as_ptr(), ml_meth, ml_flags, ml_doc: doc.as_ptr() };
        // The class lives as long as the process, and so must what it refers to.
        let method = Box::leak(Box::new(method));
        // SAFETY: a live type, and a method's definition that lives for ever, with a function of the kind that its
        // flags say. A new reference or null with an exception.
        let descriptor = unsafe {
            let descriptor = ffi::PyDescr_NewMethod(class.as_type_ptr(), method);
            Bound::from_owned_ptr_or_err(class.py(), descriptor)?
        };
        class.setattr(name.to_string_lossy().as_ref(), descriptor)?;
    }
    Ok(())
}

/// The channel of a queue.
///
/// # Safety
/// `queue` is a live `Q`, as the interpreter has checked that calls a method's descriptor; the caller is attached.
#[inline]
unsafe fn channel_of<'a, Q: Hot>(queue: *mut PyObject) -> &'a Channel {
    // SAFETY: the caller's promise; `Q` is frozen, so that a shared reference is all there ever is, and the interpreter
    // keeps the queue alive while its method runs.
    unsafe {
        let queue = Borrowed::from_ptr(Python::assume_attached(), queue).cast_unchecked::<Q>();
        (*ptr::from_ref(queue.get())).channel()
    }
}

fn none() -> *mut PyObject {
    // SAFETY: attached, as all callers are; a new reference to an object that always lives.
    unsafe { ffi::Py_NewRef(ffi::Py_None()) }
}

/// A new reference to an argument of a call.
///
/// # Safety
/// A live object; the caller is attached.
#[inline]
unsafe fn object(argument: *mut PyObject) -> Object {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_borrowed_ptr(Python::assume_attached(), argument).unbind() }
}

/// What a method gives to the interpreter: an object, or null with an exception.
fn answer(run: impl FnOnce(Python<'_>) -> PyResult<*mut PyObject>) -> *mut PyObject {
    let given = |py: Python<'_>| {
        let given = guard(|| Ok(run(py))).unwrap_or_else(|error| Err(exception(py, &error)));
        given.unwrap_or_else(|error| {
            error.restore(py);
            ptr::null_mut()
        })
    };
    // SAFETY: attached, as all callers are, so that there is an interpreter; also while it is ending and lets go of its modules,
    // when finalizers call queues, and `Python::attach` would say that there is none.
    unsafe { Python::attach_unchecked(given) }
}

/// Puts, if that needs no waiting and nothing speaks against it. If it does: gives the object back.
#[inline]
fn put_now(channel: &Channel, object: Object) -> Result<(), Object> {
    if channel.is_shut() {
        return Err(object);
    }
    // Shut down just now, without a GIL: then the object is gone, and what it should have become is an exception.
    channel.offer(object).unwrap_or(Ok(()))
}

unsafe extern "C" fn put<Q: Hot>(
    queue: *mut PyObject,
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls a method of `Q`, attached.
    let channel = unsafe { channel_of::<Q>(queue) };
    if count == 1 && names.is_null() {
        // SAFETY: there is one argument.
        let item = unsafe { object(*arguments) };
        return match put_now(channel, item) {
            Ok(()) => none(),
            Err(item) => answer(|py| put_waiting(py, channel, item, Patience::Forever)),
        };
    }
    answer(|py| {
        // SAFETY: what the interpreter gave us.
        let [item, block, timeout] =
            unsafe { parse(py, "put", ["item", "block", "timeout"], arguments, count, names)? };
        let item = needed(item, "put")?;
        let patience = if Q::PUT_WAITS { patience(block, timeout)? } else { Patience::None };
        put_waiting(py, channel, item, patience)
    })
}

fn put_waiting(
    py: Python<'_>,
    channel: &Channel,
    item: Object,
    patience: Patience,
) -> PyResult<*mut PyObject> {
    channel.put(py, item, patience).map_err(raised)?;
    Ok(none())
}

unsafe extern "C" fn put_nowait<Q: Hot>(
    queue: *mut PyObject,
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls a method of `Q`, attached.
    let channel = unsafe { channel_of::<Q>(queue) };
    if count == 1 && names.is_null() {
        // SAFETY: there is one argument.
        return match put_now(channel, unsafe { object(*arguments) }) {
            Ok(()) => none(),
            Err(item) => answer(|py| put_waiting(py, channel, item, Patience::None)),
        };
    }
    answer(|py| {
        // SAFETY: what the interpreter gave us.
        let [item] = unsafe { parse(py, "put_nowait", ["item"], arguments, count, names)? };
        put_waiting(py, channel, needed(item, "put_nowait")?, Patience::None)
    })
}

unsafe extern "C" fn get<Q: Hot>(
    queue: *mut PyObject,
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls a method of `Q`, attached.
    let channel = unsafe { channel_of::<Q>(queue) };
    if count == 0 && names.is_null() {
        return match channel.poll() {
            Some(item) => item.into_ptr(),
            None => answer(|py| get_waiting(py, channel, Patience::Forever)),
        };
    }
    answer(|py| {
        // SAFETY: what the interpreter gave us.
        let [block, timeout] = unsafe { parse(py, "get", ["block", "timeout"], arguments, count, names)? };
        get_waiting(py, channel, patience(block, timeout)?)
    })
}

fn get_waiting(py: Python<'_>, channel: &Channel, patience: Patience) -> PyResult<*mut PyObject> {
    Ok(channel.get(py, patience).map_err(raised)?.into_ptr())
}

unsafe extern "C" fn get_nowait<Q: Hot>(queue: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the interpreter calls a method of `Q`, attached.
    let channel = unsafe { channel_of::<Q>(queue) };
    match channel.poll() {
        Some(item) => item.into_ptr(),
        None => answer(|py| get_waiting(py, channel, Patience::None)),
    }
}

fn needed(item: Option<Bound<'_, PyAny>>, verb: &str) -> PyResult<Object> {
    let missing = || PyTypeError::new_err(format!("{verb}() missing 1 required positional argument: 'item'"));
    item.map(Bound::unbind).ok_or_else(missing)
}

fn patience(block: Option<Bound<'_, PyAny>>, timeout: Option<Bound<'_, PyAny>>) -> PyResult<Patience> {
    let block = block.map_or(Ok(true), |block| block.is_truthy())?;
    Patience::new(&Truth(block), timeout.filter(|timeout| !timeout.is_none()).as_ref())
}

/// The arguments of a call of the method `verb`, by the names of its parameters.
///
/// # Safety
/// They are those of a call with `METH_FASTCALL | METH_KEYWORDS`: `count` by position and, after them, one for each of `names`.
unsafe fn parse<'py, const N: usize>(
    py: Python<'py>,
    verb: &str,
    parameters: [&str; N],
    arguments: *const *mut PyObject,
    count: Py_ssize_t,
    names: *mut PyObject,
) -> PyResult<[Option<Bound<'py, PyAny>>; N]> {
    let mut found = [const { None }; N];
    let count = usize::try_from(count).unwrap_or(0);
    if count > N {
        let text = format!("{verb}() takes at most {N} arguments, {count} were given");
        return Err(PyTypeError::new_err(text));
    }
    for (index, place) in found.iter_mut().enumerate().take(count) {
        // SAFETY: one of the arguments by position, alive during the call.
        *place = Some(unsafe { Bound::from_borrowed_ptr(py, *arguments.add(index)) });
    }
    // SAFETY: null, or a tuple that lives during the call.
    let Some(names) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, names) }) else { return Ok(found) };
    for (index, name) in names.try_iter()?.enumerate() {
        let name = name?.extract::<String>()?;
        let place = parameters.iter().position(|parameter| *parameter == name);
        let Some(place) = place.and_then(|place| found.get_mut(place)) else {
            let text = format!("{verb}() got an unexpected keyword argument '{name}'");
            return Err(PyTypeError::new_err(text));
        };
        if place.is_some() {
            return Err(PyTypeError::new_err(format!("{verb}() got multiple values for argument '{name}'")));
        }
        // SAFETY: the value of this name, behind the arguments by position.
        *place = Some(unsafe { Bound::from_borrowed_ptr(py, *arguments.add(count + index)) });
    }
    Ok(found)
}
