//! What a manifest in a registry says of a chart. Source: OCI image specification 1.1, "Image manifest";
//! Helm's documentation, "Use OCI-based registries", for the media types.

use super::ChartError;
use crate::model::Digest;
use serde::Deserialize;

/// The media type of a manifest.
pub(super) const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The largest archive of a chart, in bytes; common ones are below 1 MiB.
const LAYER_LIMIT: usize = 16 * 1024 * 1024;

/// The chart's archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// What its bytes have to come to.
    pub(super) digest: Digest,
    /// How many there are.
    pub(super) size: usize,
}

/// A manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) layer: Layer,
}

#[derive(Deserialize)]
struct Raw {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl Manifest {
    /// Reads one. Beside the chart there may be its provenance.
    ///
    /// # Errors
    /// It is no chart's, or the chart is too large.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ChartError> {
        let no_chart = |reason: &str| ChartError::NoChart {
            reason: reason.to_owned(),
        };
        let raw: Raw = serde_json::from_slice(bytes)
            .map_err(|_| no_chart("it has no manifest that can be read"))?;
        if raw.config.is_none_or(|config| config.media_type != CONFIG) {
            return Err(no_chart("its manifest is that of something else"));
        }
        let mut layers = raw.layers.iter().filter(|one| one.media_type == CHART);
        let (Some(layer), None) = (layers.next(), layers.next()) else {
            return Err(no_chart("its manifest does not name one archive"));
        };
        let size = usize::try_from(layer.size).ok();
        let Some(size) = size.filter(|size| *size <= LAYER_LIMIT) else {
            return Err(ChartError::TooLarge {
                what: "its archive",
                limit: LAYER_LIMIT / (1024 * 1024),
            });
        };
        let digest = layer.digest.strip_prefix("sha256:");
        let digest = digest.ok_or_else(|| no_chart("its archive has no SHA-256 digest"))?;
        // Whatever else stands there is no digest of anything, and is not put into an address.
        if digest.len() != 64 || !digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(no_chart("its archive has no SHA-256 digest"));
        }
        Ok(Self {
            layer: Layer {
                digest: Digest::from_hex(digest.to_lowercase()),
                size,
            },
        })
    }
}
