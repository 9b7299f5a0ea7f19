//! What is in a container that is to go, and that no plan names.

use super::scene::{Scene, address};
use insta::assert_snapshot;
use reconciled::model::{Class, Content, Owner, Unknown};
use serde_json::json;

fn content(kind: &str, name: &str, owner: Option<Owner>) -> Content {
    Content {
        kind: kind.to_owned(),
        name: name.to_owned(),
        owner,
        parents: Vec::new(),
    }
}

/// A folder that goes with a claim in it, and what the live side tells of it.
fn leaving(told: Result<Vec<Content>, Unknown>) -> Scene {
    let mut scene = Scene::new()
        .leftover(
            "test/thing",
            "space",
            json!({ "type": "folder", "name": "shop" }),
        )
        .leftover(
            "test/thing",
            "web",
            json!({ "type": "claim", "folder": "shop", "name": "web" }),
        )
        .live("web", |live| {
            live.external_id = Some("id-of-web".to_owned());
        });
    scene.within.insert(address("space"), told);
    scene
}

#[test]
fn a_container_goes_with_what_the_plan_deletes_and_what_belongs_to_that() {
    let ours = content("Claim", "web", Some(Owner::Resource(address("web"))));
    let mut part = content("Pod", "web-1", None);
    part.parents.push("id-of-web".to_owned());
    let scene = leaving(Ok(vec![ours, part]));
    assert_snapshot!(scene.steps(), @r"
    delete prod/space: no longer declared
    delete prod/web: no longer declared
    ");
    // What is told of it is no part of what is approved.
    assert_eq!(scene.plan().hash, leaving(Ok(Vec::new())).plan().hash);
}

#[test]
fn a_container_waits_for_what_no_plan_names_and_counts_it() {
    let helm = || Some(Owner::Foreign("Helm release shop/db".to_owned()));
    let theirs = || Some(Owner::Resource(address("else")));
    let one = leaving(Ok(vec![content("PersistentVolumeClaim", "data-0", None)]));
    assert_snapshot!(one.steps(), @r"
    wait prod/space: no longer declared, but 1 object in it is named by no plan and would go with it (PersistentVolumeClaim data-0). Delete it where nobody needs it any more, and it goes
    delete prod/web: no longer declared
    ");
    let all = [
        content("Secret", "token", None),
        content("PersistentVolumeClaim", "data-3", None),
        content("PersistentVolumeClaim", "data-2", None),
        content("PersistentVolumeClaim", "data-1", None),
        content("PersistentVolumeClaim", "data-0", None),
        content("Deployment", "db", helm()),
        content("Service", "web", theirs()),
        content("ServiceAccount", "deployer", None),
    ];
    assert_snapshot!(leaving(Ok(all.to_vec())).steps(), @r"
    wait prod/space: no longer declared, but 8 objects in it are named by no plan and would go with it (Deployment db of Helm release shop/db; PersistentVolumeClaim data-0, data-1, data-2 and 1 more; Secret token; and 2 more kinds). Delete them where nobody needs them any more, and it goes
    delete prod/web: no longer declared
    ");
    let mut turned = all.to_vec();
    turned.reverse();
    assert_eq!(
        leaving(Ok(turned)).steps(),
        leaving(Ok(all.to_vec())).steps()
    );
}

#[test]
fn what_cannot_be_looked_into_stays() {
    let scene = leaving(Err(Unknown {
        reason: "the account lacks the verb list on secrets".to_owned(),
        code: "forbidden",
        class: Class::User,
    }));
    assert_snapshot!(scene.steps(), @r"
    wait prod/space: no longer declared, but what is in it cannot be told, and would go with it: the account lacks the verb list on secrets
    delete prod/web: no longer declared
    ");
}
