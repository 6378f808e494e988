//! Conditions: NULL tests, lists, patterns, arrays and CASE.

use sqlparser::ast::{self, BinaryOperator};

use super::compile::{Compiler, boxed};
use super::expr::{Comparison, Expr, Function, TypedExpr};
use super::query::Query;
use super::types::{comparison_of, no_operator};
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::{Type, Value};

impl Compiler<'_> {
    pub fn predicate(&mut self, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        let expr = match expr {
            ast::Expr::IsNull(inner) => Expr::IsNull(boxed(self.expr(inner)?.expr)),
            ast::Expr::IsNotNull(inner) => Expr::Not(boxed(Expr::IsNull(boxed(self.expr(inner)?.expr)))),
            ast::Expr::IsTrue(inner) => self.is_truth(inner, true)?,
            ast::Expr::IsNotTrue(inner) => Expr::Not(boxed(self.is_truth(inner, true)?)),
            ast::Expr::IsFalse(inner) => self.is_truth(inner, false)?,
            ast::Expr::IsNotFalse(inner) => Expr::Not(boxed(self.is_truth(inner, false)?)),
            ast::Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            ast::Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => negate(self.in_query(Comparison::Equal, expr, subquery, false)?, *negated),
            ast::Expr::Exists { subquery, negated } => {
                negate(Expr::Exists(Box::new(self.query(subquery)?)), *negated)
            }
            ast::Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let at_least = self.comparison(Comparison::GreaterOrEqual, expr, low, false)?;
                let at_most = self.comparison(Comparison::LessOrEqual, expr, high, false)?;
                negate(Expr::And(boxed(at_least), boxed(at_most)), *negated)
            }
            ast::Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self.like(expr, pattern, false, *negated)?,
            ast::Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self.like(expr, pattern, true, *negated)?,
            ast::Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.quantified(left, compare_op, right, false)?,
            ast::Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.quantified(left, compare_op, right, true)?,
            other => return self.special_call(other),
        };
        Ok(TypedExpr::boolean(expr))
    }

    /// Functions with a syntax of their own.
    fn special_call(&mut self, expr: &ast::Expr) -> SqlResult<TypedExpr> {
        match expr {
            ast::Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(length),
                shorthand,
                ..
            } => {
                let name = if *shorthand { "substr" } else { "substring" };
                self.named_call(name, &[expr, from, length])
            }
            ast::Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: None,
                ..
            } => self.named_call("substr", &[expr, from]),
            ast::Expr::Trim {
                expr,
                trim_where: None,
                trim_what: None,
                ..
            } => self.named_call("btrim", &[expr]),
            ast::Expr::Position { expr, r#in } => {
                Ok(self.named_call("strpos", &[r#in, expr])?.named("position"))
            }
            other => {
                Err(SqlError::unanswered(&format!("this expression: {other}")).at(self.at(Self::span(other))))
            }
        }
    }

    /// `left op any (select …)`.
    fn in_query(
        &mut self,
        op: Comparison,
        left: &ast::Expr,
        query: &ast::Query,
        all: bool,
    ) -> SqlResult<Expr> {
        let at = self.at(Self::span(left));
        let left = self.expr(left)?;
        let query = self.query(query)?;
        let ty = only_column(&query)?;
        let from = left.ty;
        let left = self.coerce(left, ty).map_err(|error| match error.code {
            "42804" => no_operator(op.sign(), from, ty).at(at),
            _ => error,
        })?;
        Ok(Expr::AnyOf(op, boxed(left.expr), Box::new(query), all))
    }

    /// `(select …)` as a value.
    pub fn scalar(&mut self, query: &ast::Query) -> SqlResult<TypedExpr> {
        let query = self.query(query)?;
        let (name, ty) = match query.columns.as_slice() {
            [(name, ty)] => (name.clone(), *ty),
            _ => return Err(SqlError::new("42601", "subquery must return only one column")),
        };
        Ok(TypedExpr::new(Expr::Scalar(Box::new(query)), ty).named(&name))
    }

    fn is_truth(&mut self, expr: &ast::Expr, value: bool) -> SqlResult<Expr> {
        let inner = self.expect(expr, Type::Bool, "IS")?;
        let wanted = if value { inner } else { Expr::Not(boxed(inner)) };
        Ok(Expr::Call(
            Function::Coalesce,
            vec![wanted, Expr::Const(Value::Bool(false))],
        ))
    }

    fn in_list(&mut self, expr: &ast::Expr, list: &[ast::Expr], negated: bool) -> SqlResult<Expr> {
        if list.len() > 500 {
            return Err(SqlError::new("54001", "statement too complex"));
        }
        let mut any = Expr::Const(Value::Bool(false));
        for item in list {
            let same = self.comparison(Comparison::Equal, expr, item, false)?;
            any = Expr::Or(boxed(any), boxed(same));
        }
        Ok(negate(any, negated))
    }

    fn like(&mut self, expr: &ast::Expr, pattern: &ast::Expr, fold: bool, negated: bool) -> SqlResult<Expr> {
        let text = self.expect(expr, Type::Text, "LIKE")?;
        let pattern = self.expect(pattern, Type::Text, "LIKE")?;
        Ok(negate(Expr::Like(boxed(text), boxed(pattern), fold), negated))
    }

    fn quantified(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        all: bool,
    ) -> SqlResult<Expr> {
        let op = comparison_of(op).ok_or_else(|| SqlError::unanswered(&format!("{op} any")))?;
        if let ast::Expr::Subquery(query) = right {
            return self.in_query(op, left, query, all);
        }
        let left = self.expr(left)?;
        let (element, array) = match left.ty {
            Type::Int4 | Type::Int8 => (Type::Int8, Type::Int8Array),
            _ => (Type::Text, Type::TextArray),
        };
        let left = self.coerce(left, element)?;
        let right = self.expr(right)?;
        let right = self.coerce(right, array)?;
        Ok(Expr::Quantified(op, boxed(left.expr), boxed(right.expr), all))
    }

    pub fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> SqlResult<TypedExpr> {
        let mut whens = Vec::new();
        let mut results = Vec::new();
        for branch in conditions {
            whens.push(match operand {
                Some(operand) => self.comparison(Comparison::Equal, operand, &branch.condition, false)?,
                None => self.expect(&branch.condition, Type::Bool, "CASE/WHEN")?,
            });
            results.push(self.expr(&branch.result)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise)?,
            None => TypedExpr::new(Expr::Const(Value::Null), Type::Unknown),
        });
        let name = results
            .last()
            .and_then(|last| last.name.clone())
            .unwrap_or_else(|| "case".to_owned());
        let (mut results, ty) = self.unify(results, "CASE")?;
        let otherwise = results.pop().unwrap_or(Expr::Const(Value::Null));
        let branches = whens.into_iter().zip(results).collect();
        Ok(TypedExpr::new(Expr::Case(branches, boxed(otherwise)), ty).named(&name))
    }
}

fn only_column(query: &Query) -> SqlResult<Type> {
    match query.columns.as_slice() {
        [(_, ty)] => Ok(*ty),
        _ => Err(SqlError::new("42601", "subquery has too many columns")),
    }
}

fn negate(expr: Expr, negated: bool) -> Expr {
    if negated { Expr::Not(boxed(expr)) } else { expr }
}
