//! Expressions with resolved columns and types.

use super::query::Query;
use crate::database::value::{Type, Value};

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Const(Value),
    /// A column of the row, by its index.
    Column(usize),
    /// A column of an enclosing query: how many levels out, and its index.
    Outer(usize, usize),
    /// `exists (select …)`
    Exists(Box<Query>),
    /// `(select …)` as a value.
    Scalar(Box<Query>),
    /// `left op any (select …)`, or `all` by the flag.
    AnyOf(Comparison, Box<Expr>, Box<Query>, bool),
    /// A parameter, from 0.
    Parameter(usize),
    /// A grouping expression, by its index; only above the grouping.
    Group(usize),
    /// An aggregate, by its index; only above the grouping.
    Aggregate(usize),
    CurrentTime(CurrentTime),
    Session(SessionValue),
    Call(Function, Vec<Expr>),
    Cast(Box<Expr>, Type),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `left op any (array)`, or `all` by the flag.
    Quantified(Comparison, Box<Expr>, Box<Expr>, bool),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Like(Box<Expr>, Box<Expr>, bool),
    Case(Vec<(Expr, Expr)>, Box<Expr>),
}

/// PostgreSQL's three kinds of current time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentTime {
    /// `now()`: the start of the transaction.
    Transaction,
    Statement,
    /// `clock_timestamp()`: it advances within a statement.
    Clock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionValue {
    User,
    Database,
    Pid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Coalesce,
    Nullif,
    Greatest,
    Least,
    Floor,
    Ceil,
    Round,
    Abs,
    Lower,
    Upper,
    Length,
    Left,
    Right,
    ToChar,
    /// `extract(part from …)`, numeric since PostgreSQL 14.
    DatePart(DatePart),
    Setting,
    Sleep,
    /// A function of the built-in table, by its index.
    Builtin(usize),
    /// `text ~ pattern`, with case folded or not.
    Matches(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    Epoch,
    Day,
    Hour,
    Minute,
    Second,
    Year,
    Month,
    /// Day of the week, Sunday 0.
    Dow,
    /// Day of the year.
    Doy,
}

/// An expression, its type, and the column name that PostgreSQL gives it without an alias.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedExpr {
    pub expr: Expr,
    pub ty: Type,
    pub name: Option<String>,
    /// Its position in the statement, as a character index from 1.
    pub at: Option<usize>,
}

impl TypedExpr {
    pub fn new(expr: Expr, ty: Type) -> Self {
        Self {
            expr,
            ty,
            name: None,
            at: None,
        }
    }

    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub fn boolean(expr: Expr) -> Self {
        Self::new(expr, Type::Bool)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    CountRows,
    Count,
    Max,
    Min,
    Sum,
    Average,
    Every,
    Any,
}

/// One aggregate of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub kind: AggregateKind,
    pub argument: Option<Expr>,
    pub filter: Option<Expr>,
    pub distinct: bool,
}

impl Expr {
    /// The expressions directly within this one.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Const(_)
            | Expr::Column(_)
            | Expr::Outer(..)
            | Expr::Exists(_)
            | Expr::Scalar(_)
            | Expr::Parameter(_)
            | Expr::Group(_)
            | Expr::Aggregate(_)
            | Expr::CurrentTime(_)
            | Expr::Session(_) => Vec::new(),
            Expr::Call(_, arguments) => arguments.iter().collect(),
            Expr::Cast(inner, _) | Expr::Not(inner) | Expr::IsNull(inner) | Expr::AnyOf(_, inner, _, _) => {
                vec![inner]
            }
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Compare(_, a, b) | Expr::Arithmetic(_, a, b) => {
                vec![a, b]
            }
            Expr::Quantified(_, a, b, _) | Expr::Like(a, b, _) => vec![a, b],
            Expr::Case(branches, otherwise) => {
                let mut all: Vec<&Expr> = branches.iter().flat_map(|(when, then)| [when, then]).collect();
                all.push(otherwise);
                all
            }
        }
    }

    /// The same with each child replaced.
    fn map_children(self, change: &mut impl FnMut(Expr) -> Expr) -> Expr {
        let mut boxed = |inner: Box<Expr>| Box::new(change(*inner));
        match self {
            Expr::Call(function, arguments) => {
                Expr::Call(function, arguments.into_iter().map(change).collect())
            }
            Expr::Cast(inner, ty) => Expr::Cast(boxed(inner), ty),
            Expr::Not(inner) => Expr::Not(boxed(inner)),
            Expr::AnyOf(op, inner, query, all) => Expr::AnyOf(op, boxed(inner), query, all),
            Expr::IsNull(inner) => Expr::IsNull(boxed(inner)),
            Expr::And(a, b) => Expr::And(boxed(a), boxed(b)),
            Expr::Or(a, b) => Expr::Or(boxed(a), boxed(b)),
            Expr::Compare(op, a, b) => Expr::Compare(op, boxed(a), boxed(b)),
            Expr::Arithmetic(op, a, b) => Expr::Arithmetic(op, boxed(a), boxed(b)),
            Expr::Quantified(op, a, b, all) => Expr::Quantified(op, boxed(a), boxed(b), all),
            Expr::Like(a, b, fold) => Expr::Like(boxed(a), boxed(b), fold),
            Expr::Case(branches, otherwise) => {
                let branches = branches
                    .into_iter()
                    .map(|(when, then)| (change(when), change(then)))
                    .collect();
                Expr::Case(branches, Box::new(change(*otherwise)))
            }
            leaf => leaf,
        }
    }

    /// The expression above a grouping: a part that equals a grouping expression is read from the group.
    pub fn above(self, groups: &[Expr]) -> Expr {
        match groups.iter().position(|group| *group == self) {
            Some(place) => Expr::Group(place),
            None => self.map_children(&mut |child| child.above(groups)),
        }
    }

    /// A column that it reads from the row, if it reads one.
    pub fn column(&self) -> Option<usize> {
        match self {
            Expr::Column(place) => Some(*place),
            other => other.children().into_iter().find_map(Expr::column),
        }
    }

    pub fn has_aggregate(&self) -> bool {
        matches!(self, Expr::Aggregate(_)) || self.children().into_iter().any(Expr::has_aggregate)
    }

    /// The argument of the first `pg_sleep` in the expression.
    pub fn sleep(&self) -> Option<&Expr> {
        match self {
            Expr::Call(Function::Sleep, arguments) => arguments.first(),
            other => other.children().into_iter().find_map(Expr::sleep),
        }
    }
}
