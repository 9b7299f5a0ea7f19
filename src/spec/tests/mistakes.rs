//! One mistake after the other, each with the place it is found at and what to do.

use super::check;

const CONNECTIONS: &str = "  connections: { do: { provider: digitalocean, token: \"${secrets.t}\" } }\n  secrets: { t: { env: T } }\n";

fn resource(spec: &str) -> String {
    check(&format!(
        "{CONNECTIONS}  resources:\n    db:\n      kind: digitalocean/database-cluster\n      spec: {spec}\n"
    ))
}

#[test]
fn keys_and_types() {
    insta::assert_snapshot!(check("  varz: { a: 1 }\n  reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }\n  notify: { slack: 5 }\n"), @r#"
    e.yaml:5:3 unknown-key: the key `varz` is not known here
        varz: { a: 1 }
        ^^^^
      = Did you mean `vars`?
    e.yaml:6:25 unknown-value: "aply" is none of apply, propose, observe
        reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }
                              ^^^^
      = Did you mean apply?
    e.yaml:6:38 wrong-type: true or false has to stand here, not a text
        reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }
                                           ^^^
      = Write true.
    e.yaml:6:53 wrong-type: a duration has to stand here, not a number
        reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }
                                                          ^
      = Write a unit: 5s, 5m or 5h.
    e.yaml:6:83 out-of-range: 200 is no whole number from 0 to 100
        reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }
                                                                                        ^^^
    e.yaml:6:98 wrong-type: why it is paused has to stand here
        reconcile: { onMerge: aply, prune: yes, interval: 5, deletionBudget: { percent: 200 }, paused: true }
                                                                                                       ^^^^
      = Write the reason: paused: "migration until Friday".
    e.yaml:7:20 wrong-type: a text has to stand here, not a number
        notify: { slack: 5 }
                         ^
      = Quote it: "5".
    "#);
}

