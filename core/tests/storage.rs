//! What every [`Storage`] does alike, checked on the real one and, with the feature `simulation`, on the simulated
//! one; then what only a real one has: modes, links, other programs.

use ringmain::storage::{Blocking, Storage};
use std::fs;
use std::io::ErrorKind::{self, *};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("succeeded"),
        Err(error) => error.kind(),
    }
}

/// Runs a check on each storage, in a directory of its own.
fn on_each(check: impl Fn(&dyn Storage, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    check(&Blocking, dir.path());
    let dir = tempfile::tempdir().unwrap();
    check(&*Blocking.beneath(dir.path()).unwrap().unwrap(), dir.path());
    #[cfg(feature = "simulation")]
    {
        let disk = ringmain::storage::sim::SimDisk::new();
        disk.create_dir(Path::new("/hub")).unwrap();
        check(&disk, Path::new("/hub"));
    }
}

#[test]
fn a_created_file_reads_as_zeros_and_is_not_created_twice() {
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 5000).unwrap();
        let mut bytes = [1; 5000];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!((file.len().unwrap(), bytes), (5000, [0; 5000]));
        assert_eq!(kind(storage.create(&dir.join("f"), 1)), AlreadyExists);
        assert_eq!(file.len().unwrap(), 5000);
    });
}

#[test]
fn a_storage_tells_how_much_room_is_left() {
    on_each(|storage, dir| {
        let space = storage.space(dir).unwrap();
        assert!(space.free_bytes > 0 && space.free_bytes <= space.total_bytes, "{space:?}");
        assert_eq!(kind(storage.space(&dir.join("missing"))), NotFound);
    });
}

/// A block that stays in the page cache lies in one page with others that go around it.
#[test]
fn what_is_written_to_be_cached_and_what_lies_beside_it_keep_out_of_each_others_way() {
    #[repr(align(4096))]
    struct Aligned([u8; 4096]);
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 16 << 10).unwrap();
        let mut expected = vec![0; 16 << 10];
        for round in 1..=64usize {
            let (bytes, position) = (Aligned([round as u8; 4096]), (round * 1536) % (12 << 10));
            let len = 512 * (1 + round % 4);
            if round % 3 == 0 {
                file.write_all_at(&bytes.0[..len], position as u64).unwrap();
            } else {
                file.write_cached_at(&bytes.0[..len], position as u64).unwrap();
            }
            expected[position..position + len].copy_from_slice(&bytes.0[..len]);
            let mut read = vec![1; 16 << 10];
            file.read_exact_at(&mut read, 0).unwrap();
            assert!(read == expected, "round {round}");
        }
        file.sync().unwrap();
    });
}

#[test]
fn what_is_written_is_read_through_every_handle() {
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 10).unwrap();
        file.write_all_at(b"abc", 4).unwrap();
        file.sync().unwrap();
        let mut bytes = [1; 10];
        storage.open(&dir.join("f")).unwrap().read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"\0\0\0\0abc\0\0\0");
    });
}

#[test]
fn a_write_past_the_end_extends_with_zeros_between() {
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 0).unwrap();
        file.write_all_at(b"x", 9000).unwrap();
        assert_eq!(file.len().unwrap(), 9001);
        let mut bytes = vec![1; 9001];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes[..9000].iter().all(|b| *b == 0));
        file.write_all_at(b"", 20_000).unwrap();
        assert_eq!(file.len().unwrap(), 9001, "writing nothing extends nothing");
    });
}

#[test]
fn a_read_past_the_end_is_an_unexpected_end() {
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 4).unwrap();
        assert_eq!(kind(file.read_exact_at(&mut [0; 5], 0)), UnexpectedEof);
        assert_eq!(kind(file.read_exact_at(&mut [0; 1], 4)), UnexpectedEof);
        assert_eq!(kind(file.read_exact_at(&mut [0; 1], 1 << 40)), UnexpectedEof);
        file.read_exact_at(&mut [0; 4], 0).unwrap();
        file.read_exact_at(&mut [], 100).unwrap();
    });
}

