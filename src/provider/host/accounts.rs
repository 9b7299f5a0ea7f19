//! Names and numbers of users and groups, from the files every Unix has.
//!
//! Accounts of a directory service are named by their number.

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

    /// Returns the number behind a name, or behind a number written as text.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        if let Ok(number) = name.parse() {
            return Some(number);
        }
        let listed = std::fs::read_to_string(self.file()).unwrap_or_default();
        rows(&listed)
            .find(|(known, _)| *known == name)
            .map(|(_, number)| number)
    }

    /// Returns the name of a number, or the number as text where nobody has it.
    pub(super) fn name(self, number: u32) -> String {
        let listed = std::fs::read_to_string(self.file()).unwrap_or_default();
        rows(&listed)
            .find(|(_, known)| *known == number)
            .map_or_else(|| number.to_string(), |(name, _)| name.to_owned())
    }
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
        assert_eq!(Account::User.number("root"), Some(0));
        assert_eq!(Account::Group.name(0), "root");
        assert_eq!(Account::User.number("4294967"), Some(4_294_967));
        assert_eq!(Account::User.name(4_294_967), "4294967");
        assert_eq!(Account::User.number("no-such-user"), None);
    }
}
