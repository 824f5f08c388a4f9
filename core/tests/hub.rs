//! What a user of hubs relies on: one owner, clear refusals, nothing surprising on disk.

use ringmain::{Durability, ErrorCode, Hub, Message, OnExhausted};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

fn open(directory: &Path) -> ringmain::Result<Hub> {
    Hub::open(directory)
}

#[test]
fn a_second_opener_is_told_who_has_it_and_gets_it_once_the_first_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = open(scratch.path()).unwrap();
    let error = open(scratch.path()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Locked);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(hub);
    open(scratch.path()).unwrap();
}

#[test]
fn a_queue_keeps_its_hub_open_and_the_last_handle_closes_it() {
    let scratch = tempfile::tempdir().unwrap();
    let queue = open(scratch.path()).unwrap().queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    assert!(open(scratch.path()).is_err());
    drop(queue);
    open(scratch.path()).unwrap();
}

#[test]
fn directories_and_files_are_for_their_owner_only() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("deep/hub");
    let hub = open(&directory).unwrap();
    hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap().send(Message::new(b"x")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("queues/q")), 0o700);
    assert_eq!(mode(&directory.join("journal.0")), 0o600);
    assert_eq!(mode(&directory.join("catalogue")), 0o600);
    hub.close(Duration::from_secs(60)).unwrap();
    assert_eq!(mode(&directory.join("queues/q/0000000000000001.segment")), 0o600);
}

#[test]
fn a_path_that_is_a_file_or_may_not_be_made_is_one_clear_error() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    for path in [file.as_path(), &file.join("below"), Path::new("/proc/ringmain")] {
        let error = open(path).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io, "{error}");
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()) && !text.contains('\n'), "{text}");
    }
}

#[test]
fn a_damaged_segment_is_refused_with_its_place_and_its_neighbours_still_open() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = open(scratch.path()).unwrap();
    for name in ["good", "bad"] {
        let queue = hub.queue(name).on_exhausted(OnExhausted::Drop).open().unwrap();
        for _ in 0..3 {
            queue.send(Message::new(&[9; 100])).unwrap();
        }
    }
    hub.close(Duration::from_secs(60)).unwrap();
    let path = scratch.path().join("queues/bad/0000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 50] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let hub = open(scratch.path()).unwrap();
    let error = hub.queue("bad").open().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupt);
    let text = error.to_string();
    assert!(text.contains("bad/0000000000000001.segment") && text.contains("byte 4096"), "{text}");
    assert_eq!(hub.queue("good").open().unwrap().stats().unwrap().ready, 3);
}

#[test]
fn even_the_last_message_before_a_clean_close_is_protected_by_a_mark() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = open(scratch.path()).unwrap();
    hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap().send(Message::new(&[9; 100])).unwrap();
    hub.close(Duration::from_secs(60)).unwrap();
    let path = scratch.path().join("queues/q/0000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 50] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(scratch.path()).unwrap().queue("q").open().unwrap_err().code(), ErrorCode::Corrupt);
}

#[test]
fn a_damaged_catalogue_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = open(scratch.path()).unwrap();
    hub.stream("s").open().unwrap();
    drop(hub);
    let path = scratch.path().join("catalogue");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(scratch.path()).unwrap_err().code(), ErrorCode::Corrupt);
}

#[test]
fn what_exists_is_listed_and_keeps_its_options() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = open(scratch.path()).unwrap();
    hub.queue("b").max_failures(7).dead_letter("b.dead").open().unwrap();
    hub.queue("a").on_exhausted(OnExhausted::Keep).open().unwrap();
    hub.stream("s").partitions(2).open().unwrap();
    drop(hub);
    let hub = open(scratch.path()).unwrap();
    assert_eq!(hub.queues().unwrap(), ["a", "b", "b.dead"]);
    assert_eq!(hub.streams().unwrap(), ["s"]);
    let queue = hub.queue("b").open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    queue.try_receive().unwrap().unwrap().reject("to the stored dead letter queue").unwrap();
    assert_eq!(hub.queue("b.dead").open().unwrap().stats().unwrap().ready, 1);
}

