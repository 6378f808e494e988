//! Queries: a SELECT, a list of rows (VALUES), or a set operation on two queries; with named queries (WITH).

use std::collections::{HashMap, HashSet};

use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::compile::{Compiler, folded};
use super::eval::{Context, Row};
use super::execute::{OutputRow, fingerprint};
use super::expr::{Expr, TypedExpr};
use super::select::{Order, OrderBy, Select, limits, order};
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::{Type, Value};

/// A compiled query, which can be executed any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The names and types of its result columns.
    pub columns: Vec<(String, Type)>,
    /// Types of the parameters, for the outermost query.
    pub parameters: Vec<Type>,
    body: QueryBody,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<Expr>,
    pub(super) offset: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
enum QueryBody {
    Select(Box<Select>),
    Rows(Vec<Vec<Expr>>),
    Set {
        kind: SetOperator,
        all: bool,
        left: Box<Query>,
        right: Box<Query>,
    },
}

/// The columns of VALUES, and its rows.
type Rows = (Vec<(String, Type)>, Vec<Vec<Expr>>);

impl Query {
    /// The argument of `pg_sleep`, if the query calls it.
    pub fn sleep(&self) -> Option<&Expr> {
        match &self.body {
            QueryBody::Select(select) => select.sleep(),
            QueryBody::Rows(_) | QueryBody::Set { .. } => None,
        }
    }

    /// A SELECT that gives no row.
    pub fn without_rows(select: &ast::Select) -> Self {
        let columns = select.projection.iter().map(|item| {
            let name = match item {
                ast::SelectItem::ExprWithAlias { alias, .. } => folded(alias),
                ast::SelectItem::UnnamedExpr(ast::Expr::Identifier(name)) => folded(name),
                _ => "?column?".to_owned(),
            };
            (name, Type::Text)
        });
        Self {
            columns: columns.collect(),
            parameters: Vec::new(),
            body: QueryBody::Rows(Vec::new()),
            order: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// The first table it reads.
    pub fn first_table(&self) -> Option<&'static str> {
        match &self.body {
            QueryBody::Select(select) => select.source.first_table(),
            QueryBody::Rows(_) => None,
            QueryBody::Set { left, right, .. } => left.first_table().or_else(|| right.first_table()),
        }
    }

    /// Whether it reads a table, and so waits for a lock on it.
    pub fn reads_tables(&self) -> bool {
        self.first_table().is_some()
    }

    /// The rows of the result. `outer` is the row of the enclosing query.
    pub fn rows(&self, context: &Context<'_>, outer: Option<&Row<'_>>) -> SqlResult<Vec<Vec<Value>>> {
        let mut outputs = match &self.body {
            QueryBody::Select(select) => select.outputs(&self.order, context, outer)?,
            QueryBody::Rows(rows) => {
                let row = Row {
                    outer,
                    ..Row::default()
                };
                let rows = rows
                    .iter()
                    .map(|exprs| exprs.iter().map(|expr| context.eval(expr, row)).collect());
                self.with_keys(rows.collect::<SqlResult<_>>()?)
            }
            QueryBody::Set {
                kind,
                all,
                left,
                right,
            } => {
                let (left, right) = (left.rows(context, outer)?, right.rows(context, outer)?);
                self.with_keys(set(*kind, *all, left, right))
            }
        };
        outputs.sort_by(|a, b| super::execute::by_order(&self.order, a, b));
        super::execute::cut(self, outputs, context)
    }

    fn with_keys(&self, rows: Vec<Vec<Value>>) -> Vec<OutputRow> {
        let key = |values: &[Value], order: &Order| match &order.by {
            OrderBy::OutputRow(place) => values.get(*place).cloned().unwrap_or(Value::Null),
            OrderBy::Expr(_) => Value::Null,
        };
        rows.into_iter()
            .map(|values| OutputRow {
                keys: self.order.iter().map(|order| key(&values, order)).collect(),
                values,
            })
            .collect()
    }
}

fn set(kind: SetOperator, all: bool, left: Vec<Vec<Value>>, right: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut rows = match kind {
        SetOperator::Union => left.into_iter().chain(right).collect(),
        SetOperator::Intersect | SetOperator::Except | SetOperator::Minus => {
            let mut counts: HashMap<_, usize> = HashMap::new();
            for row in &right {
                *counts.entry(fingerprint(row)).or_default() += 1;
            }
            let wanted = kind == SetOperator::Intersect;
            let mut rows = left;
            rows.retain(|row| {
                let count = counts.get_mut(&fingerprint(row)).filter(|count| **count > 0);
                if let Some(count) = count {
                    if all {
                        *count -= 1;
                    }
                    return wanted;
                }
                !wanted
            });
            rows
        }
    };
    if !all {
        let mut seen = HashSet::new();
        rows.retain(|row: &Vec<Value>| seen.insert(fingerprint(row)));
    }
    rows
}

/// Resolves a whole statement's query. `types` are those the client gave for its parameters.
pub fn query(text: &str, query: &ast::Query, types: &[Option<Type>]) -> SqlResult<Query> {
    let mut compiler = Compiler::new(text, types);
    let mut compiled = compiler.query(query)?;
    let types = compiler.parameters.iter();
    compiled.parameters = types.map(|ty| ty.unwrap_or(Type::Text)).collect();
    Ok(compiled)
}

impl Compiler<'_> {
    /// The query of a name in WITH.
    pub fn common_table(&self, name: &str) -> Option<(String, Query)> {
        let mut all = self.common_tables.iter().rev();
        all.find(|(known, _)| known == name).cloned()
    }

