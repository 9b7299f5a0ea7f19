//! Names and numbers of users and groups, from the files every Unix has.
//!
//! Accounts of a directory service are named by their number. A file that cannot be read is no empty
//! one: then nothing is known of any account.

use super::error::HostError;

/// Which of the two files.
#[derive(Clone, Copy)]
pub(super) enum Account {
    /// A user: `/etc/passwd`.
    User,
    /// A group: `/etc/group`.
    Group,
}

impl Account {
    fn file(self) -> &'static str {
        match self {
            Self::User => "/etc/passwd",
            Self::Group => "/etc/group",
        }
    }

    /// Returns the number behind a name, or behind a number written as text; `None` where nobody is
    /// called that.
    pub(super) fn number(self, name: &str) -> Result<Option<u32>, HostError> {
        number(self.file(), name)
    }

    /// Returns the name of a number, or the number as text where nobody has it.
    pub(super) fn name(self, number: u32) -> Result<String, HostError> {
        let listed = listed(self.file())?;
        let row = rows(&listed).find(|(_, known)| *known == number);
        Ok(row.map_or_else(|| number.to_string(), |(name, _)| name.to_owned()))
    }
}

fn number(file: &str, name: &str) -> Result<Option<u32>, HostError> {
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let listed = listed(file)?;
    let row = rows(&listed).find(|(known, _)| *known == name);
    Ok(row.map(|(_, number)| number))
}

fn listed(file: &str) -> Result<String, HostError> {
    std::fs::read_to_string(file).map_err(HostError::std("read the accounts of", file))
}

/// Reads `name:password:number:…`, the format of passwd(5) and group(5) alike.
fn rows(listed: &str) -> impl Iterator<Item = (&str, u32)> {
    listed.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        Some((name, number.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_zero_and_a_stranger_is_a_number() {
        let number = |name| Account::User.number(name).unwrap();
        assert_eq!(number("root"), Some(0));
        assert_eq!(Account::Group.name(0).unwrap(), "root");
        assert_eq!(number("4294967"), Some(4_294_967));
        assert_eq!(Account::User.name(4_294_967).unwrap(), "4294967");
        assert_eq!(number("no-such-user"), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwd");
        let told = number(file.to_str().unwrap(), "root").unwrap_err();
        assert!(told.to_string().contains("passwd"), "{told}");
    }
}
