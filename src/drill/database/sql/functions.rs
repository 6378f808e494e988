//! Compiles calls of functions and aggregates.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::builtins::BUILTINS;
use super::compile::{Compiler, folded, position};
use super::expr::{
    Aggregate, AggregateKind, Arithmetic, CurrentTime, Expr, Function, SessionValue, TypedExpr,
};
use crate::database::error::{SqlError, SqlResult};
use crate::database::value::{Type, Value};

/// The value of `version()` and `server_version`.
pub const SERVER_VERSION: &str = "15.18 (sopwatch drill)";

/// The arguments of a call: expressions, or `*`.
enum Arguments<'a> {
    All,
    List(Vec<&'a ast::Expr>),
}

impl Compiler<'_> {
    pub fn function(&mut self, call: &ast::Function) -> SqlResult<TypedExpr> {
        let name = call_name(call);
        if call.over.is_some() || !call.within_group.is_empty() || call.null_treatment.is_some() {
            return Err(SqlError::unanswered("window functions"));
        }
        if NOT_HERE.contains(&name.as_str()) {
            return Err(SqlError::unanswered(&format!("the function {name}")).at(self.call_position(call)));
        }
        let arguments = arguments(call)?;
        if let Some(kind) = aggregate_kind(&name) {
            return self.aggregate(call, &name, kind, &arguments);
        }
        let Arguments::List(arguments) = arguments else {
            return Err(SqlError::new(
                "42809",
                format!("{name}(*) specified, but {name} is not an aggregate function"),
            ));
        };
        if call.filter.is_some() {
            let message = format!("FILTER specified, but {name} is not an aggregate function");
            return Err(SqlError::new("42809", message));
        }
        if let Some(known) = nullary(&name, arguments.len()) {
            return Ok(known.named(&name));
        }
        if let ("date_part", [part, of]) = (name.as_str(), arguments.as_slice()) {
            let part = self.expr(part)?;
            let Expr::Const(Value::Text(part)) = part.expr else {
                return Err(SqlError::unanswered("date_part of anything but a quoted part"));
            };
            let value = self.extract(&part, of)?;
            return Ok(
                TypedExpr::new(Expr::Cast(Box::new(value.expr), Type::Float8), Type::Float8)
                    .named("date_part"),
            );
        }
        let mut typed = Vec::new();
        for argument in arguments {
            typed.push(self.expr(argument)?);
        }
        self.call(&name, typed)
            .map_err(|error| error.at(self.call_position(call)))
    }

    fn call_position(&self, call: &ast::Function) -> Option<usize> {
        match call.name.0.first() {
            Some(ast::ObjectNamePart::Identifier(ident)) => position(self.text, ident.span),
            _ => None,
        }
    }

    fn call(&mut self, name: &str, mut arguments: Vec<TypedExpr>) -> SqlResult<TypedExpr> {
        let count = arguments.len();
        let (function, signature): (Function, &[Type]) = match (name, count) {
            ("coalesce" | "greatest" | "least", 1..) => return self.variadic(name, arguments),
            ("nullif", 2) => return self.nullif(arguments),
            ("floor" | "ceil" | "ceiling" | "round" | "abs", 1) => {
                return self.round_call(rounding(name), name, arguments);
            }
            ("round", 2) => (Function::Round, &[Type::Numeric, Type::Int4]),
            ("lower", 1) => (Function::Lower, &[Type::Text]),
            ("upper", 1) => (Function::Upper, &[Type::Text]),
            ("length" | "char_length", 1) => (Function::Length, &[Type::Text]),
            ("left", 2) => (Function::Left, &[Type::Text, Type::Int4]),
            ("right", 2) => (Function::Right, &[Type::Text, Type::Int4]),
            ("to_char", 2) if arguments[0].ty == Type::Timestamptz => {
                (Function::ToChar, &[Type::Timestamptz, Type::Text])
            }
            ("to_char", 2) => (Function::ToChar, &[Type::Interval, Type::Text]),
            ("current_setting", 1) => (Function::Setting, &[Type::Text]),
            ("pg_sleep", 1) => (Function::Sleep, &[Type::Float8]),
            ("age", 1) => {
                let today = TypedExpr::new(Expr::Const(Value::Text("day".to_owned())), Type::Unknown);
                let now = TypedExpr::new(Expr::CurrentTime(CurrentTime::Transaction), Type::Timestamptz);
                let midnight = self.library_call("date_trunc", vec![today, now])?;
                arguments.insert(0, midnight);
                return self.library_call(name, arguments);
            }
            ("concat", 1..) => return self.concat(arguments),
            _ => return self.library_call(name, arguments),
        };
        let wrong = no_function(name, &arguments);
        let mut exprs = Vec::new();
        for (argument, ty) in arguments.drain(..).zip(signature) {
            let fits = self.coerce(argument, *ty);
            exprs.push(
                fits.map_err(|error| {
                    if error.code == "42804" {
                        wrong.clone()
                    } else {
                        error
                    }
                })?
                .expr,
            );
        }
        let ty = match function {
            Function::Length => Type::Int4,
            Function::Round => Type::Numeric,
            Function::Sleep => Type::Void,
            _ => Type::Text,
        };
        Ok(TypedExpr::new(Expr::Call(function, exprs), ty).named(name))
    }

    /// Compiles a function with a syntax of its own.
    pub fn named_call(&mut self, name: &str, arguments: &[&ast::Expr]) -> SqlResult<TypedExpr> {
        let typed = arguments.iter().map(|argument| self.expr(argument));
        let typed = typed.collect::<SqlResult<_>>()?;
        self.library_call(name, typed)
    }

    /// Compiles a built-in function: the one with exactly these types, or else the first to which they can be converted.
    fn library_call(&mut self, name: &str, arguments: Vec<TypedExpr>) -> SqlResult<TypedExpr> {
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
        let of_name = || (0..BUILTINS.len()).filter(|place| BUILTINS[*place].name == name);
        let near = |place: &usize| {
            let takes = BUILTINS[*place].takes;
            takes.len() == types.len()
                && takes.iter().zip(&types).all(|(wanted, given)| {
                    wanted == given
                        || *given == Type::Unknown
                        || (given.rank().is_some() && given.rank() < wanted.rank())
                })
        };
        let exact = of_name().find(|place| BUILTINS[*place].takes == types.as_slice());
        let Some(place) = exact.or_else(|| of_name().find(near)) else {
            return Err(no_function(name, &arguments));
        };
        let entry = &BUILTINS[place];
        let mut exprs = Vec::new();
        for (argument, ty) in arguments.into_iter().zip(entry.takes) {
            exprs.push(self.coerce(argument, *ty)?.expr);
        }
        Ok(TypedExpr::new(Expr::Call(Function::Builtin(place), exprs), entry.gives).named(name))
    }

    /// Compiles `concat`: texts one after the other, without NULLs.
    fn concat(&mut self, arguments: Vec<TypedExpr>) -> SqlResult<TypedExpr> {
        let empty = || Expr::Const(Value::Text(String::new()));
        let mut all = empty();
        for argument in arguments {
            let text = match argument.ty {
                Type::Unknown | Type::Text => self.coerce(argument, Type::Text)?.expr,
                _ => Expr::Cast(Box::new(argument.expr), Type::Text),
            };
            let text = Expr::Call(Function::Coalesce, vec![text, empty()]);
            all = Expr::Arithmetic(Arithmetic::Concat, Box::new(all), Box::new(text));
        }
        Ok(TypedExpr::new(all, Type::Text).named("concat"))
    }

    fn variadic(&mut self, name: &str, arguments: Vec<TypedExpr>) -> SqlResult<TypedExpr> {
        let function = match name {
            "coalesce" => Function::Coalesce,
            "greatest" => Function::Greatest,
            _ => Function::Least,
        };
        let (exprs, ty) = self.unify(arguments, &name.to_uppercase())?;
        Ok(TypedExpr::new(Expr::Call(function, exprs), ty).named(name))
    }

    fn nullif(&mut self, arguments: Vec<TypedExpr>) -> SqlResult<TypedExpr> {
        let (exprs, ty) = self.unify(arguments, "NULLIF")?;
        Ok(TypedExpr::new(Expr::Call(Function::Nullif, exprs), ty).named("nullif"))
    }

    /// `floor`, `ceil`, `round` and `abs` keep numeric and float8; whole numbers go to float8 (abs keeps them).
    pub fn round_call(
        &mut self,
        function: Function,
        name: &str,
        mut arguments: Vec<TypedExpr>,
    ) -> SqlResult<TypedExpr> {
        let wrong = no_function(name, &arguments);
        let Some(argument) = arguments.pop() else {
            return Err(wrong);
        };
        let ty = match argument.ty {
            Type::Numeric => Type::Numeric,
            Type::Int4 | Type::Int8 if function == Function::Abs => argument.ty,
            Type::Int4 | Type::Int8 | Type::Float8 | Type::Unknown => Type::Float8,
            _ => return Err(wrong),
        };
        let argument = self.coerce(argument, ty)?;
        Ok(TypedExpr::new(Expr::Call(function, vec![argument.expr]), ty).named(name))
    }

    fn aggregate(
        &mut self,
        call: &ast::Function,
        name: &str,
        kind: AggregateKind,
        arguments: &Arguments<'_>,
    ) -> SqlResult<TypedExpr> {
        if let Some(clause) = self.no_aggregates {
            let message = format!("aggregate functions are not allowed in {clause}");
            return Err(SqlError::new("42803", message).at(self.call_position(call)));
        }
        self.no_aggregates = Some("an aggregate");
        let compiled = self.aggregate_parts(call, name, arguments);
        self.no_aggregates = None;
        let (argument, filter) = compiled?;
        let (kind, ty) = aggregate_type(kind, argument.as_ref().map(|argument| argument.ty))
            .ok_or_else(|| no_function(name, argument.as_slice()))?;
        self.aggregates.push(Aggregate {
            kind,
            argument: argument.map(|argument| argument.expr),
            filter,
            distinct: is_distinct(call),
        });
        Ok(TypedExpr::new(Expr::Aggregate(self.aggregates.len() - 1), ty).named(name))
    }

    fn aggregate_parts(
        &mut self,
        call: &ast::Function,
        name: &str,
        arguments: &Arguments<'_>,
    ) -> SqlResult<(Option<TypedExpr>, Option<Expr>)> {
        let argument = match arguments {
            Arguments::All if name == "count" => None,
            Arguments::List(list) if list.len() == 1 => Some(self.expr(list[0])?),
            _ => return Err(no_function(name, &[]).at(self.call_position(call))),
        };
        let filter = match &call.filter {
            Some(filter) => Some(self.expect(filter, Type::Bool, "FILTER")?),
            None => None,
        };
        Ok((argument, filter))
    }
}

