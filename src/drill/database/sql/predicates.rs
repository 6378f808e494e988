//! Conditions: NULL tests, lists, patterns, arrays and CASE.

use sqlparser::ast::{self, BinaryOperator};
use sqlparser::tokenizer::Span;

use super::compile::{Compiler, boxed};
use super::expr::{Comparison, Expr, Function, Typed};
use super::types::comparison_of;
use crate::drill::database::error::{SqlError, SqlResult};
use crate::drill::database::value::{Type, Value};

impl Compiler<'_> {
    pub fn predicate(&mut self, expr: &ast::Expr) -> SqlResult<Typed> {
        let expr = match expr {
            ast::Expr::IsNull(inner) => Expr::IsNull(boxed(self.expr(inner)?.expr)),
            ast::Expr::IsNotNull(inner) => Expr::Not(boxed(Expr::IsNull(boxed(self.expr(inner)?.expr)))),
            ast::Expr::IsTrue(inner) => self.is_truth(inner, true)?,
            ast::Expr::IsNotTrue(inner) => Expr::Not(boxed(self.is_truth(inner, true)?)),
            ast::Expr::IsFalse(inner) => self.is_truth(inner, false)?,
            ast::Expr::IsNotFalse(inner) => Expr::Not(boxed(self.is_truth(inner, false)?)),
            ast::Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            ast::Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let at_least = self.comparison(Comparison::GreaterOrEqual, expr, low, Span::empty())?;
                let at_most = self.comparison(Comparison::LessOrEqual, expr, high, Span::empty())?;
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
            other => {
                return Err(
                    SqlError::unanswered(&format!("this expression: {other}")).at(self.at(Self::span(other)))
                );
            }
        };
        Ok(Typed::boolean(expr))
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
            let same = self.comparison(Comparison::Equal, expr, item, Self::span(item))?;
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
    ) -> SqlResult<Typed> {
        let mut whens = Vec::new();
        let mut results = Vec::new();
        for branch in conditions {
            whens.push(match operand {
                Some(operand) => {
                    self.comparison(Comparison::Equal, operand, &branch.condition, Span::empty())?
                }
                None => self.expect(&branch.condition, Type::Bool, "CASE/WHEN")?,
            });
            results.push(self.expr(&branch.result)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise)?,
            None => Typed::new(Expr::Const(Value::Null), Type::Unknown),
        });
        let name = results
            .last()
            .and_then(|last| last.name.clone())
            .unwrap_or_else(|| "case".to_owned());
        let (mut results, ty) = self.unify(results, "CASE")?;
        let otherwise = results.pop().unwrap_or(Expr::Const(Value::Null));
        let branches = whens.into_iter().zip(results).collect();
        Ok(Typed::new(Expr::Case(branches, boxed(otherwise)), ty).named(&name))
    }
}

fn negate(expr: Expr, negated: bool) -> Expr {
    if negated { Expr::Not(boxed(expr)) } else { expr }
}
