//! Executes a SELECT over the tables.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::eval::{Context, Row, arithmetic};
use super::expr::{Aggregate, AggregateKind, Arithmetic};
use super::query::Query;
use super::select::{Grouping, Order, OrderBy, Select};
use crate::database::error::{SqlError, SqlResult};
use crate::database::numeric::Numeric;
use crate::database::value::Value;

/// A row of the result with its sort keys.
pub struct OutputRow {
    pub values: Vec<Value>,
    pub keys: Vec<Value>,
}

impl Select {
    /// The rows of the result with their sort keys, unsorted.
    pub fn outputs(
        &self,
        order: &[Order],
        context: &Context<'_>,
        outer: Option<&Row<'_>>,
    ) -> SqlResult<Vec<OutputRow>> {
        let mut kept = Vec::new();
        for columns in self.source.rows(context, outer)? {
            let row = row(&columns, outer);
            let keep = self
                .filter
                .as_ref()
                .map_or(Ok(true), |filter| context.is_true(filter, row))?;
            if keep {
                kept.push(columns);
            }
        }
        let mut outputs = if let Some(grouping) = &self.grouping {
            self.grouped(grouping, order, &kept, context, outer)?
        } else {
            let rows = kept.iter().map(|columns| row(columns, outer));
            rows.map(|row| self.output(order, row, context))
                .collect::<SqlResult<_>>()?
        };
        if self.distinct {
            let mut seen = HashSet::new();
            outputs.retain(|output| seen.insert(fingerprint(&output.values)));
        }
        Ok(outputs)
    }

    fn output(&self, order: &[Order], row: Row<'_>, context: &Context<'_>) -> SqlResult<OutputRow> {
        let values: Vec<Value> = self
            .outputs
            .iter()
            .map(|expr| context.eval(expr, row))
            .collect::<SqlResult<_>>()?;
        let keys = order.iter().map(|order| match &order.by {
            OrderBy::OutputRow(place) => Ok(values[*place].clone()),
            OrderBy::Expr(expr) => context.eval(expr, row),
        });
        let keys = keys.collect::<SqlResult<_>>()?;
        Ok(OutputRow { values, keys })
    }

    fn grouped(
        &self,
        grouping: &Grouping,
        order: &[Order],
        rows: &[Vec<Value>],
        context: &Context<'_>,
        outer: Option<&Row<'_>>,
    ) -> SqlResult<Vec<OutputRow>> {
        let mut outputs = Vec::new();
        for (keys, members) in groups(grouping, rows, context, outer)? {
            let aggregates = grouping
                .aggregates
                .iter()
                .map(|aggregate| fold(aggregate, &members, context, outer));
            let aggregates: Vec<Value> = aggregates.collect::<SqlResult<_>>()?;
            let row = Row {
                columns: &[],
                groups: &keys,
                aggregates: &aggregates,
                outer,
            };
            if grouping
                .having
                .as_ref()
                .map_or(Ok(true), |having| context.is_true(having, row))?
            {
                outputs.push(self.output(order, row, context)?);
            }
        }
        Ok(outputs)
    }
}

fn row<'a>(columns: &'a [Value], outer: Option<&'a Row<'a>>) -> Row<'a> {
    Row {
        columns,
        outer,
        ..Row::default()
    }
}