#[test]
fn yaml_slips() {
    let mut all = String::new();
    for spec in [
        "  vars:\n\ta: 1\n",
        "  vars: { a: 1, a: 2 }\n",
        "  vars:\n    a: 1\n   b: 2\n",
        "  vars: { mode: 010 }\n",
        "  vars: { a: ${vars.b}, b: 1 }\n",
    ] {
        all.push_str(&check(spec));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @r#"
    e.yaml:6:2 tab: a tab indents this line
      	a: 1
       ^
      = Indent with spaces: YAML takes no tabs there.

    e.yaml:5:17 duplicate-key: the key "a" stands here twice
        vars: { a: 1, a: 2 }
                      ^
      first here: e.yaml:5:11
      = Remove one of the two.

    e.yaml:7:4 indentation: while parsing a block mapping, did not find expected key
         b: 2
         ^
      = Indent the lines of one map or list by the same number of spaces.

    e.yaml:5:17 octal-number: 010 is read as octal by some and as decimal by others
        vars: { mode: 010 }
                      ^^^
      = Write 0o10, 10, or quote it where a text is meant: "010".

    e.yaml:5:15 yaml-syntax: while parsing a flow mapping, did not find expected ',' or '}'
        vars: { a: ${vars.b}, b: 1 }
                    ^
      = Quote a text that holds ${…} inside { } or [ ]: "${vars.name}".
    "#);
}

#[test]
fn windows_and_drift() {
    insta::assert_snapshot!(check("  reconcile:\n    driftInterval: often\n    windows:\n      - { cron: \"0 9 * *\", for: 8h }\n      - { cron: \"0 9 * * *\", for: 8h, timezone: Europe/Berln }\n      - { cron: \"0 9 * * *\" }\n"), @r#"
    e.yaml:6:20 bad-duration: "often" is neither a duration nor five cron fields
          driftInterval: often
                         ^^^^^
      = Write 10m, or five cron fields in UTC: "0 6 * * *".
    e.yaml:8:17 bad-window: failed to accept the window "0 9 * *": write five cron fields: minute, hour, day of month, month, day of week, as in "0 9 * * 1-5"
            - { cron: "0 9 * *", for: 8h }
                      ^^^^^^^^^
    e.yaml:9:49 bad-window: failed to accept the window "Europe/Berln": use a zone of the IANA database, as in "Europe/Berlin"
            - { cron: "0 9 * * *", for: 8h, timezone: Europe/Berln }
                                                      ^^^^^^^^^^^^
    e.yaml:10:9 missing-key: `for` is missing here
            - { cron: "0 9 * * *" }
              ^
    "#);
}

#[test]
fn secrets_are_names_never_values() {
    insta::assert_snapshot!(check("  secrets:\n    a: hunter2\n    b: { sops: s.yaml, key: k }\n    c: { env: A, file: /b }\n    d-e: { env: D }\n    f: {}\n    g: { enw: X }\n"), @r#"
    e.yaml:6:8 literal-secret: a secret's value cannot stand in a spec
          a: hunter2
             ^^^^^^^
      = Say where it lives: { env: NAME }, { file: /path }, { sops: FILE, key: PATH } or { kubernetes: { namespace: NS, name: NAME, key: KEY } }.
    e.yaml:7:8 missing-file: s.yaml is not there
          b: { sops: s.yaml, key: k }
             ^
      = It is taken relative to the file it is written in.
    e.yaml:8:8 wrong-type: a secret lives in one place
          c: { env: A, file: /b }
             ^
      = Keep one of `env`, `file`, `sops` and `kubernetes`.
    e.yaml:9:5 bad-name: `d-e` cannot be named in an expression
          d-e: { env: D }
          ^^^
      = Use letters, digits and underscores: d_e.
    e.yaml:10:8 missing-key: where this secret lives is not said
          f: {}
             ^
      = Write { env: NAME }, { file: /path }, { sops: FILE, key: PATH } or { kubernetes: { namespace: NS, name: NAME, key: KEY } }.
    e.yaml:11:8 missing-key: where this secret lives is not said
          g: { enw: X }
             ^
      = Write { env: NAME }, { file: /path }, { sops: FILE, key: PATH } or { kubernetes: { namespace: NS, name: NAME, key: KEY } }.
    e.yaml:11:10 unknown-key: the key `enw` is not known here
          g: { enw: X }
               ^^^
      = Did you mean `env`?
    "#);
}

#[test]
fn connections_and_kinds() {
    insta::assert_snapshot!(check("  connections:\n    a: { provider: digitalocan }\n    b: { token: x }\n    one: { provider: host }\n    two: { provider: host }\n  resources:\n    f: { kind: host/file, spec: { path: /a } }\n    g: { kind: host/fil, spec: {} }\n    h: { kind: host/file, connection: on, spec: {} }\n    i: { kind: host/file, connection: a, spec: {} }\n    j: { kind: kubernetes/object, spec: {} }\n    k: { spec: {} }\n    L: { kind: host/file, connection: one, spec: 5 }\n    m:\n"), @r#"
    e.yaml:6:20 unknown-value: there is no provider "digitalocan"
          a: { provider: digitalocan }
                         ^^^^^^^^^^^
      = Did you mean digitalocean?
    e.yaml:7:5 missing-key: `provider` is missing here
          b: { token: x }
          ^
      = Providers: digitalocean, host, kubernetes.
    e.yaml:11:16 missing-connection: several connections serve host/file
          f: { kind: host/file, spec: { path: /a } }
                     ^^^^^^^^^
      = Say which with `connection`: one, two.
    e.yaml:12:16 unknown-kind: there is no kind "host/fil"
          g: { kind: host/fil, spec: {} }
                     ^^^^^^^^
      = Did you mean host/file?
    e.yaml:13:39 unknown-connection: there is no connection "on"
          h: { kind: host/file, connection: on, spec: {} }
                                            ^^
      = Did you mean one?
    e.yaml:14:39 wrong-connection: the connection a is of digitalocan, and host/file needs one of host
          i: { kind: host/file, connection: a, spec: {} }
                                            ^
      it is declared here: e.yaml:6:5
    e.yaml:16:5 missing-key: `kind` is missing here
          k: { spec: {} }
          ^
    e.yaml:17:5 bad-name: failed to accept the resource id "L": use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit
          L: { kind: host/file, connection: one, spec: 5 }
          ^
    e.yaml:17:50 wrong-type: a map has to stand here, not a number
          L: { kind: host/file, connection: one, spec: 5 }
                                                       ^
    e.yaml:18:5 missing-value: `m` declares nothing
          m:
          ^
      = Give it `kind` and `spec`, or remove it.
    "#);
}

#[test]
fn a_spec_is_held_against_its_kind() {
    insta::assert_snapshot!(resource("{ engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }"), @r#"
    e.yaml:10:13 missing-key: `engine` is missing here: digitalocean/database-cluster needs it
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                  ^
      = The database.
    e.yaml:10:13 missing-key: `region` is missing here: digitalocean/database-cluster needs it
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                  ^
    e.yaml:10:15 unknown-key: digitalocean/database-cluster has no field `engin` here
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                    ^^^^^
      = Did you mean `engine`?
    e.yaml:10:35 wrong-type: a text has to stand here, not a number
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                                        ^^
      = Quote it: "17".
    e.yaml:10:50 out-of-range: this has to be from 1 to 3
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                                                       ^
    e.yaml:10:62 wrong-type: true or false has to stand here, not a text
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                                                                   ^^^
      = Write true.
    e.yaml:10:73 wrong-type: a list has to stand here, not a text
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                                                                              ^
      = Write it as a list: [x].
    e.yaml:10:84 missing-key: `port` is missing here: digitalocean/database-cluster needs it
            spec: { engin: pg, version: 17, num_nodes: 5, private: yes, tags: x, rules: [{ prot: 1 }] }
                                                                                         ^
    "#);
    insta::assert_snapshot!(resource("{ engine: postgres, region: true, name: \"${1}\", num_nodes: \"${2}\", private: \"a ${3}\" }"), @r#"
    e.yaml:10:23 unknown-value: postgres is none of pg, mysql
            spec: { engine: postgres, region: true, name: "${1}", num_nodes: "${2}", private: "a ${3}" }
                            ^^^^^^^^
    e.yaml:10:41 wrong-type: a text has to stand here, not a boolean
            spec: { engine: postgres, region: true, name: "${1}", num_nodes: "${2}", private: "a ${3}" }
                                              ^^^^
      = Quote it: "true".
    e.yaml:10:89 wrong-type: true or false has to stand here, not a text
            spec: { engine: postgres, region: true, name: "${1}", num_nodes: "${2}", private: "a ${3}" }
                                                                                              ^^^^^^^^
    "#);
}

#[test]
fn names_in_expressions() {
    insta::assert_snapshot!(check(&format!("{CONNECTIONS}  vars: {{ region: a, x: \"${{resources.db.id}}\", p: \"${{vars.q}}\", q: \"${{vars.p}}\" }}\n  resources:\n    api-db:\n      kind: digitalocean/database-cluster\n      lifecycle: {{ dependsOn: [bd, api-db], ignore: [num_nodes], deadline: 5 }}\n      spec:\n        engine: pg\n        region: \"${{vars.regoin}}\"\n        name: \"x-${{secrets.tt}}-${{resources.db.id}}-${{resources.api.id}}\"\n        version: \"${{environments.prod.resources.db.id}} ${{region}} ${{vars.region +}} ${{\"\n        tags: [\"${{resources['api-db'].id}}\", \"$${{not}} ${{metadata.nam}}\"]\n    db:\n      kind: digitalocean/database-cluster\n      spec: {{ engine: pg, region: \"${{resources['api-db'].uri}}\", name: \"${{resources['api-db']}}\", \"${{k}}\": 1 }}\n")), @r#"
    e.yaml:7:28 expression-not-here: a variable cannot read a resource
        vars: { region: a, x: "${resources.db.id}", p: "${vars.q}", q: "${vars.p}" }
                                 ^^^^^^^^^
      = Read the resource where the value is used.
    e.yaml:7:50 variable-cycle: the variables form a circle: p -> q -> p
        vars: { region: a, x: "${resources.db.id}", p: "${vars.q}", q: "${vars.p}" }
                                                       ^^^^^^^^^^^
    e.yaml:11:32 unknown-resource: there is no resource `bd`
            lifecycle: { dependsOn: [bd, api-db], ignore: [num_nodes], deadline: 5 }
                                     ^^
      = Did you mean `db`?
    e.yaml:11:36 reference-cycle: `api-db` depends on itself
            lifecycle: { dependsOn: [bd, api-db], ignore: [num_nodes], deadline: 5 }
                                         ^^^^^^
      = Take it out, or name another resource.
    e.yaml:11:54 bad-pointer: "num_nodes" names no field
            lifecycle: { dependsOn: [bd, api-db], ignore: [num_nodes], deadline: 5 }
                                                           ^^^^^^^^^
      = Write a pointer from `spec`: /num_nodes.
    e.yaml:11:76 wrong-type: a duration has to stand here, not a number
            lifecycle: { dependsOn: [bd, api-db], ignore: [num_nodes], deadline: 5 }
                                                                                 ^
      = Write a unit: 5s, 5m or 5h.
    e.yaml:14:25 unknown-variable: there is no variable `regoin`
              region: "${vars.regoin}"
                              ^^^^^^
      = Did you mean `region`?
    e.yaml:15:28 unknown-secret: there is no secret `tt`
              name: "x-${secrets.tt}-${resources.db.id}-${resources.api.id}"
                                 ^^
      = Did you mean `t`?
    e.yaml:15:63 unknown-resource: there is no resource `api`
              name: "x-${secrets.tt}-${resources.db.id}-${resources.api.id}"
                                                                    ^^^
      = A hyphen is a minus here: write resources["api-db"].
    e.yaml:16:19 unclosed-expression: `${` is not closed by `}`
              version: "${environments.prod.resources.db.id} ${region} ${vars.region +} ${"
                        ^^
      = Write $${ where the text ${ is meant.
    e.yaml:17:30 reference-cycle: `api-db` reads itself
              tags: ["${resources['api-db'].id}", "$${not} ${metadata.nam}"]
                                   ^^^^^^
      = Write the value out, or put it into `vars` and read it in both places.
    e.yaml:17:65 unknown-name: there is no field `nam`
              tags: ["${resources['api-db'].id}", "$${not} ${metadata.nam}"]
                                                                      ^^^
      = Did you mean `name`?
    e.yaml:20:58 unknown-output: a digitalocean/database-cluster has no output `uri`
            spec: { engine: pg, region: "${resources['api-db'].uri}", name: "${resources['api-db']}", "${k}": 1 }
                                                               ^^^
      = Outputs: connection.uri, connection.host, id.
    e.yaml:20:85 unknown-output: which output of `api-db` is not said
            spec: { engine: pg, region: "${resources['api-db'].uri}", name: "${resources['api-db']}", "${k}": 1 }
                                                                                          ^^^^^^
      = Outputs: connection.uri, connection.host, id.
    e.yaml:20:97 expression-in-key: an expression cannot stand in a key
            spec: { engine: pg, region: "${resources['api-db'].uri}", name: "${resources['api-db']}", "${k}": 1 }
                                                                                                      ^^^^^^
      = Write the key out.
    e.yaml:20:97 unknown-key: digitalocean/database-cluster has no field `${k}` here
            spec: { engine: pg, region: "${resources['api-db'].uri}", name: "${resources['api-db']}", "${k}": 1 }
                                                                                                      ^^^^^^
      = Known here: name, engine, version, region, num_nodes, private, tags, rules.
    "#);
}

#[test]
fn rules_of_health_are_checked_where_they_stand() {
    insta::assert_snapshot!(check("  connections: { k: { provider: kubernetes }, h: { provider: host } }\n  resources:\n    a:\n      kind: kubernetes/object\n      lifecycle:\n        health:\n          - { ready: \"${object.status.phase == 'Ready'}\" }\n          - { ready: object.status.phase = 'Ready', failed: vars.x == 1 }\n          - { ready: object.x.contians('y') }\n      spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }\n    b:\n      kind: kubernetes/manifests\n      lifecycle: { health: [{ ready: object.status.ok }] }\n      spec: { path: b }\n    c:\n      kind: host/file\n      lifecycle: { health: [{ ready: object.ok }] }\n      spec: { path: /c }\n"), @r#"
    e.yaml:11:22 expression-syntax: a rule is one expression, and stands without ${ }
                - { ready: "${object.status.phase == 'Ready'}" }
                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = Write it as in object.status.phase == 'Ready'.
    e.yaml:12:42 expression-syntax: this is no expression: mismatched input '=' expecting <eof>
                - { ready: object.status.phase = 'Ready', failed: vars.x == 1 }
                                               ^^^^^^^^^
    e.yaml:12:61 unknown-name: `vars` is not known here
                - { ready: object.status.phase = 'Ready', failed: vars.x == 1 }
                                                                  ^^^^
      = Begin with object; a text stands in quotes: "vars".
    e.yaml:13:31 unknown-function: there is no function `contians`
                - { ready: object.x.contians('y') }
                                    ^^^^^^^^
      = Did you mean `contains`?
    e.yaml:17:28 missing-key: which of its objects a rule is for is not said
            lifecycle: { health: [{ ready: object.status.ok }] }
                                 ^
      = Give each rule a `kind`, as in kind: Database.
    e.yaml:21:28 health-not-here: a host/file says itself whether it works
            lifecycle: { health: [{ ready: object.ok }] }
                                 ^
      = Rules are for objects of kubernetes.
    "#);
}

#[test]
fn what_belongs_under_lifecycle_is_told_so() {
    insta::assert_snapshot!(check(&format!("{CONNECTIONS}  resources:\n    db:\n      kind: digitalocean/database-cluster\n      dependsOn: [x]\n      spec: {{ engine: pg, region: a }}\n")), @r"
    e.yaml:10:7 unknown-key: the key `dependsOn` is not known here
            dependsOn: [x]
            ^^^^^^^^^
      = It belongs under `lifecycle`.
    ");
}
