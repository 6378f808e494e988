//! A compiled SELECT: the source of its rows, their filter, grouping and order.

use sqlparser::ast::{self, GroupByExpr, LimitClause, OrderByKind, SelectItem};

use super::compile::{Compiler, folded, position};
use super::expr::{Aggregate, Expr, TypedExpr};
use super::from::Source;
use super::query::Query;
use super::scope::Scope;
use crate::database::catalogue::{catalogue, information_schema};
use crate::database::error::{SqlError, SqlResult};
use crate::database::relation::{Relation, relation};
use crate::database::value::{Type, Value};

/// A SELECT without its order and limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub(super) source: Source,
    pub(super) outputs: Vec<Expr>,
    pub(super) filter: Option<Expr>,
    pub(super) grouping: Option<Grouping>,
    pub(super) distinct: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grouping {
    pub keys: Vec<Expr>,
    pub aggregates: Vec<Aggregate>,
    pub having: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub by: OrderBy,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OrderBy {
    /// A column of the result, by its index.
    OutputRow(usize),
    Expr(Expr),
}

impl Select {
    /// The argument of the first `pg_sleep` in its result columns.
    pub fn sleep(&self) -> Option<&Expr> {
        self.outputs.iter().find_map(Expr::sleep)
    }
}

/// Refuses the clauses of a SELECT that this database does not support.
fn refuse_the_rest(select: &ast::Select) -> SqlResult<()> {
    let refusals = [
        (select.into.is_some(), "SELECT INTO"),
        (!select.named_window.is_empty(), "windows"),
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

/// The table of this name. A catalogue table that is not here is unsupported rather than unknown.
pub(super) fn find_relation(text: &str, name: &ast::ObjectName) -> SqlResult<&'static Relation> {
    let parts: Vec<&ast::Ident> = name.0.iter().filter_map(ast::ObjectNamePart::as_ident).collect();
    let names: Vec<String> = parts.iter().map(|part| folded(part)).collect();
    let at = parts.first().and_then(|part| position(text, part.span));
    let refused = || SqlError::unanswered("this part of the catalogue");
    let found = match names.as_slice() {
        [table] if table.starts_with("pg_") => return catalogue(table).ok_or_else(refused),
        [schema, table] if schema == "pg_catalog" => return catalogue(table).ok_or_else(refused),
        [schema, table] if schema == "information_schema" => {
            return information_schema(table).ok_or_else(refused);
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

impl Compiler<'_> {
    /// Resolves a SELECT, with the ORDER BY and LIMIT of `tail`.
    pub fn select(&mut self, select: &ast::Select, tail: Option<&ast::Query>) -> SqlResult<Query> {
        let (source, scope) = self.from(&select.from)?;
        refuse_the_rest(select)?;
        self.scopes.push(scope);
        let aggregates = std::mem::take(&mut self.aggregates);
        let no_aggregates = self.no_aggregates.take();
        let empty = source.is_always_empty();
        let compiled = self.parts(select, source, tail);
        let compiled = match compiled {
            // there are no rows, so the expressions need not be compiled
            Err(_) if empty => Ok(Query::without_rows(select)),
            compiled => compiled,
        };
        self.aggregates = aggregates;
        self.no_aggregates = no_aggregates;
        self.scopes.pop();
        compiled
    }

    fn parts(&mut self, select: &ast::Select, source: Source, tail: Option<&ast::Query>) -> SqlResult<Query> {
        let mut outputs = projection(self, select)?;
        let filter = match &select.selection {
            Some(filter) => Some(
                self.without_aggregates("WHERE", |compiler| compiler.expect(filter, Type::Bool, "WHERE"))?,
            ),
            None => None,
        };
        let keys = group_keys(self, select, &outputs)?;
        let mut having = match &select.having {
            Some(having) => Some(self.expect(having, Type::Bool, "HAVING")?),
            None => None,
        };
        let mut order = match tail {
            Some(tail) => order(self, tail, &outputs)?,
            None => Vec::new(),
        };
        let grouped = !keys.is_empty() || !self.aggregates.is_empty() || having.is_some();
        if grouped {
            let scope = self.scopes.last().cloned().unwrap_or_default();
            lift(&mut outputs, &mut having, &mut order, &keys, &scope)?;
        }
        let columns = outputs.iter().map(output_column).collect();
        let select = Select {
            source,
            outputs: outputs.into_iter().map(|output| output.expr).collect(),
            filter,
            grouping: grouped.then(|| Grouping {
                keys,
                aggregates: std::mem::take(&mut self.aggregates),
                having,
            }),
            distinct: select.distinct.is_some(),
        };
        self.selected(columns, select, order, tail)
    }
}

fn output_column(output: &TypedExpr) -> (String, Type) {
    let name = output.name.clone().unwrap_or_else(|| "?column?".to_owned());
    let ty = if output.ty == Type::Unknown {
        Type::Text
    } else {
        output.ty
    };
    (name, ty)
}

fn projection(compiler: &mut Compiler<'_>, select: &ast::Select) -> SqlResult<Vec<TypedExpr>> {
    let mut outputs = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => outputs.push(compiler.expr(expr)?),
            SelectItem::ExprWithAlias { expr, alias } => {
                outputs.push(compiler.expr(expr)?.named(&folded(alias)));
            }
            SelectItem::Wildcard(_) => outputs.extend(star(compiler, None)?),
            SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                outputs.extend(star(compiler, Some(name))?);
            }
            SelectItem::QualifiedWildcard(..) => {
                return Err(SqlError::unanswered("the columns of an expression"));
            }
        }
    }
    Ok(outputs)
}

/// `*`, or `table.*`.
fn star(compiler: &Compiler<'_>, of: Option<&ast::ObjectName>) -> SqlResult<Vec<TypedExpr>> {
    let scope = compiler.scopes.last().cloned().unwrap_or_default();
    let table = of
        .and_then(|name| name.0.last())
        .and_then(ast::ObjectNamePart::as_ident);
    let qualifier = table.map(folded);
    if let Some(name) = qualifier.as_ref().filter(|name| !scope.has(name)) {
        let message = format!("missing FROM-clause entry for table \"{name}\"");
        let at = table.and_then(|table| compiler.at(table.span));
        return Err(SqlError::new("42P01", message).at(at));
    }
    if scope.columns.is_empty() {
        return Err(SqlError::new(
            "42601",
            "SELECT * with no tables specified is not valid",
        ));
    }
    let places: Vec<usize> = match &qualifier {
        None => scope.star.clone(),
        Some(_) => (0..scope.columns.len())
            .filter(|place| scope.columns[*place].qualifier == qualifier)
            .collect(),
    };
    let typed = places.into_iter().map(|place| {
        let column = &scope.columns[place];
        TypedExpr::new(Expr::Column(place), column.ty).named(&column.name)
    });
    Ok(typed.collect())
}

/// `2` in ORDER BY or GROUP BY: the second column of the result.
fn ordinal(
    compiler: &Compiler<'_>,
    expr: &ast::Expr,
    count: usize,
    clause: &str,
) -> SqlResult<Option<usize>> {
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
        )
        .at(compiler.at(value.span))),
    }
}

