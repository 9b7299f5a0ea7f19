//! Text -> [`Expression`], bounded in length and depth, with everything it names known.

use super::chain::{Found, walk};
use super::functions::is_function;
use super::reference::FUNCTIONS;
use super::{ROOTS, Wrong};
use crate::yaml::nearest;
use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The longest expression, in bytes. The parsed tree can be as deep as this is long.
const LONGEST: usize = 2000;

/// Parentheses, brackets and calls inside each other.
const DEEPEST: u16 = 48;

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(super) tree: IdedExpr,
    /// Every chain of names it reads that begins with one of [`ROOTS`].
    pub(crate) reads: Vec<Vec<String>>,
    /// Those that it only asks for with `has`.
    pub(crate) tests: Vec<Vec<String>>,
}

/// Parses an expression of a spec and checks its roots and functions.
pub(crate) fn parse(source: &str) -> Result<Expression, Vec<Wrong>> {
    parse_over(source, &ROOTS)
}

/// Parses an expression whose names begin with these.
pub(crate) fn parse_over(source: &str, roots: &[&str]) -> Result<Expression, Vec<Wrong>> {
    let one = |wrong| Err(vec![wrong]);
    if source.trim().is_empty() {
        let wrong = Wrong::new("empty-expression", "the expression is empty");
        return one(wrong.with_hint("Write $${ where the text ${ is meant."));
    }
    if source.len() > LONGEST {
        let message = format!(
            "the expression has {} bytes, the most is {LONGEST}",
            source.len()
        );
        return one(Wrong::new("expression-too-long", message));
    }
    let parser = PrattParser::new()
        .max_recursion_depth(DEEPEST)
        .error_reporting_limit(1)
        .max_expression_node_count(LONGEST);
    // A parser's bug must cost one expression, not the daemon.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(source)));
    let tree = match parsed {
        Ok(Ok(tree)) => tree,
        Ok(Err(errors)) => return one(syntax(source, &errors)),
        Err(_) => return one(Wrong::new("expression-syntax", "this is no expression")),
    };
    let mut expression = Expression {
        tree,
        reads: Vec::new(),
        tests: Vec::new(),
    };
    let wrong = expression.name_everything(roots);
    if wrong.is_empty() {
        Ok(expression)
    } else {
        Err(wrong)
    }
}

impl Expression {
    /// Returns the chains it reads or asks for.
    pub(crate) fn chains(&self) -> impl Iterator<Item = &Vec<String>> {
        self.reads.iter().chain(&self.tests)
    }

    fn name_everything(&mut self, roots: &[&str]) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let (mut reads, mut tests) = (Vec::new(), Vec::new());
        walk(&self.tree, &mut Vec::new(), &mut |found| match found {
            Found::Chain(names) | Found::Tested(names)
                if names
                    .first()
                    .is_none_or(|root| !roots.contains(&root.as_str())) =>
            {
                wrong.push(unknown_root(&names, roots));
            }
            Found::Chain(names) => reads.push(names),
            Found::Tested(names) => tests.push(names),
            Found::Call(module, name) => {
                if !is_function(module, name) {
                    wrong.push(unknown_function(module, name));
                }
            }
        });
        self.reads = reads;
        self.tests = tests;
        wrong
    }
}

fn syntax(source: &str, errors: &cel::ParseErrors) -> Wrong {
    let first = errors.errors.first();
    let message = first.map_or_else(String::new, |error| error.msg.to_lowercase());
    let message = message
        .trim_start_matches("syntax error:")
        .trim()
        .to_owned();
    let wrong = Wrong::new(
        "expression-syntax",
        format!("this is no expression: {message}"),
    );
    let near = first.and_then(|error| {
        let column = usize::try_from(error.pos.1).ok()?.checked_sub(1)?;
        let line = source
            .lines()
            .nth(usize::try_from(error.pos.0).ok()?.checked_sub(1)?)?;
        let rest = line.get(column..)?.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    });
    match near {
        Some(near) => wrong.near(near),
        None => wrong,
    }
}

fn unknown_root(names: &[String], roots: &[&str]) -> Wrong {
    let root = names.first().map_or("", String::as_str);
    let wrong = Wrong::new("unknown-name", format!("`{root}` is not known here")).near(root);
    match nearest(root, roots.iter().copied()) {
        Some(near) => wrong.with_hint(format!("Did you mean `{near}`?")),
        None => wrong.with_hint(format!(
            "Begin with {}; a text stands in quotes: \"{root}\".",
            begin(roots)
        )),
    }
}

/// Other environments cannot be read yet: that is no advice.
fn begin(roots: &[&str]) -> String {
    let roots: Vec<&str> = roots
        .iter()
        .copied()
        .filter(|root| *root != "environments")
        .collect();
    match roots.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("one of {}", several.join(", ")),
    }
}

fn unknown_function(module: Option<&str>, name: &str) -> Wrong {
    let shown = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
    let wrong = Wrong::new(
        "unknown-function",
        format!("there is no function `{shown}`"),
    )
    .near(name);
    let known = FUNCTIONS.map(|function| function.name);
    match nearest(&shown, known) {
        Some(near) => wrong.with_hint(format!("Did you mean `{near}`?")),
        None => wrong.with_hint(format!("Functions: {}.", known.join(", "))),
    }
}
