//! The FROM clause: tables, subqueries, and joins of them.

use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};

use super::compile::{Compiler, folded};
use super::eval::{Context, Row};
use super::expr::{Comparison, Expr};
use super::query::Query;
use super::scope::{Column, Scope};
use super::select::find_relation;
use crate::database::error::{SqlError, SqlResult};
use crate::database::relation::Relation;
use crate::database::value::{Type, Value};

/// The source of a SELECT's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// No FROM: one row without columns.
    Nothing,
    Table(&'static Relation),
    Query(Box<Query>),
    Join(Box<Join>),
}

/// A join of two sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    left: Source,
    right: Source,
    /// How many columns each side has.
    widths: (usize, usize),
    /// Whether rows of that side without a partner stay, with NULLs for the other side.
    keeps: (bool, bool),
    on: Option<Expr>,
}

impl Source {
    /// Whether it never has a row: it reads a table without rows of the catalogue.
    pub fn is_always_empty(&self) -> bool {
        match self {
            Source::Nothing | Source::Query(_) => false,
            Source::Table(relation) => relation.columns.is_empty(),
            Source::Join(join) => {
                (join.left.is_always_empty() && !join.keeps.1)
                    || (join.right.is_always_empty() && !join.keeps.0)
            }
        }
    }

    /// The first table it reads.
    pub fn first_table(&self) -> Option<&'static str> {
        match self {
            Source::Nothing => None,
            Source::Table(relation) => Some(relation.name),
            Source::Query(query) => query.first_table(),
            Source::Join(join) => join.left.first_table().or_else(|| join.right.first_table()),
        }
    }

    pub fn rows(&self, context: &Context<'_>, outer: Option<&Row<'_>>) -> SqlResult<Vec<Vec<Value>>> {
        match self {
            Source::Nothing => Ok(vec![Vec::new()]),
            Source::Table(relation) => Ok((relation.rows)(context)),
            Source::Query(query) => query.rows(context, outer),
            Source::Join(join) => join.rows(context, outer),
        }
    }
}

impl Join {
    fn rows(&self, context: &Context<'_>, outer: Option<&Row<'_>>) -> SqlResult<Vec<Vec<Value>>> {
        let (left, right) = (self.left.rows(context, outer)?, self.right.rows(context, outer)?);
        let mut met = vec![false; right.len()];
        let mut rows = Vec::new();
        for a in &left {
            let before = rows.len();
            for (b, met) in right.iter().zip(&mut met) {
                let columns: Vec<Value> = a.iter().chain(b).cloned().collect();
                let row = Row {
                    columns: &columns,
                    outer,
                    ..Row::default()
                };
                let fits = self.on.as_ref().map_or(Ok(true), |on| context.is_true(on, row))?;
                if fits {
                    *met = true;
                    rows.push(columns);
                }
            }
            if self.keeps.0 && rows.len() == before {
                rows.push(a.iter().cloned().chain(nulls(self.widths.1)).collect());
            }
        }
        if self.keeps.1 {
            let alone = right.iter().zip(met).filter(|(_, met)| !met);
            rows.extend(alone.map(|(b, _)| nulls(self.widths.0).chain(b.iter().cloned()).collect()));
        }
        Ok(rows)
    }
}

fn nulls(count: usize) -> impl Iterator<Item = Value> {
    std::iter::repeat_n(Value::Null, count)
}

impl Compiler<'_> {
    /// The rows of a FROM clause, and the names of their columns.
    pub fn from(&mut self, from: &[ast::TableWithJoins]) -> SqlResult<(Source, Scope)> {
        let mut all: Option<(Source, Scope)> = None;
        for tables in from {
            let mut next = self.factor(&tables.relation)?;
            for join in &tables.joins {
                next = self.join(next, join)?;
            }
            all = Some(match all {
                None => next,
                Some(before) => combine(before, next, (false, false), None)?,
            });
        }
        Ok(all.unwrap_or((Source::Nothing, Scope::default())))
    }

    fn factor(&mut self, factor: &TableFactor) -> SqlResult<(Source, Scope)> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let single = match name.0.as_slice() {
                    [part] => part.as_ident().map(folded),
                    _ => None,
                };
                let known = single.and_then(|name| self.common_table(&name));
                let (source, own, columns) = if let Some((name, query)) = known {
                    let columns = query.columns.clone();
                    (Source::Query(Box::new(query)), (name, None), columns)
                } else {
                    let relation = find_relation(self.text, name)?;
                    let columns = relation.columns.iter();
                    let columns = columns.map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
                    let own = (relation.name.to_owned(), Some(relation.name));
                    (Source::Table(relation), own, columns)
                };
                Ok((source, named(Some(own), alias.as_ref(), columns)?))
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
            } => {
                let Some(alias) = alias else {
                    return Err(needs_alias());
                };
                let query = self.query(subquery)?;
                let columns = query.columns.clone();
                Ok((Source::Query(Box::new(query)), named(None, Some(alias), columns)?))
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.from(std::slice::from_ref(table_with_joins)),
            _ => Err(SqlError::unanswered("functions and LATERAL in FROM")),
        }
    }

    fn join(&mut self, left: (Source, Scope), join: &ast::Join) -> SqlResult<(Source, Scope)> {
        use sqlparser::ast::JoinOperator as J;
        let right = self.factor(&join.relation)?;
        let (keeps, constraint) = match &join.join_operator {
            J::Join(constraint) | J::Inner(constraint) | J::CrossJoin(constraint) => {
                ((false, false), constraint)
            }
            J::Left(constraint) | J::LeftOuter(constraint) => ((true, false), constraint),
            J::Right(constraint) | J::RightOuter(constraint) => ((false, true), constraint),
            J::FullOuter(constraint) => ((true, true), constraint),
            _ => return Err(SqlError::unanswered("this kind of join")),
        };
        let offset = left.1.columns.len();
        let (source, mut scope) = combine(left, right, keeps, None)?;
        let on = match constraint {
            JoinConstraint::On(condition) => {
                self.scopes.push(scope.clone());
                let on = self.without_aggregates("JOIN conditions", |compiler| {
                    compiler.expect(condition, Type::Bool, "JOIN/ON")
                });
                self.scopes.pop();
                match on {
                    Err(_) if source.is_always_empty() => None,
                    on => Some(on?),
                }
            }
            JoinConstraint::Using(names) if !keeps.1 => Some(using(&mut scope, offset, names)?),
            JoinConstraint::None if matches!(join.join_operator, JoinOperator::CrossJoin(_)) => None,
            _ => return Err(SqlError::unanswered("NATURAL joins and RIGHT JOIN USING")),
        };
        Ok((with_condition(source, on), scope))
    }
}