    pub fn query(&mut self, query: &ast::Query) -> SqlResult<Query> {
        if query
            .fetch
            .as_ref()
            .is_some_and(|fetch| fetch.with_ties || fetch.percent)
        {
            return Err(SqlError::unanswered("FETCH … WITH TIES or PERCENT"));
        }
        let known = self.common_tables.len();
        let compiled = self.with_common_tables(query);
        self.common_tables.truncate(known);
        compiled
    }

    fn with_common_tables(&mut self, query: &ast::Query) -> SqlResult<Query> {
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(SqlError::unanswered("WITH RECURSIVE"));
            }
            for table in &with.cte_tables {
                let mut named = self.query(&table.query)?;
                let names = table.alias.columns.iter();
                for (column, name) in named.columns.iter_mut().zip(names) {
                    column.0 = folded(&name.name);
                }
                self.common_tables.push((folded(&table.alias.name), named));
            }
        }
        self.body(&query.body, Some(query))
    }

    /// `tail` has ORDER BY and LIMIT, where this body is theirs.
    fn body(&mut self, body: &SetExpr, tail: Option<&ast::Query>) -> SqlResult<Query> {
        match body {
            SetExpr::Select(select) => self.select(select, tail),
            SetExpr::Query(query) => {
                match tail.filter(|tail| tail.order_by.is_some() || tail.limit_clause.is_some()) {
                    Some(_) => Err(SqlError::unanswered("ORDER BY and LIMIT of a query in brackets")),
                    None => self.query(query),
                }
            }
            SetExpr::Values(values) => {
                let (columns, rows) = self.values(&values.rows)?;
                self.finish(columns, QueryBody::Rows(rows), tail)
            }
            SetExpr::SetOperation {
                op,
                set_quantifier,
                left,
                right,
            } => {
                let all = match set_quantifier {
                    SetQuantifier::All => true,
                    SetQuantifier::None | SetQuantifier::Distinct => false,
                    _ => return Err(SqlError::unanswered("BY NAME")),
                };
                let (left, right) = (self.body(left, None)?, self.body(right, None)?);
                let (left, right) = same_columns(*op, left, right)?;
                let columns = left.columns.clone();
                let set = QueryBody::Set {
                    kind: *op,
                    all,
                    left: Box::new(left),
                    right: Box::new(right),
                };
                self.finish(columns, set, tail)
            }
            SetExpr::Table(_) => Err(SqlError::unanswered("TABLE")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlError::unanswered("statements that change rows within WITH"))
            }
        }
    }

    /// ORDER BY and LIMIT of a query that is not a SELECT: only result columns can be ordered by.
    fn finish(
        &mut self,
        columns: Vec<(String, Type)>,
        body: QueryBody,
        tail: Option<&ast::Query>,
    ) -> SqlResult<Query> {
        let outputs: Vec<TypedExpr> = columns
            .iter()
            .map(|(name, ty)| TypedExpr::new(Expr::Const(Value::Null), *ty).named(name))
            .collect();
        let mut finished = Query {
            columns,
            parameters: Vec::new(),
            body,
            order: Vec::new(),
            limit: None,
            offset: None,
        };
        if let Some(tail) = tail {
            self.scopes.push(super::scope::Scope::default());
            let order = order(self, tail, &outputs);
            self.scopes.pop();
            finished.order = order?;
            if finished
                .order
                .iter()
                .any(|order| matches!(order.by, OrderBy::Expr(_)))
            {
                let mut error = SqlError::new("0A000", "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
                error.hint = Some(
                    "Add the expression/function to every SELECT, or move the UNION into a FROM clause."
                        .to_owned(),
                );
                return Err(error);
            }
            (finished.limit, finished.offset) = limits(self, tail)?;
        }
        Ok(finished)
    }

    /// A SELECT as a query.
    pub fn selected(
        &mut self,
        columns: Vec<(String, Type)>,
        select: Select,
        order: Vec<Order>,
        tail: Option<&ast::Query>,
    ) -> SqlResult<Query> {
        let (limit, offset) = match tail {
            Some(tail) => limits(self, tail)?,
            None => (None, None),
        };
        Ok(Query {
            columns,
            parameters: Vec::new(),
            body: QueryBody::Select(Box::new(select)),
            order,
            limit,
            offset,
        })
    }

    fn values(&mut self, rows: &[Vec<ast::Expr>]) -> SqlResult<Rows> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(SqlError::new("42601", "VALUES lists must all be the same length"));
        }
        let mut columns = Vec::new();
        let mut compiled = vec![Vec::new(); rows.len()];
        for place in 0..width {
            let items = rows.iter().map(|row| self.expr(&row[place]));
            let items = items.collect::<SqlResult<Vec<_>>>()?;
            let (exprs, ty) = self.unify(items, "VALUES")?;
            columns.push((format!("column{}", place + 1), ty));
            for (row, expr) in compiled.iter_mut().zip(exprs) {
                row.push(expr);
            }
        }
        Ok((columns, compiled))
    }
}

fn same_columns(kind: SetOperator, left: Query, right: Query) -> SqlResult<(Query, Query)> {
    let name = match kind {
        SetOperator::Union => "UNION",
        SetOperator::Intersect => "INTERSECT",
        SetOperator::Except | SetOperator::Minus => "EXCEPT",
    };
    if left.columns.len() != right.columns.len() {
        return Err(SqlError::new(
            "42601",
            format!("each {name} query must have the same number of columns"),
        ));
    }
    for ((_, a), (_, b)) in left.columns.iter().zip(&right.columns) {
        if a == b {
            continue;
        }
        if a.rank().is_some() && b.rank().is_some() {
            return Err(SqlError::unanswered(&format!(
                "{name} of {} and {}: cast one",
                a.name(),
                b.name()
            )));
        }
        return Err(SqlError::new(
            "42804",
            format!("{name} types {} and {} cannot be matched", a.name(), b.name()),
        ));
    }
    Ok((left, right))
}
