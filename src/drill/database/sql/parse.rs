//! The statements that this database knows, and how they are read.

use sqlparser::ast::{
    self, ContextModifier, FromTable, Set, TableObject, TransactionAccessMode, TransactionMode,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::compile::folded;
use super::query::{Query, query as compile};
use super::select::find_relation;
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::Type;

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Select(Box<Query>),
    /// `BEGIN`, with its access mode if it names one.
    Begin {
        read_only: Option<bool>,
    },
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    /// `DECLARE name CURSOR FOR …`: psql uses it for results in pieces (`FETCH_COUNT`).
    Declare {
        name: String,
        select: Box<Query>,
    },
    /// `FETCH n FROM name`; no number is ALL.
    Fetch {
        name: String,
        count: Option<usize>,
    },
    /// `CLOSE name`; no name is ALL.
    Close(Option<String>),
    /// `SET name = value`; no value is DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// `SET TRANSACTION READ ONLY`, or for the session.
    SetTransaction {
        read_only: Option<bool>,
        session: bool,
    },
    /// `RESET name`; no name is ALL.
    Reset(Option<String>),
    Show(String),
    Discard,
    Deallocate,
    /// Something that would change the database: its command and the table it names.
    Write {
        command: &'static str,
        /// The error for a user who may only read.
        refusal: SqlError,
    },
}

fn syntax_error(sql: &str, error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "the statement is too deep",
    };
    if let Some(rest) = text.strip_prefix("Unterminated string literal at Line: ") {
        let at = place_in(sql, rest);
        let quoted: String = sql.chars().skip(at.unwrap_or(1) - 1).collect();
        return SqlError::new(
            "42601",
            format!("unterminated quoted string at or near \"{quoted}\""),
        )
        .at(at);
    }
    let (found, place) = match text.rsplit_once(" at Line: ") {
        Some((message, place)) => (
            message.rsplit_once("found: ").map(|(_, found)| found),
            Some(place),
        ),
        None => (text.rsplit_once("found: ").map(|(_, found)| found), None),
    };
    let position = place.and_then(|place| place_in(sql, place));
    match found {
        Some("EOF") | None => {
            SqlError::new("42601", "syntax error at end of input").at(Some(sql.chars().count() + 1))
        }
        Some(found) => SqlError::new("42601", format!("syntax error at or near \"{found}\"")).at(position),
    }
}

/// `1, Column: 8` as a character index from 1.
fn place_in(sql: &str, place: &str) -> Option<usize> {
    let (line, column) = place.split_once(", Column: ")?;
    let start = sqlparser::tokenizer::Location::new(line.parse().ok()?, column.parse().ok()?);
    super::compile::position(sql, sqlparser::tokenizer::Span::new(start, start))
}

/// A statement whose names are not resolved yet.
pub enum UnresolvedStatement {
    Parsed(Box<ast::Statement>),
    /// A statement that the parser does not know and that has no names to resolve.
    Ready(Statement),
}

impl UnresolvedStatement {
    /// Whether a failed transaction accepts it.
    pub fn ends_transaction(&self) -> bool {
        match self {
            UnresolvedStatement::Parsed(parsed) => matches!(
                parsed.as_ref(),
                ast::Statement::Commit { .. } | ast::Statement::Rollback { .. }
            ),
            UnresolvedStatement::Ready(_) => false,
        }
    }

    /// Resolves its names. `types` are those that the client gave for its parameters.
    pub fn resolve(&self, sql: &str, types: &[Option<Type>]) -> SqlResult<Statement> {
        match self {
            UnresolvedStatement::Parsed(parsed) => statement(sql, parsed, types),
            UnresolvedStatement::Ready(statement) => Ok(statement.clone()),
        }
    }
}

/// The statements of a query string, resolved.
#[cfg(test)]
pub fn parse(sql: &str, types: &[Option<Type>]) -> SqlResult<Vec<Statement>> {
    split(sql)?.iter().map(|raw| raw.resolve(sql, types)).collect()
}