fn needs_alias() -> SqlError {
    let mut error = SqlError::new("42601", "subquery in FROM must have an alias");
    error.hint = Some("For example, FROM (SELECT ...) [AS] foo.".to_owned());
    error
}

fn with_condition(source: Source, on: Option<Expr>) -> Source {
    match source {
        Source::Join(join) => Source::Join(Box::new(Join { on, ..*join })),
        other => other,
    }
}

fn combine(
    (left, mut scope): (Source, Scope),
    (right, other): (Source, Scope),
    keeps: (bool, bool),
    on: Option<Expr>,
) -> SqlResult<(Source, Scope)> {
    let mut names = other
        .columns
        .iter()
        .filter_map(|column| column.qualifier.as_deref());
    if let Some(twice) = names.find(|name| scope.has(name)) {
        return Err(SqlError::new(
            "42712",
            format!("table name \"{twice}\" specified more than once"),
        ));
    }
    let widths = (scope.columns.len(), other.columns.len());
    scope.join(other);
    let join = Join {
        left,
        right,
        widths,
        keeps,
        on,
    };
    Ok((Source::Join(Box::new(join)), scope))
}

/// The equalities of `USING (…)`; of each pair only the left one is named without its table.
fn using(scope: &mut Scope, offset: usize, names: &[ast::ObjectName]) -> SqlResult<Expr> {
    let mut all: Option<Expr> = None;
    let mut first = Vec::new();
    for name in names {
        let name = name.0.first().and_then(ast::ObjectNamePart::as_ident).map(folded);
        let name = name.unwrap_or_default();
        let place = |from: usize, to: usize, side: &str| {
            let mut places = from..to;
            places
                .find(|place| scope.columns[*place].name == name && !scope.columns[*place].merged)
                .ok_or_else(|| {
                    let message =
                        format!("column \"{name}\" specified in USING clause does not exist in {side} table");
                    SqlError::new("42703", message)
                })
        };
        let a = place(0, offset, "left")?;
        let b = place(offset, scope.columns.len(), "right")?;
        if scope.columns[a].ty != scope.columns[b].ty {
            return Err(SqlError::unanswered("USING of columns of two types"));
        }
        scope.columns[b].merged = true;
        first.push(a);
        let equal = Expr::Compare(
            Comparison::Equal,
            Box::new(Expr::Column(a)),
            Box::new(Expr::Column(b)),
        );
        all = Some(match all {
            None => equal,
            Some(before) => Expr::And(Box::new(before), Box::new(equal)),
        });
    }
    let rest = scope.star.iter().copied();
    let rest = rest.filter(|place| !first.contains(place) && !scope.columns[*place].merged);
    scope.star = first.iter().copied().chain(rest).collect();
    all.ok_or_else(|| SqlError::new("42601", "syntax error at or near \")\""))
}

/// The columns of a table or query under its own name or its alias.
fn named(
    own: Option<(String, Option<&'static str>)>,
    alias: Option<&ast::TableAlias>,
    columns: Vec<(String, Type)>,
) -> SqlResult<Scope> {
    let (own, table) = own.map_or((None, None), |(name, table)| (Some(name), table));
    let qualifier = alias.map(|alias| folded(&alias.name)).or(own);
    let renamed = alias.map_or(&[][..], |alias| alias.columns.as_slice());
    if renamed.len() > columns.len() {
        let message = format!(
            "table \"{}\" has {} columns available but {} columns specified",
            qualifier.unwrap_or_default(),
            columns.len(),
            renamed.len()
        );
        return Err(SqlError::new("42P10", message));
    }
    let columns = columns.into_iter().enumerate().map(|(place, (name, ty))| Column {
        qualifier: qualifier.clone(),
        table,
        name: renamed.get(place).map_or(name, |column| folded(&column.name)),
        ty,
        merged: false,
    });
    Ok(Scope::of(columns.collect()))
}
