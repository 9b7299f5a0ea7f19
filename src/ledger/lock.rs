//! One daemon per ledger: a lock on a file beside it, which the system gives free when the process
//! ends, however it ends.

use super::error::{LedgerError, Place};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the lock is tried before it counts as another daemon's.
const ASKING: u32 = 5;

/// Held as long as the daemon writes.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "open means locked")] File);

impl Lock {
    /// Takes the lock of this ledger.
    ///
    /// # Errors
    /// `Locked` with the other's process id, where another process has it.
    pub(super) fn take(ledger: &Path, place: &Place) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::Open {
            place: place.clone(),
            source,
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(ledger))
            .map_err(failed)?;
        match taken(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Locked {
                    place: place.clone(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Who holds it is only told to people: a full disk must not keep the daemon from looking.
        let _best_effort = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

/// Takes a lock, through the moment in which somebody asks who has it.
fn taken(file: &File) -> Result<(), TryLockError> {
    for _ in 0..ASKING {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            told => return told,
        }
    }
    file.try_lock()
}

/// Who holds a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// No daemon.
    Nobody,
    /// A daemon that could not say which process it is.
    Somebody,
    /// The daemon in this process.
    Process(u32),
}

/// Returns who holds the ledger's lock.
pub(super) fn holder_of(ledger: &Path) -> Holder {
    let Ok(mut file) = File::open(beside(ledger)) else {
        return Holder::Nobody;
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            holder(&mut file).map_or(Holder::Somebody, Holder::Process)
        }
        _ => Holder::Nobody,
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    let _unknown = file.read_to_string(&mut text);
    text.trim().parse().ok()
}

fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger.as_os_str());
    name.push(".lock");
    PathBuf::from(name)
}
