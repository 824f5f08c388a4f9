//! Reading only what is wanted, by key and by header (issue of readers).

use crate::hubs;
use ringmain::{End, Filter, Message, Start, Stream};
use std::time::Duration;

fn fill(stream: &Stream) {
    for (key, headers) in [
        (Some("UA1"), vec![("from", "EWR"), ("to", "IAH")]),
        (Some("UA1"), vec![("from", "LGA")]),
        (Some("B6"), vec![("from", "EWR")]),
        (Some(""), vec![]),
        (None, vec![("from", "EWR"), ("from", "JFK")]),
    ] {
        let message = headers
            .iter()
            .fold(Message::new("x"), |message, (name, value)| message.header(name, value.as_bytes()));
        stream.append(key.iter().fold(message, |message, key| message.key(*key))).unwrap();
    }
}

#[test]
fn filters_compare_keys_and_headers_byte_for_byte_and_combine() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        fill(&stream);
        let wanted = |filter: Filter| -> Vec<u64> {
            let reader = stream.reader(Start::Earliest).unwrap().only(filter).unwrap();
            reader.map(|record| record.unwrap().offset()).collect()
        };
        assert_eq!(wanted(Filter::key("UA1")), [0, 1]);
        assert_eq!(wanted(Filter::key("ua1")), [0; 0]);
        assert_eq!(wanted(Filter::key("")), [3], "an empty key is a key, and none is none");
        assert_eq!(wanted(Filter::keys(["B6", "", "DL"])), [2, 3]);
        assert_eq!(wanted(Filter::keys(["UA1"; 0])), [0; 0]);
        assert_eq!(wanted(Filter::has_header("to")), [0]);
        assert_eq!(wanted(Filter::header("from", "EWR")), [0, 2, 4]);
        assert_eq!(wanted(Filter::header("from", "JFK")), [4], "any of several of that name");
        assert_eq!(wanted(Filter::header("from", "EW")), [0; 0]);
        assert_eq!(wanted(Filter::all([Filter::key("UA1"), Filter::header("from", "EWR")])), [0]);
        assert_eq!(wanted(Filter::any([Filter::key("B6"), Filter::header("from", "LGA")])), [1, 2]);
        assert_eq!((wanted(Filter::all([])).len(), wanted(Filter::any([])).len()), (5, 0));
        assert_eq!(wanted(Filter::by(|record| record.key().is_none())), [4]);
    });
}

#[test]
fn a_second_filter_narrows_the_first() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        fill(&stream);
        let reader = stream.reader(Start::Earliest).unwrap();
        let mut reader =
            reader.only(Filter::key("UA1")).unwrap().only(Filter::header("from", "EWR")).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().offset(), 0);
        assert!(reader.next().is_none());
    });
}

#[test]
fn what_is_not_wanted_moves_the_reader_on() {
    hubs(|b| {
        let stream = b.hub.stream("s").partitions(2).open().unwrap();
        fill(&stream);
        let reader = stream.reader(Start::Earliest).unwrap().until(End::Now);
        let mut reader = reader.only(Filter::key("nobody")).unwrap();
        assert_eq!(reader.lag(), 5);
        assert!(reader.poll(10, Duration::ZERO).unwrap().is_empty());
        assert_eq!((reader.lag(), reader.is_done()), (0, true));
    });
}

#[test]
fn a_call_that_finds_nothing_returns_after_so_many_records_and_the_next_goes_on() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        for _ in 0..7 {
            stream.append_batch(&vec![Message::new("x").key("other"); 10_000]).unwrap();
        }
        stream.append(Message::new("x").key("wanted")).unwrap();
        let filtered = || stream.reader(Start::Earliest).unwrap().only(Filter::key("wanted")).unwrap();
        let mut reader = filtered();
        assert!(reader.poll(1, Duration::MAX).unwrap().is_empty());
        assert!((1..10_000).contains(&reader.lag()), "{}", reader.lag());
        assert_eq!(reader.poll(1, Duration::MAX).unwrap().len(), 1);
        assert_eq!(filtered().next().unwrap().unwrap().offset(), 70_000, "the iterator goes on by itself");
    });
}

#[test]
fn a_filter_that_is_too_large_or_too_deep_is_refused_with_the_limit() {
    hubs(|b| {
        let stream = b.hub.stream("s").open().unwrap();
        let refused = |filter| stream.reader(Start::Earliest).unwrap().only(filter).unwrap_err().to_string();
        let many = Filter::keys((0..65_537u32).map(u32::to_be_bytes));
        assert!(refused(many).contains("65537 terms"));
        let nested = (0..15).fold(Filter::key("UA1"), |filter, _| Filter::any([filter]));
        assert!(stream.reader(Start::Earliest).unwrap().only(nested).is_ok());
        let deep = (0..16).fold(Filter::key("x"), |filter, _| Filter::any([filter]));
        assert!(refused(deep).contains("at most 16"));
    });
}