pub fn by_order(order: &[Order], a: &OutputRow, b: &OutputRow) -> Ordering {
    let orders = order.iter().zip(a.keys.iter().zip(&b.keys));
    orders
        .map(|(order, (a, b))| by_one(order, a, b))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// OFFSET and LIMIT.
pub fn cut(query: &Query, outputs: Vec<OutputRow>, context: &Context<'_>) -> SqlResult<Vec<Vec<Value>>> {
    let count = |expr: &Option<super::expr::Expr>, otherwise: usize, clause: (&'static str, &str)| {
        let Some(expr) = expr else { return Ok(otherwise) };
        match context.eval(expr, Row::default())? {
            Value::Int(count) => usize::try_from(count)
                .ok()
                .ok_or_else(|| SqlError::new(clause.0, format!("{} must not be negative", clause.1))),
            _ => Ok(otherwise),
        }
    };
    let offset = count(&query.offset, 0, ("2201X", "OFFSET"))?;
    let limit = count(&query.limit, usize::MAX, ("2201W", "LIMIT"))?;
    let kept = outputs.into_iter().skip(offset).take(limit);
    Ok(kept.map(|output| output.values).collect())
}

fn by_one(order: &Order, a: &Value, b: &Value) -> Ordering {
    let nulls = if order.nulls_first {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        _ if order.descending => b.compare(a),
        _ => a.compare(b),
    }
}

/// A key that is equal for rows that GROUP BY and DISTINCT treat as equal.
pub fn fingerprint(values: &[Value]) -> Vec<Option<String>> {
    values.iter().map(Value::text).collect()
}

type Group<'a> = (Vec<Value>, Vec<&'a Vec<Value>>);

/// The groups in the order of their first row; without GROUP BY one group of all rows.
fn groups<'a>(
    grouping: &Grouping,
    rows: &'a [Vec<Value>],
    context: &Context<'_>,
    outer: Option<&Row<'_>>,
) -> SqlResult<Vec<Group<'a>>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    if grouping.keys.is_empty() {
        groups.push((Vec::new(), rows.iter().collect()));
        return Ok(groups);
    }
    let mut places = HashMap::new();
    for columns in rows {
        let row = row(columns, outer);
        let keys: Vec<Value> = grouping
            .keys
            .iter()
            .map(|key| context.eval(key, row))
            .collect::<SqlResult<_>>()?;
        let place = *places.entry(fingerprint(&keys)).or_insert_with(|| {
            groups.push((keys, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(columns);
    }
    Ok(groups)
}

fn fold(
    aggregate: &Aggregate,
    members: &[&Vec<Value>],
    context: &Context<'_>,
    outer: Option<&Row<'_>>,
) -> SqlResult<Value> {
    let mut values = Vec::new();
    let mut count = 0;
    for columns in members {
        let row = row(columns, outer);
        if !aggregate
            .filter
            .as_ref()
            .map_or(Ok(true), |filter| context.is_true(filter, row))?
        {
            continue;
        }
        count += 1;
        if let Some(argument) = &aggregate.argument {
            values.push(context.eval(argument, row)?);
        }
    }
    values.retain(|value| !value.is_null());
    if aggregate.distinct {
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(value.text()));
    }
    result(aggregate.kind, count, values)
}

fn result(kind: AggregateKind, rows: i64, values: Vec<Value>) -> SqlResult<Value> {
    let pick = |wanted: Ordering| {
        move |best: Value, value: Value| {
            if value.compare(&best) == wanted {
                value
            } else {
                best
            }
        }
    };
    Ok(match kind {
        AggregateKind::CountRows => Value::Int(rows),
        AggregateKind::Count => Value::Int(values.len() as i64),
        _ if values.is_empty() => Value::Null,
        AggregateKind::Max => values
            .into_iter()
            .reduce(pick(Ordering::Greater))
            .unwrap_or(Value::Null),
        AggregateKind::Min => values
            .into_iter()
            .reduce(pick(Ordering::Less))
            .unwrap_or(Value::Null),
        AggregateKind::Sum => sum(values)?,
        AggregateKind::Average => {
            let count = values.len() as i64;
            match sum(values.into_iter().map(exact).collect())? {
                Value::Float(sum) => Value::Float(sum / count as f64),
                sum => arithmetic(Arithmetic::Divide, sum, Value::Numeric(Numeric::from_int(count)))?,
            }
        }
        AggregateKind::Every => Value::Bool(values.iter().all(|value| *value == Value::Bool(true))),
        AggregateKind::Any => Value::Bool(values.contains(&Value::Bool(true))),
    })
}

fn exact(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Numeric(Numeric::from_int(value)),
        other => other,
    }
}

fn sum(values: Vec<Value>) -> SqlResult<Value> {
    let mut values = values.into_iter();
    let first = values.next().unwrap_or(Value::Null);
    values.try_fold(first, |sum, value| arithmetic(Arithmetic::Add, sum, value))
}
