//! One daemon per ledger: a lock on a file beside it, which the system gives free when the process
//! ends, however it ends.

use super::error::{LedgerError, Place};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _unknown = file.read_to_string(&mut text);
                return Err(LedgerError::Locked {
                    place: place.clone(),
                    pid: text.trim().parse().ok(),
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

fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger.as_os_str());
    name.push(".lock");
    PathBuf::from(name)
}
