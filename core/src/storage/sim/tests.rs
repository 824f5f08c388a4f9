//! The fault model, tested from both sides: what must be in every image, and what must be missing from some.

use super::*;
use std::collections::BTreeSet;

const SEEDS: u64 = 400;

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn read(disk: &SimDisk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path(name))?;
    let mut bytes = vec![0; file.len()? as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// A durable file of `bytes`, alone on its disk.
fn disk_with(bytes: &[u8]) -> (SimDisk, Arc<dyn File>) {
    let disk = SimDisk::new();
    let file = disk.create(path("/f"), bytes.len() as u64).unwrap();
    disk.sync_dir(path("/")).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync().unwrap();
    (disk, file)
}

/// Every content that `name` has in the images at the present end.
fn contents(disk: &SimDisk, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let cut = disk.operation_count();
    (0..SEEDS).map(|seed| read(&disk.image(cut, seed), name).ok()).collect()
}

fn names(disk: &SimDisk, dir: &str) -> BTreeSet<Vec<PathBuf>> {
    let cut = disk.operation_count();
    (0..SEEDS).map(|seed| disk.image(cut, seed).list(path(dir)).unwrap_or_default()).collect()
}

fn some(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(bytes.to_vec())
}

#[test]
fn synced_bytes_are_in_every_later_image() {
    let (disk, file) = disk_with(b"durable");
    let acknowledged = disk.operation_count();
    file.write_all_at(b"later", 4000).unwrap();
    disk.create(path("/g"), 10).unwrap();
    disk.rename(path("/g"), path("/h")).unwrap();
    for cut in acknowledged..=disk.operation_count() {
        for seed in 0..SEEDS {
            assert_eq!(&read(&disk.image(cut, seed), "/f").unwrap()[..7], b"durable");
        }
        for unsynced in [Unsynced::Dropped, Unsynced::Kept] {
            assert_eq!(&read(&disk.image_with(cut, unsynced), "/f").unwrap()[..7], b"durable");
        }
    }
}

#[test]
fn unsynced_bytes_are_lost_in_some_image_and_found_in_another() {
    let (disk, file) = disk_with(b"old");
    file.write_all_at(b"new", 0).unwrap();
    let found = contents(&disk, "/f");
    assert!(found.contains(&some(b"old")) && found.contains(&some(b"new")), "{found:?}");
    let cut = disk.operation_count();
    assert_eq!(read(&disk.image_with(cut, Unsynced::Dropped), "/f").unwrap(), b"old");
    assert_eq!(read(&disk.image_with(cut, Unsynced::Kept), "/f").unwrap(), b"new");
}

#[test]
fn a_sector_can_be_torn_at_any_byte_and_only_as_a_prefix() {
    let (disk, file) = disk_with(b"----");
    file.write_all_at(b"abcd", 0).unwrap();
    let expected: BTreeSet<_> =
        [&b"----"[..], b"a---", b"ab--", b"abc-", b"abcd"].into_iter().map(some).collect();
    assert_eq!(contents(&disk, "/f"), expected);
}

#[test]
fn sectors_of_one_write_have_independent_fates() {
    let (disk, file) = disk_with(&[b'-'; 1024]);
    file.write_all_at(&[b'x'; 1024], 0).unwrap();
    let halves: BTreeSet<(u8, u8)> =
        contents(&disk, "/f").into_iter().flatten().map(|found| (found[0], found[1023])).collect();
    let all = [(b'-', b'-'), (b'-', b'x'), (b'x', b'-'), (b'x', b'x')];
    assert_eq!(halves, all.into_iter().collect());
}

#[test]
fn a_later_write_can_survive_without_an_earlier_one() {
    let (disk, file) = disk_with(&[b'-'; 1024]);
    file.write_all_at(b"1", 0).unwrap();
    file.write_all_at(b"2", 600).unwrap();
    file.write_all_at(b"3", 1).unwrap();
    let found: BTreeSet<[u8; 3]> =
        contents(&disk, "/f").into_iter().flatten().map(|f| [f[0], f[600], f[1]]).collect();
    assert_eq!(found.len(), 8, "every subset of the three occurs: {found:?}");
}

#[test]
fn length_persists_independently_of_contents() {
    let (disk, file) = disk_with(b"");
    file.write_all_at(b"abc", 0).unwrap();
    file.write_all_at(b"de", 3).unwrap();
    let found = contents(&disk, "/f");
    for possible in [&b""[..], b"abc", b"\0\0\0", b"\0\0\0\0\0", b"abcde", b"\0\0\0de"] {
        assert!(found.contains(&some(possible)), "{possible:?} is missing from {found:?}");
    }
    assert!(found.iter().flatten().all(|bytes| [0, 3, 5].contains(&bytes.len())), "{found:?}");
}

#[test]
fn the_length_given_at_creation_needs_a_sync_of_the_file() {
    let disk = SimDisk::new();
    let file = disk.create(path("/f"), 8).unwrap();
    disk.sync_dir(path("/")).unwrap();
    assert_eq!(contents(&disk, "/f"), [some(b""), some(&[0; 8])].into_iter().collect());
    file.sync().unwrap();
    assert_eq!(contents(&disk, "/f"), [some(&[0; 8])].into_iter().collect());
}

#[test]
fn a_synced_file_is_lost_with_its_name_until_the_directory_is_synced() {
    let disk = SimDisk::new();
    let file = disk.create(path("/f"), 0).unwrap();
    file.write_all_at(b"x", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(contents(&disk, "/f"), [None, some(b"x")].into_iter().collect());
    disk.sync_dir(path("/")).unwrap();
    assert_eq!(contents(&disk, "/f"), [some(b"x")].into_iter().collect());
}

#[test]
fn a_new_directory_can_vanish_with_everything_synced_in_it() {
    let disk = SimDisk::new();
    disk.create_dir(path("/a/b")).unwrap();
    assert_eq!(disk.operation_count(), 2, "each level is an operation of its own");
    let file = disk.create(path("/a/b/f"), 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(path("/a/b")).unwrap();
    disk.sync_dir(path("/a")).unwrap();
    assert_eq!(contents(&disk, "/a/b/f"), [None, some(b"")].into_iter().collect());
    disk.sync_dir(path("/")).unwrap();
    assert_eq!(contents(&disk, "/a/b/f"), [some(b"")].into_iter().collect());
}

#[test]
fn an_unsynced_rename_happened_whole_or_not_at_all() {
    let (disk, _file) = disk_with(b"old");
    let new = disk.create(path("/f.new"), 0).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    new.sync().unwrap();
    disk.sync_dir(path("/")).unwrap();
    disk.rename(path("/f.new"), path("/f")).unwrap();
    let before = vec![PathBuf::from("/f"), PathBuf::from("/f.new")];
    let after = vec![PathBuf::from("/f")];
    assert_eq!(names(&disk, "/"), [before, after.clone()].into_iter().collect());
    assert_eq!(contents(&disk, "/f"), [some(b"old"), some(b"new")].into_iter().collect());
    disk.sync_dir(path("/")).unwrap();
    assert_eq!(names(&disk, "/"), [after].into_iter().collect());
    assert_eq!(contents(&disk, "/f"), [some(b"new")].into_iter().collect());
}

#[test]
fn a_rename_of_an_unsynced_file_can_leave_an_empty_one() {
    let (disk, _file) = disk_with(b"old");
    let new = disk.create(path("/f.new"), 0).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    disk.rename(path("/f.new"), path("/f")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    assert!(contents(&disk, "/f").contains(&some(b"")), "the mistake of renaming before syncing shows");
}

#[test]
fn an_unsynced_remove_can_be_undone_and_a_synced_one_cannot() {
    let (disk, _file) = disk_with(b"x");
    disk.remove(path("/f")).unwrap();
    assert_eq!(contents(&disk, "/f"), [None, some(b"x")].into_iter().collect());
    disk.sync_dir(path("/")).unwrap();
    assert_eq!(contents(&disk, "/f"), [None].into_iter().collect());
}

#[test]
fn changes_of_different_names_reorder_and_those_of_one_name_do_not() {
    let disk = SimDisk::new();
    disk.create(path("/a"), 0).unwrap();
    disk.create(path("/b"), 0).unwrap();
    disk.rename(path("/b"), path("/c")).unwrap();
    let found = names(&disk, "/");
    let list = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    let expected: BTreeSet<_> =
        [&[][..], &["/a"], &["/b"], &["/c"], &["/a", "/b"], &["/a", "/c"]].into_iter().map(list).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_file_renamed_twice_has_one_name_in_every_image() {
    let (disk, _file) = disk_with(b"x");
    disk.rename(path("/f"), path("/g")).unwrap();
    disk.rename(path("/g"), path("/h")).unwrap();
    let expected = ["/f", "/g", "/h"].map(|name| vec![PathBuf::from(name)]);
    assert_eq!(names(&disk, "/"), expected.into_iter().collect());
}

#[test]
fn a_rename_across_directories_is_durable_with_either_of_them() {
    let disk = SimDisk::new();
    disk.create_dir(path("/a")).unwrap();
    disk.create_dir(path("/b")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    disk.create(path("/a/f"), 0).unwrap();
    disk.create(path("/a/other"), 0).unwrap();
    disk.rename(path("/a/f"), path("/b/f")).unwrap();
    disk.sync_dir(path("/b")).unwrap();
    assert_eq!(contents(&disk, "/b/f"), [some(b"")].into_iter().collect());
    assert_eq!(contents(&disk, "/a/f"), [None].into_iter().collect());
    assert_eq!(contents(&disk, "/a/other"), [None, some(b"")].into_iter().collect());
}

#[test]
fn an_image_can_be_cut_in_its_turn() {
    let (disk, file) = disk_with(b"----");
    file.write_all_at(b"abcd", 0).unwrap();
    let found = disk.image_with(disk.operation_count(), Unsynced::Kept);
    assert_eq!(found.operation_count(), 0);
    let file = found.open(path("/f")).unwrap();
    file.write_all_at(b"AB", 0).unwrap();
    let expected = [&b"abcd"[..], b"Abcd", b"ABcd"].into_iter().map(some).collect();
    assert_eq!(contents(&found, "/f"), expected, "what an image found is durable in it");
    assert_eq!(read(&disk, "/f").unwrap(), b"abcd", "the disk it was drawn from is another one");
}

#[test]
fn the_same_cut_and_seed_give_the_same_image_in_any_order() {
    let (disk, file) = disk_with(&[b'-'; 4096]);
    for round in 0..20u8 {
        file.write_all_at(&[round; 700], u64::from(round) * 100).unwrap();
        if round % 7 == 3 {
            file.sync().unwrap();
        }
    }
    let cuts = 0..=disk.operation_count();
    let draw = |cut: u64, seed: u64| read(&disk.image(cut, seed), "/f").ok();
    let rising: Vec<_> = cuts.clone().flat_map(|cut| (0..3).map(move |seed| (cut, seed))).collect();
    let images: Vec<_> = rising.iter().map(|(cut, seed)| draw(*cut, *seed)).collect();
    for ((cut, seed), image) in rising.iter().zip(&images).rev() {
        assert_eq!(&draw(*cut, *seed), image, "cut {cut} seed {seed}");
    }
    let distinct: BTreeSet<_> = (0..50).map(|seed| draw(disk.operation_count(), seed)).collect();
    assert!(distinct.len() > 20, "seeds differ: {}", distinct.len());
}

#[test]
fn cuts_before_an_operation_do_not_know_of_it() {
    let (disk, file) = disk_with(b"old");
    let before = disk.operation_count();
    file.write_all_at(b"new", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(read(&disk.image_with(before, Unsynced::Kept), "/f").unwrap(), b"old");
    assert_eq!(read(&disk.image_with(before + 2, Unsynced::Dropped), "/f").unwrap(), b"new");
}

#[test]
fn the_nth_call_fails_and_the_others_do_not() {
    let disk = SimDisk::new();
    disk.fail_nth(3, Fault::Io);
    let file = disk.create(path("/f"), 0).unwrap();
    file.write_all_at(b"ab", 0).unwrap();
    let error = file.read_exact_at(&mut [0; 2], 0).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    file.read_exact_at(&mut [0; 2], 0).unwrap();
    assert_eq!(disk.fault_hit_count(), 1);
}

#[test]
fn no_space_hits_only_calls_that_need_some_and_a_write_stops_half_way() {
    let (disk, file) = disk_with(b"----");
    disk.fail_nth(1, Fault::NoSpace);
    file.sync().unwrap();
    file.read_exact_at(&mut [0; 4], 0).unwrap();
    assert_eq!(file.write_all_at(b"abcd", 0).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(read(&disk, "/f").unwrap(), b"ab--");
    disk.fail_nth(1, Fault::NoSpace);
    assert!(disk.create(path("/g"), 0).is_err());
    assert!(disk.open(path("/g")).is_err(), "a failed create leaves nothing");
}

#[test]
fn two_faults_may_wait_for_the_same_call() {
    let (disk, file) = disk_with(b"");
    disk.fail_nth(1, Fault::Io);
    disk.fail_nth(1, Fault::SyncForgets);
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!(disk.fault_hit_count(), 1);
}

#[test]
fn a_failed_sync_may_be_followed_by_one_that_succeeds() {
    let (disk, file) = disk_with(b"old");
    file.write_all_at(b"new", 0).unwrap();
    disk.fail_nth(1, Fault::Io);
    file.sync().unwrap_err();
    assert!(contents(&disk, "/f").contains(&some(b"old")), "the failed sync made nothing durable");
    file.sync().unwrap();
    assert_eq!(contents(&disk, "/f"), [some(b"new")].into_iter().collect());
}

#[test]
fn a_sync_that_forgets_is_never_made_good_by_a_later_one() {
    let (disk, file) = disk_with(b"old");
    file.write_all_at(b"new", 0).unwrap();
    disk.fail_nth(1, Fault::SyncForgets);
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(libc::EIO));
    file.write_all_at(b"!", 3).unwrap();
    file.sync().unwrap();
    assert_eq!(read(&disk, "/f").unwrap(), b"new!", "the running process is deceived");
    let found = contents(&disk, "/f");
    assert!(found.contains(&some(b"old!")), "{found:?}");
    assert!(found.iter().flatten().all(|f| f.ends_with(b"!")), "what came after is durable: {found:?}");
    file.write_all_at(b"new", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(contents(&disk, "/f"), [some(b"new!")].into_iter().collect(), "writing it again does");
}

#[test]
fn rot_shows_to_readers_and_in_every_image_and_survives_syncs() {
    let (disk, file) = disk_with(&[0xff; 1100]);
    disk.flip_bit("/f", 3, 1).unwrap();
    disk.zero_sector("/f", 2).unwrap();
    let check = |bytes: Vec<u8>| {
        assert_eq!((bytes.len(), bytes[3], bytes[1023], bytes[1024], bytes[1099]), (1100, 0xfd, 0xff, 0, 0));
    };
    check(read(&disk, "/f").unwrap());
    contents(&disk, "/f").into_iter().for_each(|found| check(found.unwrap()));
    file.sync().unwrap();
    contents(&disk, "/f").into_iter().for_each(|found| check(found.unwrap()));
    assert!(disk.flip_bit("/f", 1100, 0).is_err());
    assert!(disk.zero_sector("/f", 3).is_err());
    assert!(disk.flip_bit("/none", 0, 0).is_err());
}

#[test]
fn a_removed_file_stays_usable_through_its_handle() {
    let (disk, file) = disk_with(b"x");
    disk.remove(path("/f")).unwrap();
    file.write_all_at(b"y", 0).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(&byte, b"y");
}

#[test]
fn images_hold_no_lock_and_print_what_was_done() {
    let disk = SimDisk::new();
    let _held = disk.lock(path("/LOCK"), "pid 1").unwrap().unwrap();
    let image = disk.image_with(disk.operation_count(), Unsynced::Kept);
    assert!(image.lock(path("/LOCK"), "pid 2").unwrap().is_ok());
    disk.rename(path("/LOCK"), path("/B")).unwrap();
    assert_eq!(disk.operations(), ["create /LOCK of 0 bytes", "rename /LOCK to /B"]);
}

#[test]
#[should_panic(expected = "cut 2 lies after the last of 1 operations")]
fn a_cut_after_the_end_is_refused() {
    let disk = SimDisk::new();
    disk.create(path("/f"), 0).unwrap();
    disk.image(2, 0);
}
