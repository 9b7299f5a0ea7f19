//! What people can ask for on a pull request.

/// Says what can be asked for. `marker` is its first line, by which our comment is found.
pub fn help_markdown(marker: &str) -> String {
    format!(
        "{marker}\nAs the first line of a comment, from people who may write to this repository:\n\n\
         - `/reconciled plan`: make the plan again now; it stands in the comment that is kept up to date\n\
         - `/reconciled help`: this\n\n\
         Merging is what applies. Nothing else that is written here does.\n"
    )
}
