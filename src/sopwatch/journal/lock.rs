//! The lock that says that a console writes a record.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// How often a writer asks for a lock that it can't have, and how long it waits between: who only looks whether there is a writer holds it for
/// less.
const ASKED: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A record's file, locked until this is dropped.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl LockedFile {
    /// Locks an open file for its one writer.
    ///
    /// # Errors
    /// Says that another console writes it.
    pub(super) fn new(file: File, path: &Path) -> Result<Self, SafeText> {
        for _ in 0..ASKED {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                // A file system without locks: whoever copies a home to such a one has no second console there.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self(file)),
            }
        }
        Err(safe!("another console writes the record {}", path.display()))
    }

    /// The file.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing is not enough: a child process that was just begun has a copy of each open file until it becomes its program, and
        // the lock stays as long as any copy. Where there are no locks, nothing is to be done.
        let _ = self.0.unlock();
    }
}

/// Whether a console writes to it now.
pub fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| {
        // Shared: two that look at once don't take each other for a writer.
        let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        // As above.
        let _ = file.unlock();
        held
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_writer_whoever_else_has_a_copy_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.jsonl");
        let locked = LockedFile::new(File::create(&path).unwrap(), &path).unwrap();
        // What a child process has until it becomes its program.
        let copy = locked.0.try_clone().unwrap();
        assert!(is_in_use(&path));
        drop(locked);
        assert!(!is_in_use(&path));
        drop(copy);
    }

    #[test]
    fn who_looks_is_not_taken_for_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.jsonl");
        let looking = File::create(&path).unwrap();
        looking.try_lock_shared().unwrap();
        assert!(!is_in_use(&path), "by another who looks");
        let writer = thread::spawn({
            let path = path.clone();
            move || LockedFile::new(File::open(&path).unwrap(), &path)
        });
        looking.unlock().unwrap();
        assert!(writer.join().unwrap().is_ok(), "by a writer");
    }
}
