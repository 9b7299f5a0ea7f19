//! What every kind promises, as tests over a `Subject`: a kind with its counterpart. A kind is listed
//! as supported once it passes all of it.
//!
//! A provider joins in with a module here that says `conformance!(name, make_a_subject)` for each kind.

mod promises;
mod refusals;
pub(crate) mod world;

use async_trait::async_trait;
use reconciled::model::Value;
use reconciled::provider::Provider;
use std::sync::Arc;

/// One kind and the counterpart it lives on. Every test gets a fresh one, with names of its own.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// The provider, made anew at each call, as after a restart of the daemon.
    fn provider(&self) -> Arc<dyn Provider>;
    /// The kind's name.
    fn kind(&self) -> &'static str;
    /// The connection: its provider's name and its settings.
    fn connection(&self) -> (&'static str, Value);
    /// What is declared at first. Somewhere in it stands a secret with [`CANARY`] in its text, where
    /// the kind can hold one.
    fn declared(&self) -> Value;
    /// The same, written in another order; `None` where nothing has an order.
    fn reordered(&self) -> Option<Value>;
    /// Declarations that each change one mutable field, with the field's path as plans show it.
    fn mutations(&self) -> Vec<(&'static str, Value)>;
    /// Declarations that each change one immutable field, with its path.
    fn immutable(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// Makes what is declared as a person would, without us: equal, and nobody's.
    async fn make_by_hand(&self);
    /// Changes declared fields as a person would, another way each time it is called.
    async fn edit_by_hand(&self) -> Edit;
    /// Deletes it as a person would.
    async fn delete_by_hand(&self);
    /// Tells how many such objects there are, and all that can be seen of them: equal texts mean that
    /// nothing was written.
    async fn fingerprint(&self) -> String;
    /// Breaks the counterpart off, as a network or a missing right would.
    async fn break_off(&self);
    /// Undoes `break_off`.
    async fn mend(&self);
}

/// What a person changed.
pub(crate) struct Edit {
    /// The path of a field that is changed, as plans show it.
    pub(crate) path: &'static str,
    /// Part of the name the live side gives that person; `None` where it does not know.
    pub(crate) who: Option<String>,
    /// Whether the live side knows when.
    pub(crate) when: bool,
}

/// Stands in secrets, and may stand in nothing that is shown.
pub(crate) const CANARY: &str = "canary-5f2c";

/// Runs the whole suite over one subject; `$make` is an `async fn() -> impl Subject`.
macro_rules! conformance {
    ($name:ident, $make:path) => {
        conformance!(@tests $name, $make,
            promises: [
                create_then_the_plan_is_empty, import_then_the_plan_is_empty, what_is_nobodys_and_differs_waits_for_a_word,
                reorder_then_the_plan_is_empty, plan_and_provider_agree_on_what_is_equal, one_field_changed_changes_one_field,
                an_immutable_field_is_replaced_or_refused,
                drift_is_found_attributed_and_put_back, what_was_deleted_by_hand_is_found_and_made_again,
                what_is_no_longer_declared_is_deleted,
            ],
            refusals: [
                a_step_that_has_happened_happens_once, what_belongs_to_another_is_refused, what_nobody_owns_is_not_deleted,
                what_has_moved_is_refused, what_cannot_be_told_is_unknown,
            ]
        );
    };
    (@tests $name:ident, $make:path, $($area:ident: [$($test:ident,)*]),*) => {
        mod $name {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::conformance::$area::$test(&$make().await).await;
                }
            )*)*
        }
    };
}

pub(crate) mod digitalocean;
pub(crate) mod host;
mod kubernetes;
