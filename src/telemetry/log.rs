//! The log: to stderr, as JSON lines where nobody watches, as text on a terminal.
//!
//! Events are written fields first with a constant message. A secret cannot come in: it is a type
//! whose every form is its mask, and other crates are kept below the level that prints requests.

use std::io::{self, IsTerminal as _};
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text where stderr is a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error("read the log filter {filter:?}")]
    Filter {
        /// What was written.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something already writes the log of this process.
    #[error("set up the log a second time")]
    Twice,
}

/// Sets the process's log up, panics included.
///
/// The filter is a level (`info`: ours at that level, other crates from `warn`) or directives
/// (`info,reconciled::engine=debug`), which hold for all crates. With a level, what kube's client says of each
/// request without an answer is left out: a cluster that is gone is said once, by us.
///
/// # Errors
/// A filter that cannot be read, or a log that is set up already.
pub fn install(format: Format, filter: &str) -> Result<(), LogError> {
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !io::stderr().is_terminal(),
    };
    let filter = self::filter(filter)?;
    tracing_subscriber::registry()
        .with(filter)
        .with(layer(json, io::stderr().is_terminal(), io::stderr))
        .try_init()
        .map_err(|_twice| LogError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let text = panic.payload_as_str().unwrap_or_default();
        tracing::error!(place, text, "Panicked");
    }));
    Ok(())
}

/// Reads a level or a list of directives.
///
/// # Errors
/// Names what cannot be read.
pub fn filter(text: &str) -> Result<EnvFilter, LogError> {
    let level = text.parse::<tracing::Level>().is_ok() || text == "off";
    let directives = if level {
        format!("warn,kube_client::client=off,reconciled={text}")
    } else {
        text.to_owned()
    };
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|source| LogError::Filter {
            filter: text.to_owned(),
            source,
        })
}

fn layer<S, W>(json: bool, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        let layer = layer.json().flatten_event(true).with_span_list(false);
        layer.boxed()
    } else {
        layer.with_ansi(colours).with_target(false).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, Value};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(json: bool, filter: &str) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::registry()
            .with(super::filter(filter).unwrap())
            .with(layer(json, false, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let secret = Secret::new("canary-log");
            let _span = tracing::info_span!("run", environment = "production").entered();
            let value = Value::Secret(secret.clone());
            tracing::info!(%secret, debug = ?secret, ?value, "Step applied");
            tracing::debug!("Details");
            tracing::info!(target: "hyper", "A request");
        });
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_has_fields_span_and_no_secret() {
        let text = written(true, "info");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(lines[0]["message"], "Step applied");
        assert_eq!(lines[0]["secret"], "(sensitive)");
        assert_eq!(lines[0]["span"]["environment"], "production");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn text_is_for_people_and_has_no_secret() {
        let text = written(false, "debug,hyper=info");
        assert!(text.contains("Step applied") && text.contains("A request"));
        assert!(text.contains("Details"), "{text}");
        assert!(
            !text.contains("canary") && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn a_wrong_filter_is_named() {
        let error = filter("reconciled=loud").unwrap_err();
        assert!(error.to_string().contains("reconciled=loud"), "{error}");
    }
}