#[test]
fn a_position_that_no_file_has_is_refused() {
    on_each(|storage, dir| {
        let file = storage.create(&dir.join("f"), 4).unwrap();
        assert_eq!(kind(file.write_all_at(b"x", u64::MAX)), InvalidInput);
        assert_eq!(kind(file.read_exact_at(&mut [0], u64::MAX)), InvalidInput);
        assert_eq!(kind(storage.create(&dir.join("g"), u64::MAX)), InvalidInput);
        assert_eq!(kind(storage.open(&dir.join("g"))), NotFound, "a failed create leaves nothing");
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    on_each(|storage, dir| {
        let missing = dir.join("missing");
        assert_eq!(kind(storage.open(&missing)), NotFound);
        assert_eq!(kind(storage.list(&missing)), NotFound);
        assert_eq!(kind(storage.remove(&missing)), NotFound);
        assert_eq!(kind(storage.remove_dir(&missing)), NotFound);
        assert_eq!(kind(storage.rename(&missing, &dir.join("x"))), NotFound);
        assert_eq!(kind(storage.sync_dir(&missing)), NotFound);
        assert_eq!(kind(storage.create(&missing.join("f"), 0)), NotFound);
        assert_eq!(kind(storage.lock(&missing.join("LOCK"), "me")), NotFound);
    });
}

#[test]
fn a_directory_is_not_taken_for_a_file_nor_a_file_for_a_directory() {
    on_each(|storage, dir| {
        let (sub, file) = (dir.join("sub"), dir.join("f"));
        storage.create_dir(&sub).unwrap();
        storage.create(&file, 0).unwrap();
        assert_eq!(kind(storage.open(&sub)), IsADirectory);
        assert_eq!(kind(storage.lock(&sub, "me")), IsADirectory);
        assert_eq!(kind(storage.remove(&sub)), IsADirectory);
        assert_eq!(kind(storage.create(&sub, 0)), AlreadyExists);
        assert_eq!(kind(storage.create_dir(&file)), AlreadyExists);
        assert_eq!(kind(storage.create_dir(&file.join("below"))), NotADirectory);
        assert_eq!(kind(storage.list(&file)), NotADirectory);
        assert_eq!(kind(storage.sync_dir(&file)), NotADirectory);
        assert_eq!(kind(storage.remove_dir(&file)), NotADirectory);
        assert_eq!(kind(storage.open(&file.join("below"))), NotADirectory);
        assert_eq!(kind(storage.rename(&file, &sub)), IsADirectory);
    });
}

#[test]
fn a_directory_is_made_with_its_parents_and_again_without_complaint() {
    on_each(|storage, dir| {
        storage.create_dir(&dir.join("a/b/c")).unwrap();
        storage.create(&dir.join("a/b/c/f"), 0).unwrap();
        storage.create_dir(&dir.join("a/b/c")).unwrap();
        assert_eq!(storage.list(&dir.join("a/b/c")).unwrap(), [dir.join("a/b/c/f")]);
        storage.sync_dir(&dir.join("a/b")).unwrap();
    });
}

#[test]
fn a_directory_is_listed_in_order_of_name() {
    on_each(|storage, dir| {
        for name in ["b", "a.log", "a", "B", "10", "9"] {
            storage.create(&dir.join(name), 0).unwrap();
        }
        storage.create_dir(&dir.join("aa")).unwrap();
        let expected = ["10", "9", "B", "a", "a.log", "aa", "b"].map(|name| dir.join(name));
        assert_eq!(storage.list(dir).unwrap(), expected);
    });
}

#[test]
fn a_rename_replaces_what_has_the_new_name() {
    on_each(|storage, dir| {
        let (old, new) = (dir.join("f"), dir.join("f.new"));
        storage.create(&old, 1).unwrap();
        let file = storage.create(&new, 0).unwrap();
        file.write_all_at(b"new", 0).unwrap();
        storage.rename(&new, &old).unwrap();
        assert_eq!(storage.list(dir).unwrap(), std::slice::from_ref(&old));
        let mut bytes = [0; 3];
        storage.open(&old).unwrap().read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"new");
        storage.rename(&old, &old).unwrap();
        assert_eq!(storage.list(dir).unwrap(), [old]);
    });
}

#[test]
fn only_an_empty_directory_is_removed() {
    on_each(|storage, dir| {
        let sub = dir.join("sub");
        storage.create_dir(&sub).unwrap();
        storage.create(&sub.join("f"), 0).unwrap();
        assert_eq!(kind(storage.remove_dir(&sub)), DirectoryNotEmpty);
        storage.remove(&sub.join("f")).unwrap();
        storage.remove_dir(&sub).unwrap();
        assert!(storage.list(dir).unwrap().is_empty());
    });
}

#[test]
fn a_lock_is_held_once_and_tells_its_holder_until_it_is_dropped() {
    on_each(|storage, dir| {
        let path = dir.join("LOCK");
        let held = storage.lock(&path, "process 1, a longer text").unwrap().unwrap();
        assert_eq!(storage.lock(&path, "process 2").unwrap().unwrap_err(), "process 1, a longer text");
        drop(held);
        let held = storage.lock(&path, "process 3").unwrap().unwrap();
        assert_eq!(storage.lock(&path, "process 4").unwrap().unwrap_err(), "process 3");
        assert!(storage.lock(&dir.join("OTHER"), "process 4").unwrap().is_ok());
        drop(held);
    });
}

#[test]
fn a_lock_of_readers_is_refused_beside_a_writer_and_keeps_one_away() {
    on_each(|storage, dir| {
        let path = dir.join("LOCK");
        assert_eq!(kind(storage.lock_shared(&path)), NotFound);
        let writer = storage.lock(&path, "process 1").unwrap().unwrap();
        assert_eq!(storage.lock_shared(&path).unwrap().unwrap_err(), "process 1");
        drop(writer);
        let reader = storage.lock_shared(&path).unwrap().unwrap();
        assert!(storage.lock(&path, "process 2").unwrap().is_err());
        drop(reader);
        assert!(storage.lock(&path, "process 3").unwrap().is_ok());
    });
}

#[test]
fn files_and_directories_are_for_their_owner_only() {
    // SAFETY: has no preconditions. The modes of what other tests make meanwhile do not matter to them.
    let before = unsafe { libc::umask(0) };
    let dir = tempfile::tempdir().unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o7777;
    Blocking.create_dir(&dir.path().join("a/b")).unwrap();
    Blocking.create(&dir.path().join("f"), 0).unwrap();
    let _lock = Blocking.lock(&dir.path().join("LOCK"), "me").unwrap().unwrap();
    assert_eq!([mode("a"), mode("a/b"), mode("f"), mode("LOCK")], [0o700, 0o700, 0o600, 0o600]);
    // SAFETY: as above.
    unsafe { libc::umask(before) };
}

#[test]
fn a_symbolic_link_is_not_followed_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "precious").unwrap();
    symlink(&target, &link).unwrap();
    assert!(Blocking.open(&link).is_err());
    assert!(Blocking.lock(&link, "me").is_err());
    assert_eq!(kind(Blocking.create(&link, 0)), AlreadyExists);
    symlink(dir.path().join("nowhere"), dir.path().join("dangling")).unwrap();
    assert!(Blocking.lock(&dir.path().join("dangling"), "me").is_err());
    assert_eq!(kind(Blocking.create(&dir.path().join("dangling"), 0)), AlreadyExists);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_hub_may_live_behind_a_linked_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    symlink(dir.path().join("real"), dir.path().join("linked")).unwrap();
    let linked = dir.path().join("linked");
    Blocking.create_dir(&linked).unwrap();
    Blocking.create(&linked.join("f"), 1).unwrap();
    Blocking.sync_dir(&linked).unwrap();
    assert_eq!(Blocking.list(&linked).unwrap(), [linked.join("f")]);
}

