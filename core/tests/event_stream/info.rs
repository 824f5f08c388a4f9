//! Reading back what is stored of queues and streams (semantics B20).

use crate::{SECOND, hubs};
use ringmain::{Compaction, Error, OnExhausted};

#[test]
fn what_a_stream_was_opened_with_is_read_back_without_opening_it() {
    hubs(|b| {
        let missing = b.hub.stream_info("s").unwrap_err();
        assert!(matches!(missing, Error::NotFound { noun: "stream", .. }), "{missing}");
        b.hub.stream("s").partitions(3).age_max(60 * SECOND).open().unwrap();
        if b.disk.is_some() {
            b.reopen();
        }
        let info = b.hub.stream_info("s").unwrap();
        assert_eq!((info.partitions, info.age_max, info.count_max), (3, Some(60 * SECOND), None));
        assert!(b.disk.is_none() || b.hub.stats().unwrap().streams.is_empty(), "it was not opened");
        let compaction = Compaction::latest_only(10);
        b.hub.stream("s").compaction(compaction).count_max(5).open().unwrap();
        let info = b.hub.stream_info("s").unwrap();
        assert_eq!((info.compaction, info.count_max, info.until_read), (Some(compaction), Some(5), false));
        b.hub.delete_stream("s").unwrap();
        assert!(b.hub.stream_info("s").is_err());
    });
}

#[test]
fn what_a_queue_was_opened_with_is_read_back_without_opening_it() {
    hubs(|b| {
        assert!(matches!(b.hub.queue_info("q"), Err(Error::NotFound { noun: "queue", .. })));
        b.hub
            .queue("q")
            .max_failures(2)
            .lease(7 * SECOND)
            .dead_letter("dead")
            .open()
            .unwrap()
            .pause()
            .unwrap();
        if b.disk.is_some() {
            b.reopen();
        }
        let info = b.hub.queue_info("q").unwrap();
        assert_eq!((info.max_failures, info.lease, info.is_paused), (2, 7 * SECOND, true));
        assert_eq!(info.on_exhausted, OnExhausted::DeadLetter("dead".into()));
        assert_eq!(b.hub.queue_info("dead").unwrap().on_exhausted, OnExhausted::Keep);
    });
}
