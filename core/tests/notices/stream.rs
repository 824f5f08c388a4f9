//! What is told of streams.

use crate::Bench;
use crate::recorder::{names_of, one};
use ringmain::{Message, Reset, Start};
use std::time::Duration;
use tracing::Level;

#[test]
fn a_reader_whose_place_was_removed_is_told_of_once_with_the_range_and_where_it_goes_on() {
    let b = Bench::new("overtaken");
    let stream = b.hub.stream(b.name).count_max(2).open().unwrap();
    let mut readers = [Reset::Fail, Reset::Earliest]
        .map(|reset| stream.reader(Start::Earliest).unwrap().on_out_of_range(reset));
    (0..5).for_each(|_| _ = stream.append(Message::new("x")).unwrap());
    assert!((0..3).all(|_| readers[0].poll(9, Duration::ZERO).is_err()));
    let told = one(b.name, "out_of_range");
    assert_eq!(told.level, Level::WARN);
    let fields =
        ["stream", "partition", "offset", "start", "end", "reset"].map(|field| told.field(field).to_owned());
    assert_eq!(fields, [b.name, "0", "0", "3", "5", "fail"]);
    assert!(readers[1].poll(9, Duration::ZERO).is_err() && readers[1].poll(9, Duration::ZERO).is_ok());
    assert_eq!(names_of(b.name).iter().filter(|name| **name == "out_of_range").count(), 2);
}

#[test]
fn a_stream_that_is_deleted_is_told_of() {
    let b = Bench::new("deleted-stream");
    b.hub.stream(b.name).open().unwrap();
    b.hub.delete_stream(b.name).unwrap();
    assert_eq!(one(b.name, "stream_deleted").level, Level::INFO);
}

#[test]
fn a_stream_that_is_made_or_altered_is_told_of_and_one_that_is_only_opened_is_not() {
    let b = Bench::new("altered-stream");
    b.hub.stream(b.name).open().unwrap();
    b.hub.stream(b.name).open().unwrap();
    assert_eq!(one(b.name, "stream_created").field("partitions"), "1");
    b.hub.stream(b.name).count_max(9).open().unwrap();
    assert_eq!(one(b.name, "stream_altered").field("partitions"), "1");
    b.hub.stream(b.name).partitions(2).count_max(8).open().unwrap();
    assert_eq!(names_of(b.name), ["stream_created", "stream_altered", "stream_altered"]);
}
