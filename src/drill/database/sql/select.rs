//! What a SELECT means: one table, its filter, grouping, order and limit.

use sqlparser::ast::{self, GroupByExpr, LimitClause, OrderByKind, SelectItem, SetExpr, TableFactor};

use super::compile::{Compiler, folded, position};
use super::expr::{Aggregate, Expr, Typed};
use crate::drill::database::error::{SqlError, SqlResult};
use crate::drill::database::relation::{Relation, relation};
use crate::drill::database::value::{Type, Value};

/// A SELECT ready to run, any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub relation: Option<&'static Relation>,
    /// Names and types of what comes out.
    pub columns: Vec<(String, Type)>,
    pub(super) outputs: Vec<Expr>,
    pub(super) filter: Option<Expr>,
    pub(super) grouping: Option<Grouping>,
    pub(super) distinct: bool,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<Expr>,
    pub(super) offset: Option<Expr>,
    pub parameters: Vec<Type>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grouping {
    pub keys: Vec<Expr>,
    pub aggregates: Vec<Aggregate>,
    pub having: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub by: OrderBy,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum OrderBy {
    /// A column of the result, by place.
    Output(usize),
    Expr(Expr),
}

impl Select {
    /// Whether it reads a table, and so waits where that is locked.
    pub fn reads_tables(&self) -> bool {
        self.relation.is_some()
    }

    /// How long it is to wait (`pg_sleep`), as an expression.
    pub fn sleep(&self) -> Option<&Expr> {
        self.outputs.iter().find_map(Expr::sleep)
    }
}

/// Everything of a query that this database has no answer to.
fn refuse_the_rest(query: &ast::Query, select: &ast::Select) -> SqlResult<()> {
    let refusals = [
        (query.fetch.is_some(), "FETCH"),
        (select.into.is_some(), "SELECT INTO"),
        (!select.named_window.is_empty(), "windows"),
        (select.from.len() > 1, "joins"),
        (select.from.iter().any(|from| !from.joins.is_empty()), "joins"),
        (
            matches!(select.distinct, Some(ast::Distinct::On(_))),
            "DISTINCT ON",
        ),
    ];
    match refusals.into_iter().find(|(there, _)| *there) {
        Some((_, what)) => Err(SqlError::unanswered(what)),
        None => Ok(()),
    }
}

/// The table of this name; the catalogue's are known to be missing rather than unknown.
pub(super) fn find_relation(text: &str, name: &ast::ObjectName) -> SqlResult<&'static Relation> {
    let parts: Vec<&ast::Ident> = name.0.iter().filter_map(ast::ObjectNamePart::as_ident).collect();
    let names: Vec<String> = parts.iter().map(|part| folded(part)).collect();
    let at = parts.first().and_then(|part| position(text, part.span));
    let found = match names.as_slice() {
        [table] if table.starts_with("pg_") => {
            return Err(SqlError::unanswered("catalogue queries (\\d and the like)"));
        }
        [schema, _] if schema == "pg_catalog" || schema == "information_schema" => {
            return Err(SqlError::unanswered("catalogue queries (\\d and the like)"));
        }
        [table] => relation(table),
        [schema, table] if schema == "public" => relation(table),
        _ => None,
    };
    found.ok_or_else(|| {
        SqlError::new(
            "42P01",
            format!("relation \"{}\" does not exist", names.join(".")),
        )
        .at(at)
    })
}

