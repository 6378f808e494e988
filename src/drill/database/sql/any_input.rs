//! Property tests: no statement may panic, since a panic would end the drill's database.

use super::*;
use crate::database::error::SqlResult;
use crate::database::seed::SeedRows;
use crate::database::tables::Tables;
use crate::database::value::Value;

fn now() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH
}

proptest::proptest! {
    #[test]
    fn whatever_is_typed_is_answered_or_refused(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 1..14)
    ) {
        answered_or_refused(&words.join(" "));
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_computed_is_answered_or_refused(
        a in proptest::sample::select(OPERANDS),
        op in proptest::sample::select(OPERATORS),
        b in proptest::sample::select(OPERANDS),
        call in proptest::sample::select(CALLS),
    ) {
        let computed = format!("{a} {op} {b}");
        answered_or_refused(&format!("select {}", call.replace('?', &computed)));
        answered_or_refused(&format!("select max({computed}), sum({a}) from clusters group by {b} order by 1 limit {a}"));
    }
}

const OPERANDS: &[&str] = &[
    "0",
    "-1",
    "2147483647",
    "9223372036854775807",
    "(-9223372036854775807 - 1)",
    "1e308::float8",
    "-1e300::float8",
    "null",
    "170141183460469231731687303715884105727",
    "0.00000000000000000000000000001",
    "-1.5",
    "interval '2147483647 days'",
    "interval '-2147483648 mons'",
    "interval '-99999999999999:59:59.999'",
    "interval '1 us'",
    "now()",
    "'0001-01-01'::timestamptz",
    "'9999-12-30'::timestamptz",
    "'x'",
    "''",
    "'2147483648'",
    "true",
    "updated_at",
    "'NaN'::float8",
    "'{a,NULL}'::text[]",
    "extract(epoch from now())",
];

const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "and", "or", "like", "= any",
];

const CALLS: &[&str] = &[
    "?",
    "(?)::int",
    "(?)::bigint",
    "(?)::numeric",
    "(?)::float8",
    "(?)::text",
    "(?)::interval",
    "(?)::timestamptz",
    "floor(?)",
    "ceil(?)",
    "round(?)",
    "abs(?)",
    "- (?)",
    "extract(epoch from (?))",
    "extract(second from (?))",
    "avg(?)",
    "sum(?)",
    "to_char(?, 'YYYY-MM-DD HH12:MI:SS.US')",
    "left('abc', ?)",
    "right('abc', ?)",
    "round(1.5, ?)",
    "coalesce(?, null)",
    "greatest(?, null)",
    "1 between ? and 3",
    "case when ? then 1 end",
    "pg_sleep(?)",
    "current_setting(?)",
];

const WORDS: &[&str] = &[
    "select",
    "from",
    "clusters",
    "where",
    "status",
    "updated_at",
    "now()",
    "-",
    "+",
    "*",
    "/",
    "(",
    ")",
    ",",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "0",
    "'x'",
    "''",
    "null",
    "interval '2147483647 days'",
    "::int",
    "::interval",
    "::numeric",
    "::text",
    "::timestamptz",
    "group by",
    "order by",
    "limit",
    "count(*)",
    "max(",
    "1e300",
    "interval '-99999999999:00'",
    "extract(epoch from",
    "to_char(",
    "'HH24:MI'",
    "floor(",
    "abs(",
    "round(",
    "$1",
    "=",
    "case when",
    "then",
    "end",
    "and",
    "not",
    "in",
    "like",
    "between",
    "is null",
    ";",
    "0.000000000000000001",
    "170141183460469231731687303715884105727",
    "distinct",
    "filter (where",
    "coalesce(",
    "left('abc',",
];

/// A result is rows that fit their columns, or an error with a code of five characters and a sentence.
fn answered_or_refused(sql: &str) {
    if let Err(error) = answer_any(sql) {
        assert_eq!(error.code.len(), 5, "{sql}: {error:?}");
        assert!(!error.message.is_empty(), "{sql}: {error:?}");
    }
}

fn answer_any(sql: &str) -> SqlResult<()> {
    let seed: SeedRows =
        toml::from_str("clusters = [{ idle = \"80d\" }, { status = \"\", deleted = true }]").unwrap();
    let tables = Tables::seeded(&seed, now());
    for statement in parse(sql, &[])? {
        if let Statement::Select(select) = statement {
            let context = Context {
                transaction: now(),
                statement: now(),
                clock: &now,
                parameters: &[Value::Null],
                user: "",
                database: "",
                pid: 7,
                setting: &|_| None,
                tables: &tables,
            };
            for row in select.rows(&context, None)? {
                assert_eq!(row.len(), select.columns.len(), "{sql}");
                for (value, (_, ty)) in row.iter().zip(&select.columns) {
                    let mut binary = bytes::BytesMut::new();
                    // a value that can't be written is an error, like one that can't be computed
                    value.put_binary(*ty, &mut binary)?;
                    assert_eq!(value.text().is_none(), *value == Value::Null, "{sql}");
                }
            }
        }
    }
    Ok(())
}
