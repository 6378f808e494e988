//! Evaluates an expression for one row.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::builtins::BUILTINS;
use super::expr::{Arithmetic, Comparison, CurrentTime, DatePart, Expr, Function, SessionValue};
use super::query::Query;
use super::to_char;
use crate::database::cast::cast;
use crate::database::error::{SqlError, SqlResult};
use crate::database::interval::Interval;
use crate::database::numeric::Numeric;
use crate::database::tables::Tables;
use crate::database::value::{Value, micros_of, time_of};

/// What a statement sees besides its row: times, parameters, session and tables.
pub struct Context<'a> {
    pub transaction: Timestamp,
    pub statement: Timestamp,
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    pub parameters: &'a [Value],
    pub user: &'a str,
    pub database: &'a str,
    pub pid: i32,
    pub setting: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub tables: &'a Tables,
}

/// One row of the table, or one group of them.
#[derive(Clone, Copy, Default)]
pub struct Row<'a> {
    pub columns: &'a [Value],
    pub groups: &'a [Value],
    pub aggregates: &'a [Value],
    /// The row of the enclosing query.
    pub outer: Option<&'a Row<'a>>,
}

impl Row<'_> {
    fn outer_column(&self, level: usize, place: usize) -> Value {
        let mut row = Some(self);
        for _ in 0..level {
            row = row.and_then(|row| row.outer);
        }
        row.map_or(Value::Null, |row| at(row.columns, place))
    }
}

fn at(values: &[Value], place: usize) -> Value {
    values.get(place).cloned().unwrap_or(Value::Null)
}

fn truth(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// Three-valued: NULL is `None`.
fn as_truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        _ => None,
    }
}

impl Context<'_> {
    pub fn eval(&self, expr: &Expr, row: Row<'_>) -> SqlResult<Value> {
        Ok(match expr {
            Expr::Const(value) => value.clone(),
            Expr::Column(place) => at(row.columns, *place),
            Expr::Outer(level, place) => row.outer_column(*level, *place),
            Expr::Exists(query) => Value::Bool(!query.rows(self, Some(&row))?.is_empty()),
            Expr::Scalar(query) => self.scalar(query, row)?,
            Expr::AnyOf(op, left, query, all) => {
                let rows = query.rows(self, Some(&row))?;
                let items = rows.into_iter().filter_map(|row| row.into_iter().next());
                let items = Value::Array(items.collect());
                quantified(*op, &self.eval(left, row)?, &items, *all)
            }
            Expr::Parameter(place) => at(self.parameters, *place),
            Expr::Group(place) => at(row.groups, *place),
            Expr::Aggregate(place) => at(row.aggregates, *place),
            Expr::CurrentTime(moment) => self.moment(*moment)?,
            Expr::Session(value) => self.session(*value),
            Expr::Call(function, arguments) => self.call(*function, arguments, row)?,
            Expr::Cast(inner, ty) => cast(self.eval(inner, row)?, *ty)?,
            Expr::And(a, b) => self.both(a, b, false, row)?,
            Expr::Or(a, b) => self.both(a, b, true, row)?,
            Expr::Not(inner) => truth(as_truth(&self.eval(inner, row)?).map(|value| !value)),
            Expr::IsNull(inner) => Value::Bool(self.eval(inner, row)?.is_null()),
            Expr::Compare(op, a, b) => truth(compare(*op, &self.eval(a, row)?, &self.eval(b, row)?)),
            Expr::Quantified(op, left, array, all) => {
                quantified(*op, &self.eval(left, row)?, &self.eval(array, row)?, *all)
            }
            Expr::Arithmetic(op, a, b) => arithmetic(*op, self.eval(a, row)?, self.eval(b, row)?)?,
            Expr::Like(text, pattern, fold) => like(&self.eval(text, row)?, &self.eval(pattern, row)?, *fold),
            Expr::Case(branches, otherwise) => self.case(branches, otherwise, row)?,
        })
    }

    pub fn is_true(&self, expr: &Expr, row: Row<'_>) -> SqlResult<bool> {
        Ok(as_truth(&self.eval(expr, row)?) == Some(true))
    }

    fn scalar(&self, query: &Query, row: Row<'_>) -> SqlResult<Value> {
        let mut rows = query.rows(self, Some(&row))?;
        if rows.len() > 1 {
            return Err(SqlError::new(
                "21000",
                "more than one row returned by a subquery used as an expression",
            ));
        }
        let first = rows.pop().and_then(|row| row.into_iter().next());
        Ok(first.unwrap_or(Value::Null))
    }

    /// To PostgreSQL's resolution of a microsecond.
    fn moment(&self, moment: CurrentTime) -> SqlResult<Value> {
        let at = match moment {
            CurrentTime::Transaction => self.transaction,
            CurrentTime::Statement => self.statement,
            CurrentTime::Clock => (self.clock)(),
        };
        Ok(Value::Time(time_of(micros_of(at))?))
    }

    fn session(&self, value: SessionValue) -> Value {
        match value {
            SessionValue::User => Value::Text(self.user.to_owned()),
            SessionValue::Database => Value::Text(self.database.to_owned()),
            SessionValue::Pid => Value::Int(self.pid.into()),
        }
    }

    /// AND and OR: the deciding value wins over NULL.
    fn both(&self, a: &Expr, b: &Expr, deciding: bool, row: Row<'_>) -> SqlResult<Value> {
        let first = as_truth(&self.eval(a, row)?);
        if first == Some(deciding) {
            return Ok(Value::Bool(deciding));
        }
        let second = as_truth(&self.eval(b, row)?);
        if second == Some(deciding) {
            return Ok(Value::Bool(deciding));
        }
        Ok(truth(first.and(second)))
    }

    fn case(&self, branches: &[(Expr, Expr)], otherwise: &Expr, row: Row<'_>) -> SqlResult<Value> {
        for (when, then) in branches {
            if self.is_true(when, row)? {
                return self.eval(then, row);
            }
        }
        self.eval(otherwise, row)
    }

    fn call(&self, function: Function, arguments: &[Expr], row: Row<'_>) -> SqlResult<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let value = self.eval(argument, row)?;
            if function == Function::Coalesce && !value.is_null() {
                return Ok(value);
            }
            values.push(value);
        }
        match function {
            Function::Coalesce => Ok(Value::Null),
            Function::Greatest => Ok(extreme(values, Ordering::Greater)),
            Function::Least => Ok(extreme(values, Ordering::Less)),
            Function::Nullif => {
                let equal = compare(Comparison::Equal, &values[0], &values[1]) == Some(true);
                Ok(if equal { Value::Null } else { values.swap_remove(0) })
            }
            _ if values.iter().any(Value::is_null) => Ok(Value::Null),
            Function::Setting => self.current_setting(&values),
            _ => strict(function, &values),
        }
    }

    fn current_setting(&self, values: &[Value]) -> SqlResult<Value> {
        let name = values.first().and_then(Value::text).unwrap_or_default();
        let value = (self.setting)(&name.to_lowercase());
        value.map(Value::Text).ok_or_else(|| {
            SqlError::new(
                "42704",
                format!("unrecognized configuration parameter \"{name}\""),
            )
        })
    }
}

