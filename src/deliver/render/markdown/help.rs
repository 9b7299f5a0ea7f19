//! What people can ask for on a pull request.

use super::escape;

/// Says what can be asked for. `marker` is its first line, by which our comment is found; `unknown` is what was
/// asked for, where nobody can ask for that.
pub fn help_markdown(marker: &str, unknown: Option<&str>) -> String {
    let unknown = unknown.map_or_else(String::new, |line| {
        format!("{} is no command, and did nothing.\n\n", escape::code(line))
    });
    format!(
        "{marker}\n{unknown}As the first line of a comment, from people who may write to this repository:\n\n\
         - `/reconciled plan`: make the plan again now; it stands in the comment that is kept up to date\n\
         - `/reconciled help`: this\n\n\
         Merging is what applies. Nothing else that is written here does.\n"
    )
}
