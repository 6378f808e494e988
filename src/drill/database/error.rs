//! The errors of the drill's database, with PostgreSQL's codes and words.

/// One error as PostgreSQL reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// SQLSTATE, five characters.
    pub code: &'static str,
    pub message: String,
    /// The position in the statement, as a character index from 1.
    pub position: Option<usize>,
    pub hint: Option<String>,
    /// Whether the session ends with it.
    pub fatal: bool,
}

pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            position: None,
            hint: None,
            fatal: false,
        }
    }

    pub fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            fatal: true,
            ..Self::new(code, message)
        }
    }

    /// The error for what a real server has and this one does not (0A000).
    pub fn unanswered(what: &str) -> Self {
        let mut error = Self::new("0A000", format!("the drill's database does not answer {what}"));
        error.hint = Some(
            "It answers SELECTs from clusters, kafka_requests, leader_leases and migrations, with joins, subqueries and the usual functions."
                .to_owned(),
        );
        error
    }

    pub fn at(mut self, position: Option<usize>) -> Self {
        self.position = self.position.or(position);
        self
    }
}