fn call_name(call: &ast::Function) -> String {
    match call.name.0.last() {
        Some(ast::ObjectNamePart::Identifier(ident)) => folded(ident),
        _ => call.name.to_string(),
    }
}

fn is_distinct(call: &ast::Function) -> bool {
    matches!(
        &call.args,
        FunctionArguments::List(list) if list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)
    )
}

fn arguments(call: &ast::Function) -> SqlResult<Arguments<'_>> {
    let list = match &call.args {
        FunctionArguments::None => return Ok(Arguments::List(Vec::new())),
        FunctionArguments::List(list) if list.clauses.is_empty() => &list.args,
        _ => return Err(SqlError::unanswered("this kind of arguments")),
    };
    let mut exprs = Vec::new();
    for argument in list {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => return Ok(Arguments::All),
            _ => return Err(SqlError::unanswered("named arguments")),
        }
    }
    Ok(Arguments::List(exprs))
}

fn aggregate_kind(name: &str) -> Option<AggregateKind> {
    Some(match name {
        "count" => AggregateKind::Count,
        "max" => AggregateKind::Max,
        "min" => AggregateKind::Min,
        "sum" => AggregateKind::Sum,
        "avg" => AggregateKind::Average,
        "bool_and" | "every" => AggregateKind::Every,
        "bool_or" => AggregateKind::Any,
        _ => return None,
    })
}

