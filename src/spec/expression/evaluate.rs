//! Walks an expression's tree. Every node costs fuel, every loop ends, depth is bounded.

use super::chain::{chain, module};
use super::datum::{Content, Datum};
use super::fuel::Fuel;
use super::functions::call as call_function;
use super::operators;
use super::parse::Expression;
use super::{Names, Stop, Wrong};
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr,
    operators as op,
};
use indexmap::IndexMap;

/// Calls inside each other while evaluating.
const DEEPEST: usize = 160;

/// Evaluates an expression. Same inputs, same answer; it never panics.
pub(crate) fn evaluate(
    expression: &Expression,
    names: &dyn Names,
    fuel: &Fuel,
) -> Result<Datum, Stop> {
    let Some(left) = fuel.for_one() else {
        return Err(Stop::Unknown);
    };
    let mut evaluation = Evaluation {
        names,
        fuel,
        left,
        locals: Vec::new(),
        depth: 0,
        touches: 0,
    };
    let value = evaluation.value(&expression.tree);
    let value = match value {
        Err(Stop::Wrong(_)) if evaluation.touches > 0 => Err(Wrong::of_secret().into()),
        value => value,
    };
    fuel.spend(left - evaluation.left, value.as_ref().err());
    value
}

pub(super) struct Evaluation<'a> {
    names: &'a dyn Names,
    fuel: &'a Fuel,
    left: u64,
    locals: Vec<(String, Datum)>,
    depth: usize,
    /// How often something made from a secret was read. What happens before the first time hangs on
    /// no secret, so whether there is one hangs on none either; all that happens after it may.
    touches: u64,
}

type Answer = Result<Datum, Stop>;

