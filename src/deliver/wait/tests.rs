//! What a wait believes: looks that are answered from what was heard, and those that are not.

use super::*;
use crate::deliver::fixtures::step;
use crate::model::{Action, Applied, Kind, Map, Mark, Observed, Value};
use crate::provider::{Provider, ProviderError};
use async_trait::async_trait;

/// Tells one thing as long as it may answer what it heard, and another when it has to ask.
struct Heard {
    kinds: Vec<Kind>,
    heard: Health,
    asked: Health,
}

#[async_trait]
impl Provider for Heard {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let seen = |asked: &Asked| {
            let health = match asked.afresh {
                true => self.asked.clone(),
                false => self.heard.clone(),
            };
            let live = Live {
                value: Value::Null.into(),
                outputs: Map::new(),
                prediction: None,
                owner: None,
                mark: Mark(String::new()),
                external_id: None,
                health,
                going_since: None,
                touched_by: Vec::new(),
                lists: Vec::new(),
                verdict: None,
                applied_by: None,
            };
            Observed::answer(asked, Observation::Present(Box::new(live)))
        };
        asked.iter().map(seen).collect()
    }

    async fn apply(
        &self,
        step: &Step,
        _stop: &CancellationToken,
    ) -> Result<Applied, ProviderError> {
        unreachable!("{} is not applied", step.address)
    }
}

async fn waited(heard: Health, asked: Health) -> Waited {
    let kinds = vec![Kind::plain("test/thing", "A thing")];
    let heard = Heard {
        kinds,
        heard,
        asked,
    };
    let registry = Registry::new(vec![Arc::new(heard)]);
    let wait = Wait {
        asked: super::asked(&step("api", Action::Create, 0, &[]), None),
        within: Duration::from_secs(60),
        passing: false,
    };
    until_ready(&registry, wait, &CancellationToken::new(), |_| ()).await
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_ends_no_wait_badly() {
    let old = || Health::Progressing("0 of 3 pods are updated".to_owned());
    let gone = || Health::Failed("the job failed".to_owned());
    for heard in [old(), gone()] {
        let told = waited(heard, Health::Ready).await;
        assert!(matches!(told, Waited::Ready(_)));
    }
    // It goes on where only what was heard is final.
    let begun = tokio::time::Instant::now();
    let Waited::Ended(Outcome::Failed { code, message, .. }) = waited(gone(), old()).await else {
        panic!("it is not ready")
    };
    assert!(code == "deadline" && message.ends_with("are updated"));
    assert_eq!(begun.elapsed().as_secs(), 60);
    let Waited::Ended(Outcome::Failed { code, .. }) = waited(old(), gone()).await else {
        panic!("it is not ready")
    };
    assert_eq!(code, "not-healthy");
}