/// PostgreSQL's result types: sums of int are bigint, of bigint numeric; averages of both numeric.
fn aggregate_type(kind: AggregateKind, argument: Option<Type>) -> Option<(AggregateKind, Type)> {
    let Some(ty) = argument else {
        return Some((AggregateKind::CountRows, Type::Int8));
    };
    let result = match (kind, ty) {
        (AggregateKind::Count | AggregateKind::CountRows, _) | (AggregateKind::Sum, Type::Int4) => Type::Int8,
        (AggregateKind::Max | AggregateKind::Min, Type::Unknown) => Type::Text,
        (AggregateKind::Max | AggregateKind::Min, Type::Bool | Type::Void) => return None,
        (AggregateKind::Max | AggregateKind::Min, ty) => ty,
        (AggregateKind::Sum | AggregateKind::Average, Type::Int4 | Type::Int8 | Type::Numeric) => {
            Type::Numeric
        }
        (AggregateKind::Sum | AggregateKind::Average, Type::Float8) => Type::Float8,
        (AggregateKind::Sum, Type::Interval) => Type::Interval,
        (AggregateKind::Every | AggregateKind::Any, Type::Bool) => Type::Bool,
        _ => return None,
    };
    Some((kind, result))
}

fn rounding(name: &str) -> Function {
    match name {
        "floor" => Function::Floor,
        "ceil" | "ceiling" => Function::Ceil,
        "abs" => Function::Abs,
        _ => Function::Round,
    }
}

