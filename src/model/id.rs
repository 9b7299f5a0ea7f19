//! Names and ids, each a type of its own so that one cannot stand where another is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a name was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("accept the {what} {text:?}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    rule: &'static str,
}

const NAME_RULE: &str = "use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit";

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|b| plain(b) || *b == b'-')
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a name of 1 to 63 lower-case letters, digits and hyphens.
            ///
            /// # Errors
            /// Any other text, named in the error.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                if is_name(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidName { what: $what, text, rule: NAME_RULE })
                }
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// Names an environment, unique over all repositories of one daemon.
    EnvironmentName,
    "environment name"
);
name_type!(
    /// Names a connection inside its environment.
    ConnectionName,
    "connection name"
);

/// Names a resource inside its environment: the key under `resources`, and for one object of a
/// resource that stands for many (a folder of manifests) the object as its `member`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    name: String,
    member: Option<String>,
}

impl ResourceId {
    /// Takes a key under `resources`.
    ///
    /// # Errors
    /// Refuses what is not a name of 1 to 63 lower-case letters, digits and hyphens.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        if is_name(&name) {
            Ok(Self { name, member: None })
        } else {
            Err(InvalidName {
                what: "resource id",
                text: name,
                rule: NAME_RULE,
            })
        }
    }

    /// Returns the id of one object of this resource, e.g. `Deployment.apps/shop/api`.
    #[must_use]
    pub fn member(&self, member: impl Into<String>) -> Self {
        Self {
            name: self.name.clone(),
            member: Some(member.into()),
        }
    }

    /// Returns the key under `resources`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of the declared resource this one is a member of (or itself).
    #[must_use]
    pub fn declared(&self) -> Self {
        Self {
            name: self.name.clone(),
            member: None,
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.member {
            Some(member) => write!(f, "[{member}]"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for ResourceId {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        match text.strip_suffix(']').and_then(|t| t.split_once('[')) {
            Some((name, member)) => Ok(Self::new(name)?.member(member)),
            None => Self::new(text),
        }
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.to_string()
    }
}

/// Names one resource over all environments: `environment/id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// The environment that declares it.
    pub environment: EnvironmentName,
    /// Its id there.
    pub resource: ResourceId,
}

impl Address {
    /// Joins an environment's name and a resource's id.
    pub fn new(environment: EnvironmentName, resource: ResourceId) -> Self {
        Self {
            environment,
            resource,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment, self.resource)
    }
}

impl std::str::FromStr for Address {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (environment, resource) = text.split_once('/').ok_or_else(|| InvalidName {
            what: "address",
            text: text.to_owned(),
            rule: "write it as environment/id",
        })?;
        Ok(Self {
            environment: EnvironmentName::new(environment)?,
            resource: ResourceId::try_from(resource.to_owned())?,
        })
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Names a kind of resource: `provider/name`, e.g. `kubernetes/object`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindName(String);

impl KindName {
    /// Takes a kind's name as it is written in a spec; whether it exists is the registry's to say.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the provider's part: `kubernetes` of `kubernetes/object`.
    pub fn provider(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.0.as_str(), |(provider, _)| provider)
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names the state of a repository: a Git commit, or `folder:<digest>` for a working folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// Takes a commit's full hash, or `folder:<digest>`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 10 characters of the hash, for people.
    pub fn short(&self) -> String {
        match self.0.split_once(':') {
            Some((scheme, rest)) => {
                format!("{scheme}:{}", rest.chars().take(10).collect::<String>())
            }
            None => self.0.chars().take(10).collect(),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one run in the ledger; larger is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_text() {
        let id = ResourceId::new("api")
            .unwrap()
            .member("Deployment.apps/shop/api");
        let address = Address::new(EnvironmentName::new("production").unwrap(), id);
        assert_eq!(
            address.to_string(),
            "production/api[Deployment.apps/shop/api]"
        );
        assert_eq!(address.to_string().parse::<Address>(), Ok(address));
    }

    #[test]
    fn names_that_would_not_be_labels_are_refused() {
        for bad in ["", "A", "-a", "a-", "a_b", "a/b", &"x".repeat(64)] {
            assert!(EnvironmentName::new(bad).is_err(), "{bad}");
        }
    }
}
