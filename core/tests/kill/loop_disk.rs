//! A real file system in a file: ext4 on a loop device, whose power can be cut.
//!
//! The cut is ext4's shutdown ioctl without a flush of its log: from then on every call fails with EIO, and nothing of what
//! the kernel had not yet written reaches the image. What the next mount finds is what a power loss leaves.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// `EXT4_IOC_SHUTDOWN`, and `EXT4_GOING_FLAGS_NOLOGFLUSH`.
const SHUTDOWN: libc::c_ulong = 0x8004_587d;
const NO_LOG_FLUSH: u32 = 2;

/// How often an unmount is tried: a killed process holds its files for a moment yet.
const UNMOUNTS_MAX: u32 = 500;

/// See the module's description.
#[derive(Debug)]
pub struct LoopDisk {
    scratch: TempDir,
    device: String,
    options: &'static str,
}

/// Runs a command; its output, or what went wrong.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let ran = Command::new(program).args(arguments).output().map_err(|e| format!("{program}: {e}"))?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&ran.stderr).trim()))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

/// Cuts the power of the file system that is mounted at `path`.
///
/// # Panics
/// If the kernel refuses.
pub fn cut_power(path: &Path) {
    let root = File::open(path).expect("the root of the file system");
    // SAFETY: the descriptor is open, and the kernel reads one u32 through the pointer.
    let done = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN, &NO_LOG_FLUSH) };
    assert_eq!(done, 0, "the shutdown ioctl: {}", io::Error::last_os_error());
}

impl LoopDisk {
    /// A new file system, mounted with these options.
    ///
    /// # Errors
    /// Why there can be none here, in words.
    pub fn new(bytes: u64, options: &'static str) -> Result<Self, String> {
        // SAFETY: has no preconditions.
        if unsafe { libc::geteuid() } != 0 {
            return Err("only root may mount a file system".into());
        }
        let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
        let image = scratch.path().join("image");
        File::create(&image).and_then(|file| file.set_len(bytes)).map_err(|e| e.to_string())?;
        run("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)])?;
        std::fs::create_dir(scratch.path().join("mount")).map_err(|e| e.to_string())?;
        let device = run("losetup", &["--find", "--show", text(&image)])?;
        let disk = Self { scratch, device, options };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("mount")
    }

    /// Mounts again what a cut left; the kernel replays its log.
    ///
    /// # Panics
    /// If it cannot be unmounted or mounted.
    pub fn restart(&self) {
        self.unmount().and_then(|()| self.mount()).unwrap_or_else(|e| panic!("{e}"));
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o", self.options, &self.device, text(&self.path())]).map(drop)
    }

    fn unmount(&self) -> Result<(), String> {
        let path = self.path();
        let mut tries = 0;
        loop {
            match run("umount", &[text(&path)]) {
                Err(error) if tries == UNMOUNTS_MAX => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
                Ok(_) => return Ok(()),
            }
            tries += 1;
        }
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _ = self.unmount();
        let _ = run("losetup", &["--detach", &self.device]);
    }
}
