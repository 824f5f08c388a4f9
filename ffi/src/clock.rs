//! The time of a hub.

use crate::answer::Out;
use crate::argument::delay;
use crate::guard::entry;
use crate::hub::ringmain_hub;
use crate::table::get;
use ringmain::Hub;
use serde_json::json;

/// Moves the clock of a hub that was opened with `manual_clock` forward, by at most ten years. What falls due by it has happened
/// when this returns. Of another hub: `RINGMAIN_ERROR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_hub_advance(hub: ringmain_hub, by_ms: u64) -> i32 {
    entry(hub, || {
        let arguments = json!({ "by_ms": delay(by_ms)?.as_millis() as u64 }).to_string();
        ringmain_surface::hub_call(&*get::<Hub>(hub)?, "advance", &arguments).map(drop)
    })
}

/// Stores the hub's time, in nanoseconds since 1970.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_hub_now(hub: ringmain_hub, time_ns_out: *mut u64) -> i32 {
    entry(hub, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("time_ns_out", time_ns_out) }?;
        out.set(get::<Hub>(hub)?.clock().now_ns());
        Ok(())
    })
}