/// Resolves a query. `types` are those the client gave for its parameters.
pub fn select(text: &str, query: &ast::Query, types: &[Option<Type>]) -> SqlResult<Select> {
    if query.with.is_some() {
        return Err(SqlError::unanswered("WITH"));
    }
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(SqlError::unanswered("UNION, VALUES and TABLE"));
    };
    let (relation, qualifier) = from(text, select)?;
    refuse_the_rest(query, select)?;
    let mut compiler = Compiler {
        text,
        relation,
        qualifier,
        parameters: types.to_vec(),
        aggregates: Vec::new(),
        no_aggregates: None,
    };
    let mut outputs = projection(&mut compiler, select)?;
    let filter = clause(&mut compiler, select.selection.as_ref(), "WHERE")?;
    let mut keys = group_keys(&mut compiler, select, &outputs)?;
    let mut having = match &select.having {
        Some(having) => Some(compiler.expect(having, Type::Bool, "HAVING")?),
        None => None,
    };
    let mut order = order(&mut compiler, query, &outputs)?;
    let (limit, offset) = limits(&mut compiler, query)?;
    let grouped = !keys.is_empty() || !compiler.aggregates.is_empty() || having.is_some();
    if grouped {
        lift(&mut outputs, &mut having, &mut order, &keys, relation)?;
    }
    Ok(Select {
        relation,
        columns: outputs.iter().map(output_column).collect(),
        outputs: outputs.into_iter().map(|output| output.expr).collect(),
        filter,
        grouping: grouped.then(|| Grouping {
            keys: std::mem::take(&mut keys),
            aggregates: std::mem::take(&mut compiler.aggregates),
            having,
        }),
        distinct: select.distinct.is_some(),
        order,
        limit,
        offset,
        parameters: compiler
            .parameters
            .iter()
            .map(|ty| ty.unwrap_or(Type::Text))
            .collect(),
    })
}

fn output_column(output: &Typed) -> (String, Type) {
    let name = output.name.clone().unwrap_or_else(|| "?column?".to_owned());
    let ty = if output.ty == Type::Unknown {
        Type::Text
    } else {
        output.ty
    };
    (name, ty)
}

fn from(text: &str, select: &ast::Select) -> SqlResult<(Option<&'static Relation>, Option<String>)> {
    match select.from.first().map(|from| &from.relation) {
        None => Ok((None, None)),
        Some(TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        }) => {
            let relation = find_relation(text, name)?;
            let alias = alias.as_ref().map(|alias| folded(&alias.name));
            Ok((Some(relation), alias.or_else(|| Some(relation.name.to_owned()))))
        }
        Some(_) => Err(SqlError::unanswered("subqueries and functions in FROM")),
    }
}

fn projection(compiler: &mut Compiler<'_>, select: &ast::Select) -> SqlResult<Vec<Typed>> {
    let mut outputs = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => outputs.push(compiler.expr(expr)?),
            SelectItem::ExprWithAlias { expr, alias } => {
                outputs.push(compiler.expr(expr)?.named(&folded(alias)));
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                let columns = compiler.relation.map_or(&[][..], |relation| relation.columns);
                if columns.is_empty() {
                    return Err(SqlError::new(
                        "42601",
                        "SELECT * with no tables specified is not valid",
                    ));
                }
                let all = columns.iter().enumerate();
                outputs
                    .extend(all.map(|(place, (name, ty))| Typed::new(Expr::Column(place), *ty).named(name)));
            }
        }
    }
    Ok(outputs)
}

fn clause(
    compiler: &mut Compiler<'_>,
    expr: Option<&ast::Expr>,
    name: &'static str,
) -> SqlResult<Option<Expr>> {
    let Some(expr) = expr else { return Ok(None) };
    compiler.no_aggregates = Some(name);
    let compiled = compiler.expect(expr, Type::Bool, name);
    compiler.no_aggregates = None;
    compiled.map(Some)
}

/// `2` in ORDER BY or GROUP BY: the second column of the result.
fn ordinal(expr: &ast::Expr, count: usize, clause: &str) -> SqlResult<Option<usize>> {
    let ast::Expr::Value(value) = expr else {
        return Ok(None);
    };
    let ast::Value::Number(digits, _) = &value.value else {
        return Ok(None);
    };
    match digits.parse::<usize>() {
        Ok(place) if (1..=count).contains(&place) => Ok(Some(place - 1)),
        _ => Err(SqlError::new(
            "42P10",
            format!("{clause} position {digits} is not in select list"),
        )),
    }
}

/// The result column an unqualified name means.
fn alias(expr: &ast::Expr, outputs: &[Typed]) -> Option<usize> {
    let ast::Expr::Identifier(ident) = expr else {
        return None;
    };
    let name = folded(ident);
    outputs
        .iter()
        .position(|output| output.name.as_ref() == Some(&name))
}