fn extreme(values: Vec<Value>, wanted: Ordering) -> Value {
    let better = |best: Value, value: Value| {
        if value.compare(&best) == wanted {
            value
        } else {
            best
        }
    };
    values
        .into_iter()
        .filter(|value| !value.is_null())
        .reduce(better)
        .unwrap_or(Value::Null)
}

/// Evaluates functions that return NULL for any NULL argument.
fn strict(function: Function, values: &[Value]) -> SqlResult<Value> {
    Ok(match (function, values) {
        (Function::DatePart(part), [value]) => extract(part, value),
        (Function::ToChar, [value, Value::Text(pattern)]) => Value::Text(to_char::format(value, pattern)?),
        (Function::Lower, [Value::Text(text)]) => Value::Text(text.to_lowercase()),
        (Function::Upper, [Value::Text(text)]) => Value::Text(text.to_uppercase()),
        (Function::Length, [Value::Text(text)]) => Value::Int(text.chars().count() as i64),
        (Function::Left, [Value::Text(text), Value::Int(count)]) => Value::Text(left(text, *count)),
        (Function::Right, [Value::Text(text), Value::Int(count)]) => {
            let backwards: String = text.chars().rev().collect();
            Value::Text(left(&backwards, *count).chars().rev().collect())
        }
        (Function::Builtin(place), values) => (BUILTINS[place].run)(values)?,
        (Function::Matches(fold), [Value::Text(text), Value::Text(pattern)]) => matches(text, pattern, fold)?,
        (Function::Sleep, _) => Value::Text(String::new()),
        (_, [Value::Numeric(value), rest @ ..]) => round_numeric(function, *value, rest)?,
        (_, [Value::Float(value)]) => Value::Float(match function {
            Function::Floor => value.floor(),
            Function::Ceil => value.ceil(),
            Function::Abs => value.abs(),
            _ => value.round_ties_even(),
        }),
        (Function::Abs, [Value::Int(value)]) => Value::Int(value.checked_abs().ok_or_else(out_of_range)?),
        _ => Value::Null,
    })
}

