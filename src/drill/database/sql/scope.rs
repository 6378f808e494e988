//! The scope of names: the columns of the tables in FROM, and of the enclosing queries.

use sqlparser::ast;

use super::compile::folded;
use super::expr::Expr;
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::Type;

/// A column of a row that FROM gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its qualifier: the alias, or else the table's name.
    pub qualifier: Option<String>,
    /// The table's own name, where an alias hides it.
    pub table: Option<&'static str>,
    pub name: String,
    pub ty: Type,
    /// Whether it is the second of a pair that USING merged.
    pub merged: bool,
}

/// The columns of one SELECT's FROM, in the order of its rows.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub columns: Vec<Column>,
    /// The columns of `*`, in its order: USING's columns come first.
    pub star: Vec<usize>,
}

impl Scope {
    pub fn of(columns: Vec<Column>) -> Self {
        let star = (0..columns.len()).collect();
        Self { columns, star }
    }

    /// Appends the columns of another scope.
    pub fn join(&mut self, other: Scope) {
        let offset = self.columns.len();
        self.columns.extend(other.columns);
        self.star
            .extend(other.star.into_iter().map(|place| place + offset));
    }

    /// Whether a qualifier is taken.
    pub fn has(&self, qualifier: &str) -> bool {
        let mut all = self.columns.iter();
        all.any(|column| column.qualifier.as_deref() == Some(qualifier))
    }

    /// The index of a column; `None` if there is none of this name.
    pub fn find(&self, table: Option<&str>, name: &str) -> SqlResult<Option<usize>> {
        let fits = |column: &Column| {
            column.name == name
                && match table {
                    Some(table) => column.qualifier.as_deref() == Some(table),
                    None => !column.merged,
                }
        };
        let mut found = (0..self.columns.len()).filter(|place| fits(&self.columns[*place]));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(SqlError::new(
                "42702",
                format!("column reference \"{name}\" is ambiguous"),
            )),
            (first, None) => Ok(first),
        }
    }
}

/// A column by name, in the innermost scope that has it.
pub fn find(scopes: &[Scope], ident: &ast::Ident, table: Option<&ast::Ident>) -> SqlResult<(Expr, Type)> {
    let name = folded(ident);
    let table = table.map(folded);
    for (level, scope) in scopes.iter().rev().enumerate() {
        if let Some(place) = scope.find(table.as_deref(), &name)? {
            let ty = scope.columns[place].ty;
            let expr = match level {
                0 => Expr::Column(place),
                _ => Expr::Outer(level, place),
            };
            return Ok((expr, ty));
        }
    }
    Err(unknown(scopes, table, &name))
}

fn unknown(scopes: &[Scope], table: Option<String>, name: &str) -> SqlError {
    let Some(table) = table else {
        return SqlError::new("42703", format!("column \"{name}\" does not exist"));
    };
    if scopes.iter().any(|scope| scope.has(&table)) {
        return SqlError::new("42703", format!("column {table}.{name} does not exist"));
    }
    let columns = scopes.iter().flat_map(|scope| &scope.columns);
    let hidden = columns.clone().find(|column| column.table == Some(&table));
    let Some(alias) = hidden.and_then(|column| column.qualifier.clone()) else {
        return SqlError::new(
            "42P01",
            format!("missing FROM-clause entry for table \"{table}\""),
        );
    };
    let mut error = SqlError::new(
        "42P01",
        format!("invalid reference to FROM-clause entry for table \"{table}\""),
    );
    error.hint = Some(format!(
        "Perhaps you meant to reference the table alias \"{alias}\"."
    ));
    error
}
