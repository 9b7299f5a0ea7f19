//! `explain`: everything, one kind, one key, one field, and what is meant by a word that is none.

use super::Place;
use insta::assert_snapshot;

#[test]
fn whatever_is_listed_is_explained() {
    let place = Place::new();
    let list = place.run(&["explain"]);
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""));
    let all = place.run(&["explain", "--output", "json"]).json();
    let names: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    for name in &names {
        assert!(list.stdout.contains(name), "{name} in {}", list.stdout);
        let said = place.run(&["explain", name]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.starts_with(name), "{said:?}");
        assert!(!said.stdout.contains("No description"), "{said:?}");
    }
    for name in [
        "host/file",
        "connections.kubernetes",
        "connections.digitalocean",
        "connections.host",
        "lifecycle",
        "reconcile",
        "notify",
        "secrets",
        "vars",
        "functions",
        "approval",
        "settings",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for one in all.as_array().unwrap() {
        assert_ne!(one["summary"], "", "{one}");
    }
}

#[test]
fn kinds_and_fields_are_explained() {
    let place = Place::new();
    let told = |what: &str| {
        let said = place.run(&["explain", what]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{what}");
        said.stdout
    };
    assert_snapshot!(told("host/file.mode"), @r#"
    host/file.mode  <string>
      Permission bits in octal, in quotes: "0644"; at most "0777". Left out: 0644, and 0600 where the content holds a secret; of a file that was there before it stays as it is. The mode it was left with counts as declared then: another one is a difference.
      Form: ^0?[0-7]{3}$
    "#);
    assert_snapshot!(told("connections.kubernetes"), @r"
    connections.kubernetes  <object>
      A connection of kubernetes says: context, kubeconfig, inCluster, namespace, serviceAccount.
      provider  <string>
          The provider whose kinds this serves.
      context  <string>
          The kubeconfig's context; its current one where left out.
      kubeconfig  <string>
          A path on the daemon's machine, or the kubeconfig's own text from secrets. Left out: that of the daemon's settings, then KUBECONFIG, then ~/.kube/config.
      inCluster  <boolean, false where left out>
          Whether it is the cluster that the daemon itself runs in.
      namespace  <string>
          The namespace of objects that declare none.
      serviceAccount  <string>
          The account of the cluster that every request is made as, as NAMESPACE/NAME; the credentials themselves only need the right to impersonate it.
    ");
    assert_snapshot!(told("connections.digitalocean.token"), @r"
    connections.digitalocean.token  <string>
      The token that DigitalOcean knows the account by. Read it from secrets.
      Example: ${secrets.token}
    ");
    assert_snapshot!(told("lifecycle.protect"), @r"
    lifecycle.protect  <boolean>
      true: never deleted, never replaced. Left out, kinds that hold data are protected; false lets go of them.
    ");
    assert_snapshot!(told("reconcile.deletionBudget"), @r"
    reconcile.deletionBudget  <object>
      How many deletes one plan may hold, replaces of what holds data among them; whichever of the two is smaller binds.
      count  <integer, 5 where left out>
          At most this many.
      percent  <integer, 20 where left out>
          At most this share of what is owned here, rounded up.
    ");
    assert_snapshot!(told("spec.reconcile.onDrift"), @r"
    reconcile.onDrift  <correct or propose or report>
      What a difference does that nobody merged.
      Default: report
      correct: It is put back.
      propose: It is asked about by a pull request that writes what is live into the specs: merging keeps it, closing puts it back.
      report: It is only told.
    ");
    assert_snapshot!(told("secrets.sops"), @r"
    secrets.sops  <string>
      A file of the repository (.yaml, .json, .env) that SOPS encrypted for the daemon's age key, relative to this one.
    ");
    assert_snapshot!(told("functions.split"), @r#"
    functions.split  <function>
      A text cut at each place another one stands: a list.
      Example: ${"a,b".split(",")}
      Gives: ["a","b"]
    "#);
    let field = place.run(&["explain", "host/file.mode", "--output", "json"]);
    assert_eq!(field.json()["type"], "string");
    let connection = place.run(&["explain", "connections.kubernetes", "--output", "json"]);
    assert_eq!(connection.json()["properties"]["context"]["type"], "string");
}

#[test]
fn what_is_not_there_is_said_with_what_may_be_meant() {
    let place = Place::new();
    let told = |what: &str| {
        let said = place.run(&["explain", what]);
        said.assert_only_talk(1);
        said.stderr
    };
    assert_snapshot!(told("host/fil"), @r#"error: failed to explain "host/fil": there is no such thing; did you mean host/file?"#);
    assert_snapshot!(told("zzz"), @r#"error: failed to explain "zzz": there is no such thing; `reconciled explain` lists what there is"#);
    assert_snapshot!(told("lifecicle.adopt"), @r#"error: failed to explain "lifecicle.adopt": there is no such thing; did you mean lifecycle.adopt?"#);
    assert_snapshot!(told("adopt"), @r#"error: failed to explain "adopt": there is no such thing; did you mean lifecycle.adopt?"#);
    assert_snapshot!(told("kubernetes"), @r#"error: failed to explain "kubernetes": there is no such thing; did you mean connections.kubernetes?"#);
    assert_snapshot!(told("host/file.mod"), @r#"error: failed to explain "mod": host/file has no field "mod"; did you mean mode?"#);
    assert_snapshot!(told("host/file.zzz"), @r#"error: failed to explain "zzz": host/file has no field "zzz"; it has path, content, mode, owner, group"#);
}

#[test]
fn settings_are_explained() {
    let place = Place::new();
    let said = place.run(&["explain", "settings"]);
    for key in ["  repositories  <list of object>", "  web  <object>"] {
        assert!(said.stdout.contains(key), "{key}: {said:?}");
    }
    let said = place.run(&["explain", "settings.repositories.branch"]);
    assert!(said.stdout.contains("Default: main"), "{said:?}");
    let said = place.run(&["explain", "settings.wep"]);
    assert!(said.stderr.contains("did you mean web?"), "{said:?}");
}
