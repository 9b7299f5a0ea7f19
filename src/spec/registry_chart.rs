//! A chart in an OCI registry: its address, and the one version or digest of it that is meant. Whatever
//! moves by itself is refused: what was reviewed would not be what is applied.

use super::template::{Shape, Template};
use crate::model::{ChartReference, Diagnostic, Digest};

const SCHEME: &str = "oci://";

/// The longest tag a registry takes. Source: OCI distribution specification 1.1, "Pulling manifests".
const LONGEST_TAG: usize = 128;

/// Tells whether a chart is named by an address of a registry.
pub(crate) fn is_named(chart: &Template) -> bool {
    matches!(&chart.content, Shape::Text(text) if text.starts_with(SCHEME))
}

/// Reads the address of a chart; neither its version nor its digest stands in it.
///
/// # Errors
/// It is none, located.
pub(crate) fn address(chart: &Template) -> Result<ChartReference, Box<Diagnostic>> {
    let Shape::Text(text) = &chart.content else {
        return Err(no_address(chart).into());
    };
    let rest = text.strip_prefix(SCHEME).unwrap_or_default();
    match rest.split_once('/') {
        Some((host, path)) if is_host(host) && path.split('/').all(is_part) => Ok(ChartReference {
            registry: host.to_lowercase(),
            repository: path.to_owned(),
            version: None,
            digest: None,
        }),
        _ => Err(no_address(chart).into()),
    }
}

fn no_address(chart: &Template) -> Diagnostic {
    let message = "this is no address of a chart in a registry";
    let error = chart.place.error("bad-chart", message);
    error.with_hint("Write it as in oci://ghcr.io/charts/web; which one is meant has keys of its own: `version: 1.2.3`, `digest: sha256:…`.")
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'-');
    !name.is_empty()
        && name.bytes().all(letter)
        && !name.starts_with(['.', '-'])
        && port.parse().is_ok_and(|port: u16| port > 0)
}

/// Source: OCI distribution specification 1.1, the grammar of `<name>`.
fn is_part(part: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let ends = [part.bytes().next(), part.bytes().last()];
    ends.iter().all(|end| end.is_some_and(plain))
        && part
            .bytes()
            .all(|letter| plain(letter) || matches!(letter, b'.' | b'_' | b'-'))
}

/// Pins a chart to what stands beside its address.
///
/// # Errors
/// Neither is there, or one of them is not exact; located.
pub(crate) fn pinned(
    spec: &Template,
    chart: ChartReference,
    version: Option<String>,
    digest: Option<&str>,
) -> Result<ChartReference, Box<Diagnostic>> {
    let at = |key: &str| &spec.get(key).unwrap_or(spec).place;
    if version.is_none() && digest.is_none() {
        let error = at("chart").error("missing-key", "`version` or `digest` is missing here");
        return Err(error.with_hint("Say which one is meant: `version: 1.2.3`, or `digest: sha256:…` as `helm push` and `helm pull` print it.").into());
    }
    if let Some(version) = version.as_deref().filter(|version| !is_exact(version)) {
        let message = format!(
            "`{version}` is not one version: what is rendered would change without a commit"
        );
        let error = at("version").error("floating-version", message);
        return Err(error.with_hint("Write it whole, as in 1.2.3.").into());
    }
    let digest = match digest {
        None => None,
        Some(text) => Some(sha256(text).ok_or_else(|| {
            let error = at("digest").error("bad-digest", "this is no digest");
            error.with_hint(
                "Write it as `helm push` and `helm pull` print it: sha256: and 64 digits.",
            )
        })?),
    };
    Ok(ChartReference {
        version,
        digest,
        ..chart
    })
}

fn sha256(text: &str) -> Option<Digest> {
    let digits = text.strip_prefix("sha256:")?;
    let is_hex = |letter: u8| matches!(letter, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == 64 && digits.bytes().all(is_hex)).then(|| Digest::from_hex(digits))
}

/// Tells whether a text is one version: three numbers, and what semver 2.0 lets follow. A `v` before
/// them is common.
fn is_exact(version: &str) -> bool {
    let plain = version.strip_prefix('v').unwrap_or(version);
    let (plain, build) = plain.split_once('+').unwrap_or((plain, "0"));
    let (numbers, early) = plain.split_once('-').unwrap_or((plain, "0"));
    let word = |text: &str| {
        let letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
        text.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(letter))
    };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    version.len() <= LONGEST_TAG
        && numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && word(early)
        && word(build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_told_from_many() {
        for one in [
            "1.2.3",
            "v1.20.0",
            "0.0.1-rc.1",
            "1.2.3+build.5",
            "1.2.3-a-b+c",
        ] {
            assert!(is_exact(one), "{one}");
        }
        for many in [
            "",
            "1.2",
            "1",
            "latest",
            "^1.2.3",
            "~1.2.3",
            ">=1.2.3",
            "1.2.x",
            "*",
            "1.2.3 ",
            "1.2.3 - 2.0.0",
            "1.2.3-",
            "1.2.3+",
            "1.2.3.4",
            "v",
            "1.2.3/../x",
        ] {
            assert!(!is_exact(many), "{many}");
        }
    }

    #[test]
    fn hosts_and_names_hold_nothing_that_leads_elsewhere() {
        for host in ["ghcr.io", "localhost:5000", "10.0.0.1:80"] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "", "a@b", "a:b", "a:0", ":80", "a?b", "a#b", "a b", "-a", "[::1]",
        ] {
            assert!(!is_host(host), "{host}");
        }
        for part in ["", ".", "..", "A", "a:1.2.3", "a@sha256", "a?b", "a%2e"] {
            assert!(!is_part(part), "{part}");
        }
        assert!(is_part("kube-prometheus_stack.v2"));
    }
}