/// The result column of an unqualified name.
fn alias(expr: &ast::Expr, outputs: &[TypedExpr]) -> Option<usize> {
    let ast::Expr::Identifier(ident) = expr else {
        return None;
    };
    let name = folded(ident);
    outputs
        .iter()
        .position(|output| output.name.as_ref() == Some(&name))
}

fn group_keys(
    compiler: &mut Compiler<'_>,
    select: &ast::Select,
    outputs: &[TypedExpr],
) -> SqlResult<Vec<Expr>> {
    let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
        return Err(SqlError::unanswered("GROUP BY ALL"));
    };
    if !modifiers.is_empty() {
        return Err(SqlError::unanswered("GROUP BY with modifiers"));
    }
    let mut keys = Vec::new();
    for expr in exprs {
        if let Some(place) = ordinal(compiler, expr, outputs.len(), "GROUP BY")? {
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

pub fn order(
    compiler: &mut Compiler<'_>,
    query: &ast::Query,
    outputs: &[TypedExpr],
) -> SqlResult<Vec<Order>> {
    let Some(order_by) = &query.order_by else {
        return Ok(Vec::new());
    };
    let OrderByKind::Expressions(exprs) = &order_by.kind else {
        return Err(SqlError::unanswered("ORDER BY ALL"));
    };
    let mut order = Vec::new();
    for item in exprs {
        let by = match ordinal(compiler, &item.expr, outputs.len(), "ORDER BY")?
            .or_else(|| alias(&item.expr, outputs))
        {
            Some(place) => OrderBy::OutputRow(place),
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

pub fn limits(compiler: &mut Compiler<'_>, query: &ast::Query) -> SqlResult<(Option<Expr>, Option<Expr>)> {
    let mut whole = |expr: &ast::Expr, clause: &str| -> SqlResult<Option<Expr>> {
        compiler.expect(expr, Type::Int8, clause).map(Some)
    };
    if let Some(fetch) = &query.fetch {
        let limit = fetch
            .quantity
            .as_ref()
            .map(|quantity| whole(quantity, "FETCH FIRST"));
        return Ok((limit.unwrap_or(Ok(Some(Expr::Const(Value::Int(1)))))?, None));
    }
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

/// Rewrites an expression above the grouping to read from the groups; a column that is not grouped by is an error.
fn lift(
    outputs: &mut [TypedExpr],
    having: &mut Option<Expr>,
    order: &mut [Order],
    keys: &[Expr],
    scope: &Scope,
) -> SqlResult<()> {
    let by_order = order.iter_mut().filter_map(|order| match &mut order.by {
        OrderBy::Expr(expr) => Some((expr, None)),
        OrderBy::OutputRow(_) => None,
    });
    let all = outputs
        .iter_mut()
        .map(|output| (&mut output.expr, output.at))
        .chain(having.iter_mut().map(|having| (having, None)))
        .chain(by_order);
    for (expr, at) in all {
        let below = std::mem::replace(expr, Expr::Const(Value::Null));
        *expr = below.above(keys);
        if let Some(column) = expr.column().and_then(|place| scope.columns.get(place)) {
            let table = column
                .qualifier
                .as_ref()
                .map_or(String::new(), |table| format!("{table}."));
            let message = format!(
                "column \"{table}{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                column.name
            );
            return Err(SqlError::new("42803", message).at(at));
        }
    }
    Ok(())
}
