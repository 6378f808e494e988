//! The types that operators take and return, and the SQL names of types.

use sqlparser::ast::{self, BinaryOperator};

use super::expr::{Arithmetic, Comparison, Expr, TypedExpr};
use crate::database::cast;
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::{Type, Value};

pub fn number(digits: &str) -> SqlResult<TypedExpr> {
    if let Ok(value) = digits.parse::<i64>() {
        let ty = if i32::try_from(value).is_ok() {
            Type::Int4
        } else {
            Type::Int8
        };
        return Ok(TypedExpr::new(Expr::Const(Value::Int(value)), ty));
    }
    let ty = if digits.contains(['e', 'E']) {
        Type::Float8
    } else {
        Type::Numeric
    };
    Ok(TypedExpr::new(Expr::Const(cast::parse(digits, ty)?), ty))
}

pub fn no_operator(sign: &str, a: Type, b: Type) -> SqlError {
    let mut error = SqlError::new(
        "42883",
        format!("operator does not exist: {} {sign} {}", a.name(), b.name()),
    );
    error.hint = Some(
        "No operator matches the given name and argument types. You might need to add explicit type casts."
            .to_owned(),
    );
    error
}

pub fn comparison_of(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

pub fn result_type(op: Arithmetic, a: Type, b: Type) -> Option<Type> {
    use Arithmetic::{Add, Divide, Multiply, Subtract};
    if a.rank().is_some() && b.rank().is_some() {
        return Some(if a.rank() >= b.rank() { a } else { b });
    }
    match (op, a, b) {
        (Subtract, Type::Timestamptz, Type::Timestamptz)
        | (Add | Subtract, Type::Interval, Type::Interval) => Some(Type::Interval),
        (Add | Subtract, Type::Timestamptz, Type::Interval) | (Add, Type::Interval, Type::Timestamptz) => {
            Some(Type::Timestamptz)
        }
        (Multiply | Divide, Type::Interval, number) | (Multiply, number, Type::Interval) => {
            number.rank().map(|_| Type::Interval)
        }
        _ => None,
    }
}

impl Comparison {
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

impl Arithmetic {
    pub fn sign(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Modulo => "%",
            Arithmetic::Concat => "||",
        }
    }
}

/// The column name of a bare cast: PostgreSQL's internal name of the type.
pub fn type_column_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Int4 => "int4",
        Type::Int8 => "int8",
        Type::Float8 => "float8",
        Type::Timestamptz => "timestamptz",
        other => other.name(),
    }
}

pub fn data_type(ty: &ast::DataType) -> SqlResult<Type> {
    use sqlparser::ast::DataType as D;
    Ok(match ty {
        D::Bool | D::Boolean => Type::Bool,
        D::SmallInt(_) | D::Int2(_) | D::Int(_) | D::Int4(_) | D::Integer(_) => Type::Int4,
        D::BigInt(_) | D::Int8(_) => Type::Int8,
        D::Float8 | D::DoublePrecision | D::Double(_) | D::Float(_) => Type::Float8,
        D::Numeric(_) | D::Decimal(_) => Type::Numeric,
        D::Text | D::Varchar(None) | D::CharacterVarying(None) => Type::Text,
        D::Timestamp(_, ast::TimezoneInfo::WithTimeZone | ast::TimezoneInfo::Tz) => Type::Timestamptz,
        D::Interval { .. } => Type::Interval,
        // casts that psql writes: object names by their oid, and text by its full name
        D::Custom(name, _)
            if matches!(
                name.to_string().as_str(),
                "pg_catalog.regtype" | "pg_catalog.regclass" | "pg_catalog.text"
            ) =>
        {
            Type::Text
        }
        D::Array(ast::ArrayElemTypeDef::SquareBracket(inner, _)) => match data_type(inner)? {
            Type::Text => Type::TextArray,
            Type::Int4 | Type::Int8 => Type::Int8Array,
            other => return Err(SqlError::unanswered(&format!("arrays of {}", other.name()))),
        },
        other => return Err(SqlError::unanswered(&format!("the type {other}"))),
    })
}