fn group_keys(compiler: &mut Compiler<'_>, select: &ast::Select, outputs: &[Typed]) -> SqlResult<Vec<Expr>> {
    let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
        return Err(SqlError::unanswered("GROUP BY ALL"));
    };
    if !modifiers.is_empty() {
        return Err(SqlError::unanswered("GROUP BY with modifiers"));
    }
    let mut keys = Vec::new();
    for expr in exprs {
        if let Some(place) = ordinal(expr, outputs.len(), "GROUP BY")? {
            keys.push(outputs[place].expr.clone());
            continue;
        }
        compiler.no_aggregates = Some("GROUP BY");
        // an input column comes before a result column of the same name
        let compiled = compiler.expr(expr);
        compiler.no_aggregates = None;
        keys.push(match (compiled, alias(expr, outputs)) {
            (Ok(typed), _) => typed.expr,
            (Err(error), Some(place)) if error.code == "42703" => outputs[place].expr.clone(),
            (Err(error), _) => return Err(error),
        });
    }
    if keys.iter().any(Expr::has_aggregate) {
        return Err(SqlError::new(
            "42803",
            "aggregate functions are not allowed in GROUP BY",
        ));
    }
    Ok(keys)
}

fn order(compiler: &mut Compiler<'_>, query: &ast::Query, outputs: &[Typed]) -> SqlResult<Vec<Order>> {
    let Some(order_by) = &query.order_by else {
        return Ok(Vec::new());
    };
    let OrderByKind::Expressions(exprs) = &order_by.kind else {
        return Err(SqlError::unanswered("ORDER BY ALL"));
    };
    let mut order = Vec::new();
    for item in exprs {
        let by = match ordinal(&item.expr, outputs.len(), "ORDER BY")?.or_else(|| alias(&item.expr, outputs))
        {
            Some(place) => OrderBy::Output(place),
            None => OrderBy::Expr(compiler.expr(&item.expr)?.expr),
        };
        let descending = item.options.asc == Some(false);
        order.push(Order {
            by,
            descending,
            nulls_first: item.options.nulls_first.unwrap_or(descending),
        });
    }
    Ok(order)
}

fn limits(compiler: &mut Compiler<'_>, query: &ast::Query) -> SqlResult<(Option<Expr>, Option<Expr>)> {
    let mut whole = |expr: &ast::Expr, clause: &str| -> SqlResult<Option<Expr>> {
        compiler.expect(expr, Type::Int8, clause).map(Some)
    };
    match &query.limit_clause {
        None => Ok((None, None)),
        Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        }) if limit_by.is_empty() => Ok((
            limit.as_ref().map_or(Ok(None), |limit| whole(limit, "LIMIT"))?,
            offset
                .as_ref()
                .map_or(Ok(None), |offset| whole(&offset.value, "OFFSET"))?,
        )),
        Some(_) => Err(SqlError::unanswered("this kind of LIMIT")),
    }
}

/// Moves what stands above the grouping onto the groups; columns that are not grouped by are errors.
fn lift(
    outputs: &mut [Typed],
    having: &mut Option<Expr>,
    order: &mut [Order],
    keys: &[Expr],
    relation: Option<&'static Relation>,
) -> SqlResult<()> {
    let by_order = order.iter_mut().filter_map(|order| match &mut order.by {
        OrderBy::Expr(expr) => Some(expr),
        OrderBy::Output(_) => None,
    });
    let all = outputs
        .iter_mut()
        .map(|output| &mut output.expr)
        .chain(having)
        .chain(by_order);
    for expr in all {
        let below = std::mem::replace(expr, Expr::Const(Value::Null));
        *expr = below.above(keys);
        if let (Some(place), Some(relation)) = (expr.column(), relation) {
            let message = format!(
                "column \"{}.{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                relation.name, relation.columns[place].0
            );
            return Err(SqlError::new("42803", message));
        }
    }
    Ok(())
}