#[test]
fn below_a_directory_that_is_held_no_link_leads_outside() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
    Blocking.create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "precious").unwrap();
    let held = Blocking.beneath(&root).unwrap().unwrap();
    symlink(&outside, root.join("link")).unwrap();
    let link = root.join("link");
    let (f, g) = (link.join("f"), link.join("g"));
    held.create(&root.join("mine"), 1).unwrap();
    assert!(held.open(&f).is_err() && held.create(&g, 1).is_err() && held.remove(&f).is_err());
    assert!(held.create_dir(&link).is_err() && held.create_dir(&g).is_err() && held.remove_dir(&g).is_err());
    assert!(held.rename(&f, &root.join("f")).is_err() && held.rename(&root.join("mine"), &g).is_err());
    assert!(held.list(&link).is_err() && held.sync_dir(&link).is_err() && held.space(&link).is_err());
    assert!(held.lock(&g, "me").is_err() && held.lock_shared(&f).is_err());
    assert_eq!(kind(held.open(&root.join("../outside/f"))), InvalidInput);
    assert_eq!(Blocking.list(&outside).unwrap(), [outside.join("f")]);
    assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "precious");
    held.remove(&link).unwrap();
    assert_eq!(held.list(&root).unwrap(), [root.join("mine")]);
}

#[test]
fn a_directory_that_is_held_stays_what_it_is_when_its_name_leads_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (root, moved, outside) =
        (dir.path().join("root"), dir.path().join("moved"), dir.path().join("outside"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    let held = Blocking.beneath(&root).unwrap().unwrap();
    fs::rename(&root, &moved).unwrap();
    symlink(&outside, &root).unwrap();
    held.create_dir(&root.join("a/b")).unwrap();
    held.create(&root.join("a/b/f"), 1).unwrap();
    held.sync_dir(&root).unwrap();
    assert_eq!(held.list(&root.join("a/b")).unwrap(), [root.join("a/b/f")]);
    assert!(moved.join("a/b/f").is_file() && Blocking.list(&outside).unwrap().is_empty());
}

#[test]
fn a_device_is_not_taken_for_a_file() {
    assert_eq!(kind(Blocking.open(Path::new("/dev/null"))), InvalidInput);
    assert_eq!(kind(Blocking.lock(Path::new("/dev/null"), "me")), InvalidInput);
}

#[test]
fn a_lock_held_by_another_program_with_unreadable_text_is_still_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("LOCK");
    fs::write(&path, b"pid \xff\xfe").unwrap();
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let text = Blocking.lock(&path, "me").unwrap().unwrap_err();
    assert_eq!(text, "pid \u{fffd}\u{fffd}");
    fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(Blocking.lock(&path, "me").unwrap().unwrap_err().len(), 1024);
}

#[test]
fn descriptors_are_not_inherited_by_programs_that_the_process_starts() {
    let dir = tempfile::tempdir().unwrap();
    let _file = Blocking.create(&dir.path().join("inherited"), 0).unwrap();
    let _lock = Blocking.lock(&dir.path().join("LOCK"), "me").unwrap().unwrap();
    let listing = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout);
    assert!(listing.contains("->"), "the check sees descriptors: {listing}");
    assert!(!listing.contains("inherited") && !listing.contains("LOCK"), "{listing}");
}