fn round_numeric(function: Function, value: Numeric, rest: &[Value]) -> SqlResult<Value> {
    let digits = match rest {
        [Value::Int(digits)] => i32::try_from(*digits).unwrap_or(i32::MAX).clamp(-30, 30),
        _ => 0,
    };
    Ok(Value::Numeric(match function {
        Function::Floor => value.floor()?,
        Function::Ceil => value.ceil()?,
        Function::Abs => Numeric::new(value.units.abs(), value.scale),
        _ => value.rounded(digits)?,
    }))
}

/// The first `count` characters; a negative count drops that many at the end.
fn left(text: &str, count: i64) -> String {
    let length = text.chars().count() as i64;
    let keep = if count < 0 { (length + count).max(0) } else { count };
    text.chars().take(usize::try_from(keep).unwrap_or(0)).collect()
}

fn extract(part: DatePart, value: &Value) -> Value {
    let interval = match value {
        Value::Time(at) => return Value::Numeric(part_of_time(part, *at)),
        Value::Interval(interval) => *interval,
        _ => return Value::Null,
    };
    let (hours, minutes, _, _) = interval.clock();
    Value::Numeric(match part {
        DatePart::Epoch => interval.epoch(),
        DatePart::Year => Numeric::from_int((interval.months / 12).into()),
        DatePart::Month => Numeric::from_int((interval.months % 12).into()),
        DatePart::Dow | DatePart::Doy => return Value::Null,
        DatePart::Day => Numeric::from_int(interval.days.into()),
        DatePart::Hour => Numeric::from_int(hours),
        DatePart::Minute => Numeric::from_int(minutes),
        DatePart::Second => Numeric::new(i128::from(interval.micros % 60_000_000), 6),
    })
}

fn part_of_time(part: DatePart, at: Timestamp) -> Numeric {
    let civil = jiff::tz::TimeZone::UTC.to_datetime(at);
    let whole = |number: i64| Numeric::from_int(number);
    match part {
        DatePart::Epoch => Numeric::new(i128::from(micros_of(at)), 6),
        DatePart::Year => whole(civil.year().into()),
        DatePart::Month => whole(civil.month().into()),
        DatePart::Day => whole(civil.day().into()),
        DatePart::Hour => whole(civil.hour().into()),
        DatePart::Minute => whole(civil.minute().into()),
        DatePart::Second => Numeric::new(i128::from(micros_of(at).rem_euclid(60_000_000)), 6),
        DatePart::Dow => whole(civil.date().weekday().to_sunday_zero_offset().into()),
        DatePart::Doy => whole(civil.date().day_of_year().into()),
    }
}

/// A POSIX pattern; the common ones mean the same here.
fn matches(text: &str, pattern: &str, fold: bool) -> SqlResult<Value> {
    let built = regex::RegexBuilder::new(pattern)
        .case_insensitive(fold)
        .size_limit(1 << 20)
        .build();
    let regex = built
        .ok()
        .ok_or_else(|| SqlError::new("2201B", "invalid regular expression"))?;
    Ok(Value::Bool(regex.is_match(text)))
}

pub fn compare(op: Comparison, a: &Value, b: &Value) -> Option<bool> {
    if a.is_null() || b.is_null() {
        return None;
    }
    let order = a.compare(b);
    Some(match op {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    })
}

