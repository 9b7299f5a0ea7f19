//! What is under guard ends with whoever holds it, with all it started.

use std::path::Path;
use std::time::Duration;

use crate::peers::process::Guarded;
use crate::peers::wait::until;

#[test]
fn a_program_and_its_children_end_with_their_holder() {
    let folder = tempfile::tempdir().unwrap().keep();
    let file = folder.join("child");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let program = Guarded::start(Path::new("/bin/sh"), &["-c", &script], &folder, &[], true);
    let soon = Duration::from_secs(10);
    let child = until("the program has a child", soon, || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.trim().parse::<u32>().ok()
    });
    let process = Path::new("/proc").join(child.to_string());
    assert!(process.exists());
    drop(program);
    until("the child is gone", soon, || {
        (!process.exists()).then_some(())
    });
    assert!(!folder.exists());
}

#[test]
#[should_panic(expected = "ended (exit status: 7):\nlast words")]
fn a_program_that_ends_by_itself_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-c", "echo last words; exit 7"];
    let mut program = Guarded::start(Path::new("/bin/sh"), &arguments, folder.path(), &[], true);
    until("it ends", Duration::from_secs(180), || {
        program.assert_running();
        None::<()>
    });
}
