//! What reads what, and in which order it can be looked at.

use super::node::Node;
use crate::model::{Address, Diagnostic};
use crate::spec::Environment;
use crate::spec::template::{Computed, Template};
use crate::yaml::Place;
use std::collections::{BTreeMap, BTreeSet};

/// Resources that can be looked at together: everything they read was looked at before. Only
/// references split waves; `dependsOn` orders writes and costs no round of looking.
#[derive(Clone, Debug)]
pub struct Wave(pub(super) Vec<usize>);

/// An edge to another declaration, and where it is written.
type Edges = BTreeMap<usize, Place>;

/// Sets what comes after what and returns the waves. A circle is reported with its path.
pub(super) fn waves(
    environment: &Environment,
    nodes: &mut [Node],
    wrong: &mut Vec<Diagnostic>,
) -> Vec<Wave> {
    let ids: BTreeMap<&str, usize> = environment
        .resources
        .iter()
        .enumerate()
        .map(|(nth, declared)| (declared.id.name(), nth))
        .collect();
    let mut reads: Vec<Edges> = Vec::new();
    let mut all: Vec<Edges> = Vec::new();
    for declared in &environment.resources {
        let mut edges = Edges::new();
        references(&declared.spec, &ids, &mut edges);
        if let Some(connecting) = environment.connections.get(&declared.connection) {
            references(&connecting.settings, &ids, &mut edges);
        }
        reads.push(edges.clone());
        for (id, place) in &declared.depends_on {
            if let Some(nth) = ids.get(id.as_str()) {
                edges.entry(*nth).or_insert_with(|| place.clone());
            }
        }
        all.push(edges);
    }
    if let Some(circle) = circle(&all) {
        wrong.push(told(environment, &circle, &all));
        return Vec::new();
    }
    set_after(nodes, &all);
    let mut of_connections = Edges::new();
    for connecting in environment.connections.values() {
        references(&connecting.settings, &ids, &mut of_connections);
    }
    let read: BTreeSet<usize> = reads
        .iter()
        .chain([&of_connections])
        .flat_map(|edges| edges.keys().copied())
        .collect();
    for node in nodes.iter_mut() {
        node.is_read = read.contains(&node.declared);
    }
    let depths = depths(&reads);
    let mut waves: Vec<Wave> = Vec::new();
    for (nth, node) in nodes.iter().enumerate() {
        let depth = depths.get(node.declared).copied().unwrap_or(0);
        while waves.len() <= depth {
            waves.push(Wave(Vec::new()));
        }
        waves[depth].0.push(nth);
    }
    waves.retain(|wave| !wave.0.is_empty());
    waves
}

/// Lets every member of a declaration come after all members of those it hangs on.
fn set_after(nodes: &mut [Node], all: &[Edges]) {
    let mut members: BTreeMap<usize, Vec<Address>> = BTreeMap::new();
    for node in nodes.iter() {
        members
            .entry(node.declared)
            .or_default()
            .push(node.address.clone());
    }
    for node in nodes.iter_mut() {
        let before = all
            .get(node.declared)
            .into_iter()
            .flat_map(|edges| edges.keys());
        node.after = before
            .filter_map(|nth| members.get(nth))
            .flatten()
            .cloned()
            .collect();
    }
}

fn references(template: &Template, ids: &BTreeMap<&str, usize>, edges: &mut Edges) {
    template.walk(&mut |computed: &Computed| {
        for (expression, place) in computed.expressions() {
            for chain in expression.chains() {
                if let [root, id, ..] = chain.as_slice()
                    && root == "resources"
                    && let Some(nth) = ids.get(id.as_str())
                {
                    edges.entry(*nth).or_insert_with(|| place.clone());
                }
            }
        }
    });
}

/// Finds one circle, as a path that ends where it begins.
fn circle(edges: &[Edges]) -> Option<Vec<usize>> {
    let mut state = vec![0_u8; edges.len()];
    for start in 0..edges.len() {
        if state[start] != 0 {
            continue;
        }
        // A stack of its own: a chain of thousands must not cost the thread's stack.
        let mut path: Vec<(usize, Vec<usize>)> =
            vec![(start, edges[start].keys().copied().collect())];
        state[start] = 1;
        while let Some((_, left)) = path.last_mut() {
            match left.pop() {
                Some(next) if state[next] == 1 => {
                    let mut circle: Vec<usize> = path.iter().map(|(nth, _)| *nth).collect();
                    let from = circle.iter().position(|nth| *nth == next)?;
                    circle = circle.split_off(from);
                    circle.push(next);
                    return Some(circle);
                }
                Some(next) if state[next] == 0 => {
                    state[next] = 1;
                    path.push((next, edges[next].keys().copied().collect()));
                }
                Some(_) => {}
                None => {
                    if let Some((nth, _)) = path.pop() {
                        state[nth] = 2;
                    }
                }
            }
        }
    }
    None
}

fn told(environment: &Environment, circle: &[usize], edges: &[Edges]) -> Diagnostic {
    let name = |nth: &usize| environment.resources[*nth].id.name();
    let names: Vec<&str> = circle.iter().map(name).collect();
    let place = match circle {
        [first, second, ..] => edges[*first].get(second),
        _ => None,
    };
    let place = place.unwrap_or_else(|| &environment.resources[circle[0]].place);
    let error = place.error(
        "reference-cycle",
        format!("the resources form a circle: {}", names.join(" -> ")),
    );
    error.with_hint("Take one of the references away.")
}

/// Returns how many reads deep each declaration stands. Without circles this ends.
fn depths(reads: &[Edges]) -> Vec<usize> {
    let mut readers: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); reads.len()];
    let mut left: Vec<usize> = reads.iter().map(BTreeMap::len).collect();
    for (nth, edges) in reads.iter().enumerate() {
        for source in edges.keys() {
            readers[*source].insert(nth);
        }
    }
    let mut depths = vec![0; reads.len()];
    let mut ready: Vec<usize> = (0..reads.len()).filter(|nth| left[*nth] == 0).collect();
    while let Some(nth) = ready.pop() {
        for reader in &readers[nth] {
            depths[*reader] = depths[*reader].max(depths[nth] + 1);
            left[*reader] -= 1;
            if left[*reader] == 0 {
                ready.push(*reader);
            }
        }
    }
    depths
}
