//! The compiler: it turns parsed SQL into expressions with types and resolved names.

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};
use sqlparser::tokenizer::Span;

use super::expr::{Aggregate, Arithmetic, Comparison, DatePart, Expr, Function, TypedExpr};
use super::query::Query;
use super::scope::{self, Scope};
use super::types::{comparison_of, data_type, no_operator, number, result_type, type_column_name};
use crate::database::cast;
use crate::database::error::{SqlError, SqlResult};
use crate::database::interval::Interval;
use crate::database::value::{Type, Value};

/// Resolves the names and types of one statement.
pub struct Compiler<'a> {
    pub text: &'a str,
    /// What names can mean: the innermost query's columns are last.
    pub scopes: Vec<Scope>,
    /// The queries named by WITH.
    pub common_tables: Vec<(String, Query)>,
    /// The types of the parameters that are known so far.
    pub parameters: Vec<Option<Type>>,
    pub aggregates: Vec<Aggregate>,
    /// The name of the clause, if aggregates are not allowed in it.
    pub no_aggregates: Option<&'static str>,
}

/// An identifier as PostgreSQL folds it.
pub fn folded(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// The position at which a span begins, as PostgreSQL counts: characters from 1.
pub fn position(text: &str, span: Span) -> Option<usize> {
    let line = usize::try_from(span.start.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(span.start.column).ok()?;
    let before: usize = text
        .split('\n')
        .take(line)
        .map(|line| line.chars().count() + 1)
        .sum();
    Some(before + column)
}

pub fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

impl<'a> Compiler<'a> {
    pub fn new(text: &'a str, types: &[Option<Type>]) -> Self {
        Self {
            text,
            scopes: Vec::new(),
            common_tables: Vec::new(),
            parameters: types.to_vec(),
            aggregates: Vec::new(),
            no_aggregates: None,
        }
    }
}

impl Compiler<'_> {
    /// Compiles a clause in which aggregates are not allowed.
    pub fn without_aggregates<T>(
        &mut self,
        clause: &'static str,
        compile: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let before = self.no_aggregates.replace(clause);
        let compiled = compile(self);
        self.no_aggregates = before;
        compiled
    }

    pub fn at(&self, span: Span) -> Option<usize> {
        position(self.text, span)
    }

    /// The position of the operator before an operand.
    fn operator_before(&self, right: &ast::Expr, sign: &str) -> Option<usize> {
        let operand = self.at(Self::span(right))?;
        let before: Vec<char> = self.text.chars().take(operand - 1).collect();
        let skipped = before.iter().rev();
        let skipped = skipped.take_while(|c| c.is_whitespace() || **c == '(').count();
        before.len().checked_sub(skipped + sign.len()).map(|at| at + 1)
    }

    pub fn span(expr: &ast::Expr) -> Span {
        use sqlparser::ast::Spanned;
        expr.span()
    }

    /// Compiles an expression that must have this type.
    pub fn expect(&mut self, expr: &ast::Expr, ty: Type, clause: &str) -> SqlResult<Expr> {
        let typed = self.expr(expr)?;
        let found = typed.ty;
        self.coerce(typed, ty).map(|typed| typed.expr).map_err(|error| {
            if error.code != "42804" {
                return error;
            }
            let message = format!(
                "argument of {clause} must be type {}, not type {}",
                ty.name(),
                found.name()
            );
            SqlError::new("42804", message).at(self.at(Self::span(expr)))
        })
    }

    pub fn expr(&mut self, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        let typed = self.untold(expr)?;
        let at = typed.at.or_else(|| self.at(Self::span(expr)));
        Ok(TypedExpr { at, ..typed })
    }

    /// Compiles an expression, without its position.
    fn untold(&mut self, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        match expr {
            ast::Expr::Identifier(ident) => self.column(ident, None),
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => self.column(column, Some(table)),
                _ => Err(SqlError::unanswered("names of more than two parts")),
            },
            ast::Expr::Nested(inner) => self.expr(inner),
            ast::Expr::Value(value) => self.literal(&value.value),
            ast::Expr::TypedString(typed) => self.typed_string(typed),
            ast::Expr::Interval(interval) => Self::interval(interval),
            ast::Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            ast::Expr::BinaryOp { left, op, right } => self.binary(left, op, right, Self::span(expr)),
            ast::Expr::Function(function) => self.function(function),
            ast::Expr::Extract { field, expr, .. } => self.extract(&field.to_string(), expr),
            ast::Expr::Floor { expr, .. } => self.rounding(Function::Floor, "floor", expr),
            ast::Expr::Ceil { expr, .. } => self.rounding(Function::Ceil, "ceil", expr),
            ast::Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            ast::Expr::Subquery(query) => self.scalar(query),
            ast::Expr::Collate { expr, .. } => self.expr(expr),
            ast::Expr::Array(array) => self.array(&array.elem),
            other => self.predicate(other),
        }
    }

    fn column(&mut self, ident: &ast::Ident, table: Option<&ast::Ident>) -> SqlResult<TypedExpr> {
        let at = self.at(table.map_or(ident.span, |table| table.span));
        let (expr, ty) = scope::find(&self.scopes, ident, table).map_err(|error| error.at(at))?;
        Ok(TypedExpr::new(expr, ty).named(&folded(ident)))
    }

    fn literal(&mut self, value: &ast::Value) -> SqlResult<TypedExpr> {
        Ok(match value {
            ast::Value::Number(digits, _) => number(digits)?,
            ast::Value::SingleQuotedString(text)
            | ast::Value::EscapedStringLiteral(text)
            | ast::Value::UnicodeStringLiteral(text) => {
                TypedExpr::new(Expr::Const(Value::Text(text.clone())), Type::Unknown)
            }
            ast::Value::DollarQuotedString(quoted) => {
                TypedExpr::new(Expr::Const(Value::Text(quoted.value.clone())), Type::Unknown)
            }
            ast::Value::Boolean(value) => TypedExpr::boolean(Expr::Const(Value::Bool(*value))),
            ast::Value::Null => TypedExpr::new(Expr::Const(Value::Null), Type::Unknown),
            ast::Value::Placeholder(name) => return self.parameter(name),
            other => return Err(SqlError::unanswered(&format!("the literal {other}"))),
        })
    }

    /// `array[…]` of texts or whole numbers that are written out.
    fn array(&mut self, items: &[ast::Expr]) -> SqlResult<TypedExpr> {
        let typed = items
            .iter()
            .map(|item| self.expr(item))
            .collect::<SqlResult<Vec<_>>>()?;
        let (exprs, ty) = self.unify(typed, "ARRAY")?;
        let ty = match ty {
            Type::Text => Type::TextArray,
            Type::Int4 | Type::Int8 => Type::Int8Array,
            other => return Err(SqlError::unanswered(&format!("arrays of {}", other.name()))),
        };
        let values = exprs.into_iter().map(|expr| match expr {
            Expr::Const(value) => Ok(value),
            _ => Err(SqlError::unanswered("arrays of anything but literals")),
        });
        let values = values.collect::<SqlResult<_>>()?;
        Ok(TypedExpr::new(Expr::Const(Value::Array(values)), ty).named("array"))
    }

    fn parameter(&mut self, name: &str) -> SqlResult<TypedExpr> {
        let number: usize = name
            .strip_prefix('$')
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
        if number == 0 || number > 100 {
            return Err(SqlError::new("42P02", format!("there is no parameter {name}")));
        }
        if self.parameters.len() < number {
            self.parameters.resize(number, None);
        }
        let ty = self.parameters[number - 1].unwrap_or(Type::Unknown);
        Ok(TypedExpr::new(Expr::Parameter(number - 1), ty))
    }

    fn typed_string(&mut self, typed: &ast::TypedString) -> SqlResult<TypedExpr> {
        let ty = data_type(&typed.data_type)?;
        let literal = self.literal(&typed.value.value)?;
        let typed = self.coerce(literal, ty)?;
        Ok(typed.named(type_column_name(ty)))
    }

    fn interval(interval: &ast::Interval) -> SqlResult<TypedExpr> {
        let text = match interval.value.as_ref() {
            ast::Expr::Value(value) => match &value.value {
                ast::Value::SingleQuotedString(text) => text.clone(),
                other => other.to_string(),
            },
            other => return Err(SqlError::unanswered(&format!("interval {other}"))),
        };
        let unit = interval
            .leading_field
            .as_ref()
            .map_or(String::new(), |unit| format!(" {unit}"));
        let value = Interval::parse(&format!("{text}{unit}"))?;
        Ok(TypedExpr::new(Expr::Const(Value::Interval(value)), Type::Interval).named("interval"))
    }

    fn cast(&mut self, expr: &ast::Expr, data_type_name: &ast::DataType) -> SqlResult<TypedExpr> {
        let ty = data_type(data_type_name)?;
        let inner = self.expr(expr)?;
        let name = inner
            .name
            .clone()
            .unwrap_or_else(|| type_column_name(ty).to_owned());
        if inner.ty == Type::Unknown {
            return Ok(self.coerce(inner, ty)?.named(&name));
        }
        if !cast::exists(inner.ty, ty) {
            let message = format!("cannot cast type {} to {}", inner.ty.name(), ty.name());
            return Err(SqlError::new("42846", message).at(self.at(Self::span(expr))));
        }
        Ok(TypedExpr::new(Expr::Cast(boxed(inner.expr), ty), ty).named(&name))
    }

    /// The implicit conversions: literals and untyped parameters to anything, numbers to wider ones.
    pub fn coerce(&mut self, typed: TypedExpr, ty: Type) -> SqlResult<TypedExpr> {
        if typed.ty == ty {
            return Ok(typed);
        }
        let TypedExpr {
            expr,
            ty: from,
            name,
            at,
        } = typed;
        let expr = match expr {
            Expr::Const(Value::Text(text)) if from == Type::Unknown => {
                Expr::Const(cast::parse(&text, ty).map_err(|error| error.at(at))?)
            }
            Expr::Const(Value::Null) if from == Type::Unknown => Expr::Const(Value::Null),
            Expr::Parameter(place) if from == Type::Unknown => {
                self.parameters[place] = Some(ty);
                Expr::Parameter(place)
            }
            expr if from.rank().is_some() && from.rank() < ty.rank() => Expr::Cast(boxed(expr), ty),
            // limit and the like take any whole number
            expr if from == Type::Int8 && ty == Type::Int4 => Expr::Cast(boxed(expr), ty),
            _ => {
                let message = format!("types {} and {} cannot be matched", from.name(), ty.name());
                return Err(SqlError::new("42804", message));
            }
        };
        Ok(TypedExpr { expr, ty, name, at })
    }

    /// The common type of both sides of an operator or of all branches.
    fn common(a: Type, b: Type) -> Type {
        match (a, b) {
            (Type::Unknown, Type::Unknown) => Type::Text,
            (Type::Unknown, known) => known,
            (known, other) if other.rank() > known.rank() && known.rank().is_some() => other,
            (known, _) => known,
        }
    }

    pub fn unify(&mut self, items: Vec<TypedExpr>, what: &str) -> SqlResult<(Vec<Expr>, Type)> {
        let ty = items.iter().fold(Type::Unknown, |ty, item| {
            if ty == Type::Unknown {
                item.ty
            } else {
                Self::common(ty, item.ty)
            }
        });
        let ty = if ty == Type::Unknown { Type::Text } else { ty };
        let mut exprs = Vec::new();
        for item in items {
            let found = item.ty;
            let same = self.coerce(item, ty).map_err(|error| {
                if error.code != "42804" {
                    return error;
                }
                SqlError::new(
                    "42804",
                    format!(
                        "{what} types {} and {} cannot be matched",
                        ty.name(),
                        found.name()
                    ),
                )
            })?;
            exprs.push(same.expr);
        }
        Ok((exprs, ty))
    }

    fn unary(&mut self, op: UnaryOperator, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        match op {
            UnaryOperator::Not => Ok(TypedExpr::boolean(Expr::Not(boxed(self.expect(
                expr,
                Type::Bool,
                "NOT",
            )?)))),
            UnaryOperator::Plus => self.expr(expr),
            UnaryOperator::Minus => {
                let inner = self.expr(expr)?;
                let zero = match inner.ty {
                    Type::Interval => Value::Interval(Interval::default()),
                    _ => Value::Int(0),
                };
                let ty = if inner.ty == Type::Interval {
                    Type::Interval
                } else {
                    Type::Int4
                };
                self.arithmetic(
                    Arithmetic::Subtract,
                    TypedExpr::new(Expr::Const(zero), ty),
                    inner,
                    None,
                )
            }
            other => Err(SqlError::unanswered(&format!("the operator {other}"))),
        }
    }

    fn binary(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        span: Span,
    ) -> SqlResult<TypedExpr> {
        if let Some(op) = comparison_of(op) {
            return Ok(TypedExpr::boolean(self.comparison(op, left, right, true)?));
        }
        let op = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let clause = op.to_string();
                let a = boxed(self.expect(left, Type::Bool, &clause)?);
                let b = boxed(self.expect(right, Type::Bool, &clause)?);
                let is_and = matches!(op, BinaryOperator::And);
                return Ok(TypedExpr::boolean(if is_and {
                    Expr::And(a, b)
                } else {
                    Expr::Or(a, b)
                }));
            }
            BinaryOperator::PGRegexMatch => return self.pattern(left, right, false, false),
            BinaryOperator::PGCustomBinaryOperator(name) if name.last().is_some_and(|name| name == "~") => {
                return self.pattern(left, right, false, false);
            }
            BinaryOperator::PGRegexIMatch => return self.pattern(left, right, true, false),
            BinaryOperator::PGRegexNotMatch => return self.pattern(left, right, false, true),
            BinaryOperator::PGRegexNotIMatch => return self.pattern(left, right, true, true),
            BinaryOperator::Plus => Arithmetic::Add,
            BinaryOperator::Minus => Arithmetic::Subtract,
            BinaryOperator::Multiply => Arithmetic::Multiply,
            BinaryOperator::Divide => Arithmetic::Divide,
            BinaryOperator::Modulo => Arithmetic::Modulo,
            BinaryOperator::StringConcat => Arithmetic::Concat,
            other => return Err(SqlError::unanswered(&format!("the operator {other}")).at(self.at(span))),
        };
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        let at = self.operator_before(right, op.sign());
        self.arithmetic(op, a, b, at)
    }

    pub fn comparison(
        &mut self,
        op: Comparison,
        left: &ast::Expr,
        right: &ast::Expr,
        is_written: bool,
    ) -> SqlResult<Expr> {
        let at = self.operator_before(right, op.sign()).filter(|_| is_written);
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        let (from_a, from_b) = (a.ty, b.ty);
        let ty = Self::common(from_a, from_b);
        let sides = self.coerce(a, ty).and_then(|a| Ok((a, self.coerce(b, ty)?)));
        let (a, b) = sides.map_err(|error| match error.code {
            "42804" => no_operator(op.sign(), from_a, from_b).at(at),
            _ => error,
        })?;
        Ok(Expr::Compare(op, boxed(a.expr), boxed(b.expr)))
    }

    fn arithmetic(
        &mut self,
        op: Arithmetic,
        a: TypedExpr,
        b: TypedExpr,
        at: Option<usize>,
    ) -> SqlResult<TypedExpr> {
        let (from_a, from_b) = (a.ty, b.ty);
        let wrong = || no_operator(op.sign(), from_a, from_b).at(at);
        if op == Arithmetic::Concat {
            let (a, b) = (self.as_text(a)?, self.as_text(b)?);
            return Ok(TypedExpr::new(
                Expr::Arithmetic(op, boxed(a), boxed(b)),
                Type::Text,
            ));
        }
        let (a, b) = match (from_a, from_b) {
            (Type::Unknown, Type::Unknown) => return Err(wrong()),
            (Type::Unknown, known) => (self.coerce(a, known)?, b),
            (known, Type::Unknown) => (a, self.coerce(b, known)?),
            _ => (a, b),
        };
        let ty = result_type(op, a.ty, b.ty).ok_or_else(wrong)?;
        if a.ty.rank().is_some() && b.ty.rank().is_some() {
            let (a, b) = (self.coerce(a, ty)?, self.coerce(b, ty)?);
            let result = Expr::Arithmetic(op, boxed(a.expr), boxed(b.expr));
            // the cast is what finds an integer out of range
            let result = if ty == Type::Int4 {
                Expr::Cast(boxed(result), ty)
            } else {
                result
            };
            return Ok(TypedExpr::new(result, ty));
        }
        Ok(TypedExpr::new(
            Expr::Arithmetic(op, boxed(a.expr), boxed(b.expr)),
            ty,
        ))
    }

    /// `text ~ pattern`.
    fn pattern(
        &mut self,
        text: &ast::Expr,
        pattern: &ast::Expr,
        fold: bool,
        negated: bool,
    ) -> SqlResult<TypedExpr> {
        let (text, pattern) = (self.expr(text)?, self.expr(pattern)?);
        let text = self.coerce(text, Type::Text)?.expr;
        let pattern = self.coerce(pattern, Type::Text)?.expr;
        let matches = Expr::Call(Function::Matches(fold), vec![text, pattern]);
        Ok(TypedExpr::boolean(if negated {
            Expr::Not(boxed(matches))
        } else {
            matches
        }))
    }

    fn as_text(&mut self, typed: TypedExpr) -> SqlResult<Expr> {
        match typed.ty {
            Type::Text | Type::Unknown => self.coerce(typed, Type::Text).map(|typed| typed.expr),
            _ => Ok(Expr::Cast(boxed(typed.expr), Type::Text)),
        }
    }

    pub fn extract(&mut self, field: &str, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        let part = match field.to_lowercase().as_str() {
            "epoch" => DatePart::Epoch,
            "day" => DatePart::Day,
            "hour" => DatePart::Hour,
            "minute" => DatePart::Minute,
            "second" => DatePart::Second,
            "year" => DatePart::Year,
            "month" => DatePart::Month,
            "dow" => DatePart::Dow,
            "doy" => DatePart::Doy,
            other => return Err(SqlError::unanswered(&format!("extract({other} from …)"))),
        };
        let inner = self.expr(expr)?;
        if !matches!(inner.ty, Type::Timestamptz | Type::Interval) {
            let message = format!(
                "function pg_catalog.extract(unknown, {}) does not exist",
                inner.ty.name()
            );
            return Err(SqlError::new("42883", message).at(self.at(Self::span(expr))));
        }
        if inner.ty == Type::Interval && matches!(part, DatePart::Dow | DatePart::Doy) {
            return Err(SqlError::new(
                "0A000",
                format!(
                    "unit \"{}\" not supported for type interval",
                    field.to_lowercase()
                ),
            ));
        }
        let call = Expr::Call(Function::DatePart(part), vec![inner.expr]);
        Ok(TypedExpr::new(call, Type::Numeric).named("extract"))
    }

    fn rounding(&mut self, function: Function, name: &str, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        let inner = self.expr(expr)?;
        self.round_call(function, name, vec![inner])
    }
}