impl Evaluation<'_> {
    pub(super) fn spend(&mut self, cost: u64) -> Result<(), Stop> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                if let Some(wrong) = self.fuel.ran_out() {
                    return Err(wrong.into());
                }
                let wrong = Wrong::new(
                    "expression-too-costly",
                    "the expression costs too much to evaluate",
                );
                Err(wrong
                    .with_hint("Loop over less, or compute the value outside.")
                    .into())
            }
        }
    }

    pub(super) fn value(&mut self, expr: &IdedExpr) -> Answer {
        self.spend(1)?;
        if self.depth >= DEEPEST {
            let message = "the expression is nested too deep";
            return Err(Wrong::new("expression-too-deep", message).into());
        }
        self.depth += 1;
        let value = self.node(expr);
        self.depth -= 1;
        value
    }

    fn node(&mut self, expr: &IdedExpr) -> Answer {
        if let Some(names) = chain(expr)
            && !self.is_local(&names)
        {
            return self.read(&names);
        }
        match &expr.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.local(name),
            Expr::Select(select) if select.test => self.has(select),
            Expr::Select(select) => {
                let from = self.value(&select.operand)?;
                field(from, &select.field)
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.value(item));
                Ok(Datum::plain(Content::List(
                    items.collect::<Result<_, _>>()?,
                )))
            }
            Expr::Map(map) => self.map(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Comprehension(fold) => self.fold(fold),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(Wrong::new("expression-syntax", "messages cannot be made here").into())
            }
        }
    }

    fn is_local(&self, names: &[String]) -> bool {
        let root = names.first().map_or("", String::as_str);
        self.locals.iter().any(|(name, _)| name == root)
    }

    fn local(&mut self, name: &str) -> Answer {
        let found = self.locals.iter().rev().find(|(local, _)| local == name);
        let datum = match found {
            Some((_, datum)) => datum.clone(),
            None => {
                return Err(
                    Wrong::new("unknown-name", format!("`{name}` is not known here")).into(),
                );
            }
        };
        self.touches += u64::from(datum.touches_secret());
        self.spend(datum.weight())?;
        Ok(datum)
    }

    fn read(&mut self, names: &[String]) -> Answer {
        let (datum, used) = self.names.read(names)?;
        self.touches += u64::from(datum.touches_secret());
        self.spend(datum.weight())?;
        names
            .iter()
            .skip(used)
            .try_fold(datum, |datum, name| field(datum, name))
    }

    fn literal(&mut self, literal: &LiteralValue) -> Answer {
        let content = match literal {
            LiteralValue::Boolean(value) => Content::Bool(*value.inner()),
            LiteralValue::Bytes(value) => Content::Bytes(value.inner().to_vec()),
            LiteralValue::Double(value) => Content::Double(*value.inner()),
            LiteralValue::Int(value) => Content::Int(*value.inner()),
            LiteralValue::Null => Content::Null,
            LiteralValue::String(value) => Content::Text(value.inner().to_owned()),
            LiteralValue::UInt(value) => Content::Uint(*value.inner()),
        };
        Ok(Datum::plain(content))
    }

    fn has(&mut self, select: &SelectExpr) -> Answer {
        if let Some(mut names) = chain(&select.operand)
            && !self.is_local(&names)
        {
            names.push(select.field.clone());
            let before = self.touches;
            let there = match self.read(&names) {
                Ok(_) => true,
                Err(Stop::Wrong(wrong)) if wrong.code == MISSING => false,
                Err(stop) => return Err(stop),
            };
            let sealed = self.touches > before;
            return Ok(Datum::plain(Content::Bool(there)).sealed_if(sealed));
        }
        let from = self.value(&select.operand)?;
        match &from.content {
            Content::Map(fields) => {
                let there = Content::Bool(fields.contains_key(&select.field));
                Ok(Datum::plain(there).sealed_if(from.sealed))
            }
            other => Err(not_a_map(other, &select.field).into()),
        }
    }

    fn map<'e>(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) -> Answer {
        let mut fields = IndexMap::new();
        for entry in entries {
            let EntryExpr::MapEntry(entry) = entry else {
                continue;
            };
            let key = self.value(&entry.key)?;
            if key.sealed {
                // Keys are shown: nothing could hide it there.
                return Err(Wrong::new("secret-key", "a secret cannot be a key").into());
            }
            let Content::Text(name) = key.content else {
                let message = format!("a key has to be a text, not {}", key.content.what());
                return Err(Wrong::new("wrong-type", message).into());
            };
            let value = self.value(&entry.value)?;
            fields.insert(name, value);
        }
        Ok(Datum::plain(Content::Map(fields)))
    }

    fn fold(&mut self, fold: &ComprehensionExpr) -> Answer {
        let range = self.value(&fold.iter_range)?;
        let sealed = range.sealed;
        let items: Vec<Datum> = match range.content {
            Content::List(items) => items,
            Content::Map(fields) => fields.into_keys().map(Datum::text).collect(),
            other => {
                let message = format!("a loop needs a list or a map, not {}", other.what());
                return Err(Wrong::new("wrong-type", message).into());
            }
        };
        let init = self.value(&fold.accu_init)?;
        let before = self.locals.len();
        self.locals.push((fold.accu_var.clone(), init));
        let looped = self.turns(fold, items, before, sealed);
        let result = looped.and_then(|()| self.value(&fold.result));
        self.locals.truncate(before);
        Ok(result?.sealed_if(sealed))
    }

    fn turns(
        &mut self,
        fold: &ComprehensionExpr,
        items: Vec<Datum>,
        accu: usize,
        sealed: bool,
    ) -> Result<(), Stop> {
        for item in items {
            self.spend(1)?;
            self.locals
                .push((fold.iter_var.clone(), item.sealed_if(sealed)));
            let go_on = self.value(&fold.loop_cond)?;
            if matches!(go_on.content, Content::Bool(false)) {
                self.locals.truncate(accu + 1);
                break;
            }
            let next = self.value(&fold.loop_step)?;
            self.locals.truncate(accu + 1);
            if let Some((_, slot)) = self.locals.get_mut(accu) {
                *slot = next;
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &CallExpr) -> Answer {
        let args = call.args.as_slice();
        match (call.func_name.as_str(), args) {
            (op::LOGICAL_AND, _) => self.logical(args, false),
            (op::LOGICAL_OR, _) => self.logical(args, true),
            (op::CONDITIONAL, [condition, yes, no]) => {
                let condition = self.value(condition)?;
                let Content::Bool(holds) = condition.content else {
                    let message = format!(
                        "`?` needs true or false before it, not {}",
                        condition.content.what()
                    );
                    return Err(Wrong::new("wrong-type", message).into());
                };
                let value = self.value(if holds { yes } else { no })?;
                Ok(value.sealed_if(condition.sealed))
            }
            (op::NOT_STRICTLY_FALSE, [condition]) => {
                let before = self.touches;
                let is_false = match self.value(condition) {
                    Ok(datum) => matches!(datum.content, Content::Bool(false)),
                    Err(_) => false,
                };
                let sealed = self.touches > before;
                Ok(Datum::plain(Content::Bool(!is_false)).sealed_if(sealed))
            }
            (name, _) => {
                let module = call.target.as_deref().and_then(module);
                let mut values = Vec::with_capacity(args.len() + 1);
                if let Some(target) = call.target.as_deref().filter(|_| module.is_none()) {
                    values.push(self.value(target)?);
                }
                for arg in args {
                    values.push(self.value(arg)?);
                }
                self.spend(values.iter().map(Datum::weight).sum())?;
                // What is made from a secret is one.
                let answer = match operators::apply(name, &values) {
                    Some(answer) => answer?,
                    None => call_function(module, name, &values)?,
                };
                self.spend(answer.weight())?;
                Ok(answer)
            }
        }
    }

    /// `false && x` is false and `true || x` is true whatever `x` is, in either order. It swallows
    /// mistakes, so it is sealed where it read a secret at all.
    fn logical(&mut self, args: &[IdedExpr], decisive: bool) -> Answer {
        let before = self.touches;
        let mut stopped = None;
        let mut answer = !decisive;
        for arg in args {
            match self.value(arg).map(|datum| datum.content) {
                Ok(Content::Bool(value)) if value == decisive => {
                    answer = decisive;
                    stopped = None;
                    break;
                }
                Ok(Content::Bool(_)) => {}
                Ok(other) => {
                    let message = format!("`&&` and `||` need true or false, not {}", other.what());
                    stopped = Some(Wrong::new("wrong-type", message).into());
                }
                Err(stop) => stopped = stopped.or(Some(stop)),
            }
        }
        let sealed = self.touches > before;
        match stopped {
            Some(stop) => Err(stop),
            None => Ok(Datum::plain(Content::Bool(answer)).sealed_if(sealed)),
        }
    }
}

/// The code of a field that is not there.
pub(crate) const MISSING: &str = "missing-field";

/// Reads a field of a map.
pub(super) fn field(from: Datum, name: &str) -> Answer {
    let sealed = from.sealed;
    match from.content {
        Content::Map(mut fields) => match fields.swap_remove(name) {
            Some(datum) => Ok(datum.sealed_if(sealed)),
            None => {
                let wrong = Wrong::new(MISSING, format!("there is no `{name}`")).near(name);
                let near = crate::yaml::nearest(name, fields.keys().map(String::as_str));
                Err(match near.filter(|_| !sealed) {
                    Some(near) => wrong.with_hint(format!("Did you mean `{near}`?")).into(),
                    None => wrong.into(),
                })
            }
        },
        other => Err(not_a_map(&other, name).into()),
    }
}

fn not_a_map(content: &Content, name: &str) -> Wrong {
    let message = format!("`{name}` cannot be read from {}", content.what());
    Wrong::new("wrong-type", message).near(name)
}