/// The statements of a query string: their syntax is checked before the first of them runs.
pub fn split(sql: &str) -> SqlResult<Vec<UnresolvedStatement>> {
    let wrong = |error: ParserError| syntax_error(sql, &error);
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(sql)
        .map_err(wrong)?;
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token().token == Token::EOF {
            return Ok(statements);
        }
        statements.push(match reset(&mut parser) {
            Some(reset) => UnresolvedStatement::Ready(reset),
            None => UnresolvedStatement::Parsed(Box::new(parser.parse_statement().map_err(wrong)?)),
        });
        let next = parser.peek_token();
        if !matches!(next.token, Token::SemiColon | Token::EOF) {
            let at = super::compile::position(sql, next.span);
            return Err(SqlError::new("42601", format!("syntax error at or near \"{}\"", next.token)).at(at));
        }
    }
}

/// Reads RESET, which the parser does not know, and SHOW, which it reads too leniently.
fn reset(parser: &mut Parser<'_>) -> Option<Statement> {
    let Token::Word(word) = parser.peek_token().token else {
        return None;
    };
    let command = word.value.to_lowercase();
    if !matches!(command.as_str(), "reset" | "show") {
        return None;
    }
    parser.next_token();
    let mut words = Vec::new();
    while let Token::Word(word) = parser.peek_token().token {
        words.push(word.value.to_lowercase());
        parser.next_token();
    }
    let name = words.join(" ");
    if command == "show" {
        return Some(Statement::Show(name));
    }
    Some(Statement::Reset((name != "all").then_some(name)))
}

fn statement(sql: &str, statement: &ast::Statement, types: &[Option<Type>]) -> SqlResult<Statement> {
    use sqlparser::ast::Statement as S;
    match statement {
        S::Query(query) if !query.locks.is_empty() => Ok(Statement::Write {
            command: "SELECT FOR UPDATE",
            refusal: match compile(sql, query, types)?.first_table() {
                Some(table) => permission(table),
                None => return Err(SqlError::unanswered("FOR UPDATE of no table")),
            },
        }),
        S::Query(query) => Ok(Statement::Select(Box::new(compile(sql, query, types)?))),
        S::StartTransaction { modes, .. } => Ok(Statement::Begin {
            read_only: access(modes),
        }),
        S::Commit { .. } => Ok(Statement::Commit),
        S::Rollback { savepoint, .. } => Ok(match savepoint {
            Some(name) => Statement::RollbackTo(folded(name)),
            None => Statement::Rollback,
        }),
        S::Savepoint { name } => Ok(Statement::Savepoint(folded(name))),
        S::ReleaseSavepoint { name } => Ok(Statement::Release(folded(name))),
        S::Declare { stmts } => declare(sql, stmts, types),
        S::Fetch { name, direction, .. } => Ok(Statement::Fetch {
            name: folded(name),
            count: forward(direction)?,
        }),
        S::Close { cursor } => Ok(Statement::Close(match cursor {
            ast::CloseCursor::All => None,
            ast::CloseCursor::Specific { name } => Some(folded(name)),
        })),
        S::Set(set) => assignment(set),
        S::Discard { .. } => Ok(Statement::Discard),
        S::Deallocate { name, .. } if folded(name) == "all" => Ok(Statement::Deallocate),
        S::Deallocate { name, .. } => Err(SqlError::new(
            "26000",
            format!("prepared statement \"{}\" does not exist", folded(name)),
        )),
        other => write(sql, other),
    }
}

fn declare(sql: &str, cursors: &[ast::Declare], types: &[Option<Type>]) -> SqlResult<Statement> {
    match cursors {
        [
            ast::Declare {
                names,
                for_query: Some(query),
                hold: None | Some(false),
                binary: None | Some(false),
                scroll: None | Some(false),
                ..
            },
        ] if names.len() == 1 => Ok(Statement::Declare {
            name: folded(&names[0]),
            select: Box::new(compile(sql, query, types)?),
        }),
        _ => Err(SqlError::unanswered(
            "DECLARE of anything but a plain forward cursor",
        )),
    }
}

/// How many rows a FETCH asks for; no number is all.
fn forward(direction: &ast::FetchDirection) -> SqlResult<Option<usize>> {
    use sqlparser::ast::FetchDirection as D;
    match direction {
        D::All | D::ForwardAll => Ok(None),
        D::Next | D::Forward { limit: None } => Ok(Some(1)),
        D::Count { limit } | D::Forward { limit: Some(limit) } => limit
            .to_string()
            .parse()
            .ok()
            .map(Some)
            .ok_or_else(|| SqlError::unanswered("FETCH backwards")),
        _ => Err(SqlError::unanswered("FETCH of anything but what comes next")),
    }
}

