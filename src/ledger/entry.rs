//! One change of the ledger: what is appended to the record, and what it does to the tables.
//!
//! An entry's JSON is the body of its record, so a field once written keeps its name and meaning.

use super::records::{RunIntent, RunSummary};
use super::{episodes, inventory, runs, schema, standing, thin, waiting};
use crate::model::{Address, Digest, EnvironmentName, Outcome, Owned, RepoPath, Revision, RunId};
use serde::Serialize;
use sqlx::AnyConnection;

/// What has to be in a place for something else to be put there.
#[derive(Clone, Debug, Default)]
pub(super) enum Over {
    /// Whatever it is.
    #[default]
    Anything,
    /// Just this; else somebody was quicker.
    Just(Option<serde_json::Value>),
}

/// One change.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(super) enum Entry {
    RunOpened(runs::Opening),
    StepBegun {
        run: RunId,
        address: Address,
        #[serde(skip_serializing_if = "Option::is_none")]
        owned: Option<Box<Owned>>,
    },
    StepApplied {
        run: RunId,
        address: Address,
        owned: Option<Box<Owned>>,
    },
    StepEnded {
        run: RunId,
        address: Address,
        outcome: Outcome,
    },
    RunClosed {
        run: RunId,
        summary: RunSummary,
    },
    Owned {
        owned: Box<Owned>,
    },
    Released {
        address: Address,
    },
    EpisodeOpened(episodes::Opening),
    EpisodeEnded {
        episode: i64,
        how: String,
    },
    Delivered {
        name: String,
        posted: serde_json::Value,
        #[serde(skip)]
        over: Over,
    },
    Paused {
        environment: EnvironmentName,
        why: String,
        by: String,
    },
    Resumed {
        environment: EnvironmentName,
    },
    LastGood {
        environment: EnvironmentName,
        revision: Revision,
        path: RepoPath,
    },
    Thinned {
        /// Runs that ended before this are forgotten; microseconds since 1970.
        before: i64,
    },
    /// When an environment was last compared. Said at each pass, so it leaves no record.
    Compared {
        environment: EnvironmentName,
        seen: serde_json::Value,
    },
    /// What waits for its delivery. Said at each change of it, so it leaves no record.
    Waiting {
        outbox: String,
        letters: serde_json::Value,
    },
    /// Not a change: shows that one could be written, and leaves no record.
    Probe,
}

impl Entry {
    /// Makes the entry of a run's intent.
    pub(super) fn intent(intent: &RunIntent) -> Self {
        let plan = intent.plan_json.clone();
        Self::RunOpened(runs::Opening {
            run: 0,
            environment: intent.environment.clone(),
            revision: intent.revision.clone(),
            trigger: runs::cause(&intent.trigger, intent.by.as_deref()),
            plan_hash: intent.plan_hash.clone(),
            steps: intent.steps.clone(),
            plan_digest: Digest::of(&plan),
            plan,
        })
    }

    /// Returns its name in the record, in crash points and in messages.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::RunOpened(_) => "run-opened",
            Self::StepBegun { .. } => "step-begun",
            Self::StepApplied { .. } => "step-applied",
            Self::StepEnded { .. } => "step-ended",
            Self::RunClosed { .. } => "run-closed",
            Self::Owned { .. } => "owned",
            Self::Released { .. } => "released",
            Self::EpisodeOpened(_) => "episode-opened",
            Self::EpisodeEnded { .. } => "episode-ended",
            Self::Delivered { .. } => "delivered",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::LastGood { .. } => "last-good",
            Self::Thinned { .. } => "thinned",
            Self::Compared { .. } => "compared",
            Self::Waiting { .. } => "waiting",
            Self::Probe => "probe",
        }
    }

    /// Tells whether it is appended to the record: what is true only until the next pass is not.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(
            self,
            Self::Probe | Self::Compared { .. } | Self::Waiting { .. }
        )
    }

    /// Tells whether what it rests on is so in the moment it is written: what was decided on older words
    /// is not.
    pub(super) async fn stands(&self, connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        match self {
            Self::Delivered {
                name,
                over: Over::Just(before),
                ..
            } => Ok(standing::posted(connection, name).await? == *before),
            Self::Resumed { environment } => standing::is_paused(connection, environment).await,
            _ => Ok(true),
        }
    }

    /// Gives it the next free id, where it makes something that has one.
    pub(super) async fn number(
        &mut self,
        connection: &mut AnyConnection,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::RunOpened(opening) => opening.run = runs::next_id(connection).await?,
            Self::EpisodeOpened(opening) => {
                let address = opening.address.as_ref();
                let about = (&opening.environment, address, opening.condition.as_str());
                opening.episode = episodes::id_for(connection, about).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Brings the tables to what it says. Returns the id it has, or how many rows it took away.
    pub(super) async fn fold(
        &self,
        connection: &mut AnyConnection,
        at: i64,
    ) -> Result<i64, sqlx::Error> {
        match self {
            Self::RunOpened(opening) => return runs::fold_opened(connection, opening, at).await,
            Self::StepBegun { .. } | Self::StepApplied { .. } | Self::StepEnded { .. } => {
                self.fold_step(connection, at).await?;
            }
            Self::RunClosed { run, summary } => {
                runs::fold_closed(connection, *run, summary, at).await?;
            }
            Self::Owned { owned } => {
                inventory::fold(connection, &owned.address, Some(owned)).await?;
            }
            Self::Released { address } => inventory::fold(connection, address, None).await?,
            Self::EpisodeOpened(new) => return episodes::fold_opened(connection, new, at).await,
            Self::EpisodeEnded { episode, how } => {
                episodes::fold_ended(connection, *episode, how, at).await?;
            }
            Self::Delivered { name, posted, .. } => {
                standing::fold_delivered(connection, name, posted, at).await?;
            }
            Self::Paused {
                environment,
                why,
                by,
            } => standing::fold_paused(connection, environment, (why, by), at).await?,
            Self::Resumed { environment } => {
                standing::fold_resumed(connection, environment).await?;
            }
            Self::LastGood {
                environment,
                revision,
                path,
            } => standing::fold_last_good(connection, environment, revision, path).await?,
            Self::Thinned { before } => return thin::fold(connection, *before).await,
            Self::Compared { environment, seen } => {
                standing::fold_compared(connection, environment, seen).await?;
            }
            Self::Waiting { outbox, letters } => waiting::fold(connection, outbox, letters).await?,
            Self::Probe => schema::set_fact(connection, "probe", at.to_string()).await?,
        }
        Ok(0)
    }

    /// Brings the tables to what it says of a run's step.
    async fn fold_step(&self, connection: &mut AnyConnection, at: i64) -> Result<(), sqlx::Error> {
        match self {
            Self::StepBegun {
                run,
                address,
                owned,
            } => {
                runs::fold_begun(connection, (*run, address), at).await?;
                if let Some(owned) = owned {
                    inventory::fold(connection, address, Some(owned)).await?;
                }
            }
            Self::StepApplied {
                run,
                address,
                owned,
            } => {
                runs::fold_applied(connection, (*run, address), at).await?;
                inventory::fold(connection, address, owned.as_deref()).await?;
            }
            Self::StepEnded {
                run,
                address,
                outcome,
            } => runs::fold_ended(connection, (*run, address), outcome, at).await?,
            _ => {}
        }
        Ok(())
    }
}