fn nullary(name: &str, count: usize) -> Option<TypedExpr> {
    if count > 0 {
        return None;
    }
    let time = |moment| TypedExpr::new(Expr::CurrentTime(moment), Type::Timestamptz);
    let text = |value: &str| TypedExpr::new(Expr::Const(Value::Text(value.to_owned())), Type::Text);
    let session = |value, ty| TypedExpr::new(Expr::Session(value), ty);
    Some(match name {
        "now" | "transaction_timestamp" | "current_timestamp" => time(CurrentTime::Transaction),
        "statement_timestamp" => time(CurrentTime::Statement),
        "clock_timestamp" => time(CurrentTime::Clock),
        "current_user" | "session_user" | "user" | "current_role" => session(SessionValue::User, Type::Text),
        "current_database" | "current_catalog" => session(SessionValue::Database, Type::Text),
        "current_schema" => text("public"),
        "version" => text(&format!("PostgreSQL {SERVER_VERSION}")),
        "pg_is_in_recovery" => TypedExpr::boolean(Expr::Const(Value::Bool(false))),
        "pg_backend_pid" => session(SessionValue::Pid, Type::Int4),
        _ => return None,
    })
}

/// Functions of a real server that an operator may type. They are refused by name.
const NOT_HERE: [&str; 22] = [
    "array_agg",
    "concat_ws",
    "format",
    "generate_series",
    "json_agg",
    "json_build_object",
    "jsonb_agg",
    "lpad",
    "make_interval",
    "mod",
    "percentile_cont",
    "pg_terminate_backend",
    "pg_typeof",
    "power",
    "regexp_matches",
    "regexp_replace",
    "repeat",
    "row_to_json",
    "set_config",
    "sqrt",
    "string_agg",
    "trunc",
];

fn no_function(name: &str, arguments: &[TypedExpr]) -> SqlError {
    if NOT_HERE.contains(&name) {
        return SqlError::unanswered(&format!("the function {name}"));
    }
    let types: Vec<&str> = arguments.iter().map(|argument| argument.ty.name()).collect();
    let mut error = SqlError::new(
        "42883",
        format!("function {name}({}) does not exist", types.join(", ")),
    );
    error.hint = Some(
        "No function matches the given name and argument types. You might need to add explicit type casts."
            .to_owned(),
    );
    error
}