fn access(modes: &[TransactionMode]) -> Option<bool> {
    modes.iter().rev().find_map(|mode| match mode {
        TransactionMode::AccessMode(access) => Some(*access == TransactionAccessMode::ReadOnly),
        TransactionMode::IsolationLevel(_) => None,
    })
}

fn assignment(set: &Set) -> SqlResult<Statement> {
    let named = |name: String, value: &ast::Expr, local| {
        let text = setting_text(value);
        let value = (!text.eq_ignore_ascii_case("default")).then_some(text);
        Ok(Statement::Set { name, value, local })
    };
    match set {
        Set::SingleAssignment {
            scope,
            variable,
            values,
            ..
        } if values.len() == 1 => named(
            variable.to_string().to_lowercase(),
            &values[0],
            *scope == Some(ContextModifier::Local),
        ),
        Set::SetTimeZone { local, value } => named("timezone".to_owned(), value, *local),
        Set::SetTransaction { modes, session, .. } => Ok(Statement::SetTransaction {
            read_only: access(modes),
            session: *session,
        }),
        other => Err(SqlError::unanswered(&format!("SET {other}"))),
    }
}

fn setting_text(value: &ast::Expr) -> String {
    match value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

fn permission(table: &str) -> SqlError {
    SqlError::new("42501", format!("permission denied for table {table}"))
}

/// Changes of rows need a right to the table, changes of the table its owner.
fn write(sql: &str, statement: &ast::Statement) -> SqlResult<Statement> {
    use sqlparser::ast::Statement as S;
    let rows = |command, name: Option<&ast::ObjectName>| {
        let name = name.ok_or_else(|| SqlError::unanswered(command))?;
        let refusal = permission(find_relation(sql, name)?.name);
        Ok(Statement::Write { command, refusal })
    };
    let owner = |command, name: &ast::ObjectName| {
        let table = find_relation(sql, name)?.name;
        let refusal = SqlError::new("42501", format!("must be owner of table {table}"));
        Ok(Statement::Write { command, refusal })
    };
    let schema = |command, name: &ast::ObjectName| {
        let part = name.0.first().and_then(ast::ObjectNamePart::as_ident);
        let at = part.and_then(|part| super::compile::position(sql, part.span));
        let refusal = SqlError::new("42501", "permission denied for schema public").at(at);
        Ok(Statement::Write { command, refusal })
    };
    match statement {
        S::Insert(insert) => rows(
            "INSERT",
            match &insert.table {
                TableObject::TableName(name) => Some(name),
                TableObject::TableFunction(_) => None,
            },
        ),
        S::Update { table, .. } => rows("UPDATE", table_name(table)),
        S::Delete(delete) => match &delete.from {
            FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables) => {
                rows("DELETE", tables.first().and_then(table_name))
            }
        },
        S::Truncate { table_names, .. } => {
            rows("TRUNCATE TABLE", table_names.first().map(|target| &target.name))
        }
        S::CreateTable(table) => schema("CREATE TABLE", &table.name),
        S::CreateView { .. } => Ok(Statement::Write {
            command: "CREATE VIEW",
            refusal: SqlError::new("42501", "permission denied for schema public"),
        }),
        S::CreateIndex(index) => owner("CREATE INDEX", &index.table_name),
        S::Drop {
            object_type: ast::ObjectType::Table,
            names,
            ..
        } if names.len() == 1 => owner("DROP TABLE", &names[0]).map_err(|error| match error.code {
            "42P01" => SqlError::new("42P01", format!("table \"{}\" does not exist", names[0])),
            _ => error,
        }),
        S::AlterTable { name, .. } => owner("ALTER TABLE", name),
        S::CreateRole { .. } => Ok(Statement::Write {
            command: "CREATE ROLE",
            refusal: SqlError::new("42501", "permission denied to create role"),
        }),
        other => {
            let text = other.to_string();
            let head: Vec<&str> = text.split_whitespace().take(2).collect();
            Err(SqlError::unanswered(&format!("{} …", head.join(" "))))
        }
    }
}

fn table_name(table: &ast::TableWithJoins) -> Option<&ast::ObjectName> {
    match &table.relation {
        ast::TableFactor::Table { name, .. } => Some(name),
        _ => None,
    }
}
