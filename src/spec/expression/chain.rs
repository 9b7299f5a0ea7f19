//! `resources.db.connection.uri` and `resources["db"].port` as chains of names.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

/// Returns the names of a chain that begins with a plain name, that name first.
pub(super) fn chain(expr: &IdedExpr) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut at = expr;
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                names.push(name.clone());
                names.reverse();
                return Some(names);
            }
            Expr::Select(select) if !select.test => {
                names.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX && call.target.is_none() => {
                let [inner, index] = call.args.as_slice() else {
                    return None;
                };
                let Expr::Literal(LiteralValue::String(key)) = &index.expr else {
                    return None;
                };
                names.push(key.inner().to_owned());
                at = inner;
            }
            _ => return None,
        }
    }
}

/// Calls `visit` on every chain and call of an expression. `local` holds the names that stand for
/// items of a list at that place.
pub(super) fn walk<'e>(
    expr: &'e IdedExpr,
    local: &mut Vec<&'e str>,
    visit: &mut impl FnMut(Found<'_>),
) {
    if let Some(names) = chain(expr) {
        let is_local = names
            .first()
            .is_some_and(|root| local.contains(&root.as_str()));
        if !is_local {
            visit(Found::Chain(names));
        }
        return;
    }
    match &expr.expr {
        Expr::Select(select) if select.test => match chain(&select.operand) {
            Some(mut names) if !local.contains(&names[0].as_str()) => {
                names.push(select.field.clone());
                visit(Found::Tested(names));
            }
            _ => walk(&select.operand, local, visit),
        },
        Expr::Select(select) => walk(&select.operand, local, visit),
        Expr::Call(call) => {
            let module = call.target.as_deref().and_then(module);
            visit(Found::Call(module, &call.func_name));
            if let Some(target) = call.target.as_deref().filter(|_| module.is_none()) {
                walk(target, local, visit);
            }
            call.args.iter().for_each(|arg| walk(arg, local, visit));
        }
        Expr::List(list) => list
            .elements
            .iter()
            .for_each(|item| walk(item, local, visit)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let cel::common::ast::EntryExpr::MapEntry(entry) = &entry.expr {
                    walk(&entry.key, local, visit);
                    walk(&entry.value, local, visit);
                }
            }
        }
        Expr::Comprehension(fold) => {
            walk(&fold.iter_range, local, visit);
            walk(&fold.accu_init, local, visit);
            let before = local.len();
            local.extend([fold.iter_var.as_str(), fold.accu_var.as_str()]);
            local.extend(fold.iter_var2.as_deref());
            for part in [&fold.loop_cond, &fold.loop_step, &fold.result] {
                walk(part, local, visit);
            }
            local.truncate(before);
        }
        _ => {}
    }
}

/// Something an expression names.
pub(super) enum Found<'e> {
    /// A chain that is read.
    Chain(Vec<String>),
    /// A chain that is only asked for with `has`.
    Tested(Vec<String>),
    /// A function, with its module.
    Call(Option<&'e str>, &'e str),
}

/// Returns the module that a call's target names: `base64` of `base64.encode(x)`.
pub(super) fn module(target: &IdedExpr) -> Option<&str> {
    match &target.expr {
        Expr::Ident(name) if matches!(name.as_str(), "base64" | "json") => Some(name),
        _ => None,
    }
}
