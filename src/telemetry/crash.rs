//! Places where a test kills the process, to show that the next start converges. A release build
//! has none.

/// Marks a place before or after something that must survive a kill.
///
/// In a debug build the process counts these places and kills itself at the one that
/// `RECONCILED_CRASH_AT` names (from 1). Each name is first appended to the file that
/// `RECONCILED_CRASH_TRACE` names, so that a suite can count the places of a run without a kill.
#[cfg(debug_assertions)]
pub fn crash_point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAN: OnceLock<(Option<u64>, Option<std::ffi::OsString>)> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);

    let (at, trace) = PLAN.get_or_init(|| {
        let at = std::env::var("RECONCILED_CRASH_AT").ok();
        let at = at.map(|text| text.parse().expect("RECONCILED_CRASH_AT is a number"));
        (at, std::env::var_os("RECONCILED_CRASH_TRACE"))
    });
    if at.is_none() && trace.is_none() {
        return;
    }
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(path) = trace {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(path)
            .expect("RECONCILED_CRASH_TRACE can be appended to");
        file.write_all(format!("{name}\n").as_bytes())
            .expect("RECONCILED_CRASH_TRACE can be appended to");
    }
    if *at == Some(count) {
        let _never_returns =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

/// Does nothing: this is a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn crash_point(_name: &str) {}