fn quantified(op: Comparison, left: &Value, array: &Value, all: bool) -> Value {
    let Value::Array(items) = array else {
        return Value::Null;
    };
    let mut unknown = false;
    for item in items {
        match compare(op, left, item) {
            Some(answer) if answer != all => return Value::Bool(!all),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(all) }
}

/// `%` any run, `_` any one character, `\` takes the next as it is.
fn like(text: &Value, pattern: &Value, fold: bool) -> Value {
    let (Value::Text(text), Value::Text(pattern)) = (text, pattern) else {
        return Value::Null;
    };
    let (text, pattern) = if fold {
        (text.to_lowercase(), pattern.to_lowercase())
    } else {
        (text.clone(), pattern.clone())
    };
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    Value::Bool(matches_like(&text, &pattern))
}

/// `reached[i]`: the pattern so far matches the first `i` characters.
fn matches_like(text: &[char], pattern: &[char]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut pattern = pattern.iter();
    while let Some(&wanted) = pattern.next() {
        if wanted == '%' {
            let first = reached
                .iter()
                .position(|reached| *reached)
                .unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        let literal = if wanted == '\\' {
            pattern.next().copied()
        } else {
            Some(wanted).filter(|c| *c != '_')
        };
        for place in (0..text.len()).rev() {
            reached[place + 1] = reached[place] && literal.is_none_or(|literal| literal == text[place]);
        }
        reached[0] = false;
    }
    reached[text.len()]
}

fn out_of_range() -> SqlError {
    SqlError::new("22003", "bigint out of range")
}

pub fn arithmetic(op: Arithmetic, a: Value, b: Value) -> SqlResult<Value> {
    Ok(match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
        (Value::Int(a), Value::Int(b)) => Value::Int(int_arithmetic(op, a, b)?),
        (Value::Numeric(a), Value::Numeric(b)) => Value::Numeric(match op {
            Arithmetic::Add => a.add(b)?,
            Arithmetic::Subtract => a.sub(b)?,
            Arithmetic::Multiply => a.mul(b)?,
            Arithmetic::Divide => a.div(b)?,
            _ => return Err(SqlError::unanswered("the remainder of numerics")),
        }),
        (Value::Float(a), Value::Float(b)) => Value::Float(float_arithmetic(op, a, b)?),
        (a, b) => time_arithmetic(op, &a, &b)?,
    })
}

fn int_arithmetic(op: Arithmetic, a: i64, b: i64) -> SqlResult<i64> {
    if b == 0 && matches!(op, Arithmetic::Divide | Arithmetic::Modulo) {
        return Err(SqlError::new("22012", "division by zero"));
    }
    let result = match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.ok_or_else(out_of_range)
}

fn float_arithmetic(op: Arithmetic, a: f64, b: f64) -> SqlResult<f64> {
    Ok(match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide if b == 0.0 => return Err(SqlError::new("22012", "division by zero")),
        _ => a / b,
    })
}

/// Adds an interval: first months, which end on the last day of a shorter month, then days and the rest.
fn moved_by_months(at: Timestamp, by: Interval) -> SqlResult<Value> {
    let out_of_range = || SqlError::new("22008", "timestamp out of range");
    let months = jiff::Span::new().try_months(by.months).ok();
    let civil = jiff::tz::TimeZone::UTC.to_datetime(at);
    let moved = months.and_then(|months| civil.checked_add(months).ok());
    let moved = moved.and_then(|moved| moved.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let moved = moved.ok_or_else(out_of_range)?.timestamp();
    let rest = Interval { months: 0, ..by }.fixed_micros()?;
    Ok(Value::Time(time_of(micros_of(moved).saturating_add(rest))?))
}

fn time_arithmetic(op: Arithmetic, a: &Value, b: &Value) -> SqlResult<Value> {
    let shifted =
        |at: Timestamp, micros: i64| Ok(Value::Time(time_of(micros_of(at).saturating_add(micros))?));
    match (op, a, b) {
        (_, Value::Time(a), Value::Time(b)) => Ok(Value::Interval(Interval::between_micros(
            micros_of(*a) - micros_of(*b),
        ))),
        (_, Value::Time(at), Value::Interval(by)) if by.months != 0 => {
            let by = if op == Arithmetic::Subtract {
                by.negated()
            } else {
                *by
            };
            moved_by_months(*at, by)
        }
        (_, Value::Interval(by), Value::Time(at)) if by.months != 0 => moved_by_months(*at, *by),
        (Arithmetic::Subtract, Value::Time(at), Value::Interval(by)) => {
            shifted(*at, by.fixed_micros()?.saturating_neg())
        }
        (_, Value::Time(at), Value::Interval(by)) | (_, Value::Interval(by), Value::Time(at)) => {
            shifted(*at, by.fixed_micros()?)
        }
        (Arithmetic::Add, Value::Interval(a), Value::Interval(b)) => Ok(Value::Interval(a.add(*b))),
        (Arithmetic::Subtract, Value::Interval(a), Value::Interval(b)) => {
            Ok(Value::Interval(a.add(b.negated())))
        }
        (_, Value::Interval(interval), number) | (_, number, Value::Interval(interval)) => {
            let factor = number
                .text()
                .and_then(|text| text.parse().ok())
                .unwrap_or(f64::NAN);
            let factor = float_arithmetic(op, 1.0, factor)?;
            Ok(Value::Interval(interval.scaled(factor)))
        }
        _ => Err(SqlError::unanswered("this arithmetic")),
    }
}