#[test]
fn what_nobody_waits_for_reaches_the_disk_by_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let relaxed = Hub::builder().durability(Durability::Relaxed).relaxed_max(Duration::from_millis(10));
    let hub = relaxed.open(scratch.path()).unwrap();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    queue.send(Message::new(b"relaxed")).unwrap();
    let path = scratch.path().join("journal.0");
    for _ in 0..6000 {
        if std::fs::read(&path).is_ok_and(|bytes| bytes.windows(7).any(|w| w == b"relaxed")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not written within a minute");
}

#[test]
fn a_directory_that_everybody_may_write_is_refused_unless_told_otherwise() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("hub");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = open(&directory).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.to_string().contains("chmod 700"), "{error}");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "nothing was made in it");
    Hub::builder().allow_world_writable(true).open(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    open(&directory).unwrap();
}

#[test]
fn a_directory_of_a_hub_that_is_replaced_by_a_link_leads_nothing_outside() {
    let scratch = tempfile::tempdir().unwrap();
    let (directory, outside) = (scratch.path().join("hub"), scratch.path().join("outside"));
    std::fs::create_dir(&outside).unwrap();
    let open = || open(&directory)?.queue("q").on_exhausted(OnExhausted::Drop).open();
    let queue = open().unwrap();
    queue.send(Message::new(b"before")).unwrap();
    std::fs::rename(directory.join("queues/q"), scratch.path().join("q")).unwrap();
    std::os::unix::fs::symlink(&outside, directory.join("queues/q")).unwrap();
    // What is sent now is in the journal, and cannot go home when the hub is closed.
    let _ = queue.send(Message::new(b"after"));
    drop(queue);
    let files = || std::fs::read_dir(&outside).unwrap().count();
    assert_eq!(files(), 0);
    assert!(open().is_err());
    assert_eq!(files(), 0);
    std::fs::remove_file(directory.join("queues/q")).unwrap();
    std::fs::rename(scratch.path().join("q"), directory.join("queues/q")).unwrap();
    assert_eq!(open().unwrap().peek(0, 3).unwrap().len(), 2);
}

#[test]
fn a_hub_whose_directory_is_moved_away_while_it_is_open_goes_on_there() {
    let scratch = tempfile::tempdir().unwrap();
    let [directory, moved, outside] = ["hub", "moved", "outside"].map(|name| scratch.path().join(name));
    std::fs::create_dir(&outside).unwrap();
    let hub = open(&directory).unwrap();
    std::fs::rename(&directory, &moved).unwrap();
    std::os::unix::fs::symlink(&outside, &directory).unwrap();
    hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap().send(Message::new(b"x")).unwrap();
    hub.close(Duration::from_secs(60)).unwrap();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    let queue = open(&moved).unwrap().queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    assert_eq!(queue.peek(0, 2).unwrap().len(), 1);
}

#[test]
fn a_queue_whose_directory_is_full_of_foreign_files_opens_and_one_with_a_linked_segment_does_not() {
    let scratch = tempfile::tempdir().unwrap();
    let queue = |hub: &Hub| hub.queue("q").on_exhausted(OnExhausted::Drop).open();
    let hub = open(scratch.path()).unwrap();
    queue(&hub).unwrap().send(Message::new(b"x")).unwrap();
    hub.close(Duration::from_secs(60)).unwrap();
    drop(hub);
    let folder = scratch.path().join("queues/q");
    for number in 0..5000 {
        std::fs::write(folder.join(format!("{number}.segment")), b"not sixteen digits").unwrap();
    }
    let hub = open(scratch.path()).unwrap();
    assert_eq!(queue(&hub).unwrap().stats().unwrap().ready, 1);
    drop(hub);
    let (segment, elsewhere) = (folder.join("0000000000000001.segment"), scratch.path().join("elsewhere"));
    std::fs::rename(&segment, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &segment).unwrap();
    let hub = open(scratch.path()).unwrap();
    let error = queue(&hub).unwrap_err();
    assert!(error.to_string().contains("0000000000000001.segment"), "{error}");
}
