//! "Did you mean".

/// Returns the candidate that the text most likely meant, if any is near enough.
pub fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Past this length a comparison costs more than a suggestion is worth.
    if text.len() > 128 {
        return None;
    }
    let lower = text.to_lowercase();
    candidates
        .into_iter()
        .take(1000)
        .filter(|candidate| candidate.len() <= 128)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let keys = ["resources", "connections", "reconcile"];
        assert_eq!(nearest("resorces", keys), Some("resources"));
        assert_eq!(nearest("Reconcile", keys), Some("reconcile"));
        assert_eq!(nearest("steps", keys), None);
    }
}
