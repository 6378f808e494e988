//! Statements and their answers, as a real server gives them.

use jiff::Timestamp;

use super::*;
use crate::database::error::SqlResult;
use crate::database::seed::SeedRows;
use crate::database::tables::Tables;
use crate::database::value::{Type, Value};

fn now() -> Timestamp {
    "2021-01-15T13:24:01.25Z".parse().unwrap()
}

fn tables() -> Tables {
    let seed: SeedRows = toml::from_str(
        r#"
        clusters = [
          { status = "ready", idle = "80d" },
          { status = "cluster_accepted", idle = "7m11s" },
          { status = "cluster_provisioning", idle = "45m", region = "eu-west-1", multi_az = false },
          { status = "cluster_provisioning", idle = "45m1s" },
          { status = "", idle = "1h" },
          { status = "failed", idle = "40d", deleted = true },
        ]
        kafkas = [{ status = "ready", count = 2, idle = "3d" }, { status = "accepted", idle = "2m" }]
        "#,
    )
    .unwrap();
    Tables::seeded(&seed, now())
}

fn answer_with(sql: &str, parameters: &[Value], types: &[Option<Type>]) -> SqlResult<Vec<Vec<Value>>> {
    let statements = parse(sql, types)?;
    let [Statement::Select(select)] = statements.as_slice() else {
        panic!("not one SELECT: {sql}")
    };
    let clock = || now() + jiff::SignedDuration::from_secs(1);
    let context = Context {
        transaction: now(),
        statement: now(),
        clock: &clock,
        parameters,
        user: "managed_services_ro",
        database: "managed-services-api",
        pid: 7,
        setting: &|_| None,
        tables: &tables(),
    };
    select.rows(&context, None)
}

/// The rows as `psql -At` prints them, NULL as ∅.
fn answer(sql: &str) -> Vec<String> {
    shown(answer_with(sql, &[], &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")))
}

fn shown(rows: Vec<Vec<Value>>) -> Vec<String> {
    let cell = |value: &Value| value.text().unwrap_or_else(|| "∅".into());
    rows.iter()
        .map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|"))
        .collect()
}

fn refused(sql: &str) -> (&'static str, String, Option<usize>) {
    let error = parse(sql, &[]).err();
    let error = error.unwrap_or_else(|| answer_with(sql, &[], &[]).unwrap_err());
    (error.code, error.message, error.position)
}

/// Statements of one row each.
fn all(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(answer(sql), [*expected], "{sql}");
    }
}

#[test]
fn values_and_truths() {
    all(&[
        ("select 1", "1"),
        ("select 1 + 2 * 3, 7 / 2, -7 / 2, 7 % 4", "7|3|-3|3"),
        (
            "select 7 / 2.0, 1.5 * 2, 10::float8 / 4",
            "3.5000000000000000|3.0|2.5",
        ),
        (
            "select current_user, current_database(), pg_is_in_recovery()",
            "managed_services_ro|managed-services-api|f",
        ),
        (
            "select coalesce(nullif('', ''), '(blank)'), nullif(1, 2), nullif(null, 1)",
            "(blank)|1|∅",
        ),
        (
            "select null and false, null or true, not null, null = null",
            "f|t|∅|∅",
        ),
        (
            "select 1 in (1, 2), 3 not in (1, null), 2 between 1 and 3, null is null",
            "t|∅|t|t",
        ),
        (
            "select 'cluster_accepted' like 'cluster%', 'x' like '_', 'A' ilike 'a', 'a_b' like 'a\\_b'",
            "t|t|t|t",
        ),
        (
            "select case when 1 = 2 then 'a' when true then 'b' end, case 3 when 3 then 1 else 2 end",
            "b|1",
        ),
        (
            "select 'a' || 1 || null, 'a' || 'b', lower('ABC'), upper('x'), length('héé')",
            "∅|ab|abc|X|3",
        ),
        (
            "select floor(-1.5), ceil(1.2), round(2.5), round(1.005, 2), abs(-3), floor(7)",
            "-2|2|3|1.01|3|7",
        ),
        (
            "select '7'::int + 1, 1::text, '1.5'::numeric::int, true::text, 't'::bool",
            "8|1|2|true|t",
        ),
    ]);
}

#[test]
fn times_and_spans() {
    all(&[
        (
            "select interval '45 min' > interval '2700 seconds', interval '1 day' = interval '24 hours'",
            "f|t",
        ),
        (
            "select interval '1 hour' * 2, interval '90 min' - interval '1 hour'",
            "02:00:00|00:30:00",
        ),
        (
            "select now(), now()::text",
            "2021-01-15 13:24:01.25+00|2021-01-15 13:24:01.25+00",
        ),
        (
            "select clock_timestamp() - now(), statement_timestamp() - current_timestamp",
            "00:00:01|00:00:00",
        ),
        (
            "select extract(epoch from clock_timestamp())::float8",
            "1610717042.25",
        ),
        (
            "select extract(epoch from interval '1 day 1 sec'), extract(hour from interval '5:06'), date_part('epoch', interval '1.5 s')",
            "86401.000000|5|1.5",
        ),
        (
            "select to_char(interval '80 days', 'HH24:MI'), to_char(interval '-65 min', 'HH24:MI')",
            "00:00|-01:-05",
        ),
        (
            "select timestamptz '2021-01-15 00:00:00+00' < now(), greatest(1, 3, 2), least('b', 'a')",
            "t|3|a",
        ),
        (
            "select 'ready' = any('{ready,full}'), 'x' <> all('{ready,full}')",
            "t|t",
        ),
    ]);
}

#[test]
fn rows_are_filtered_ordered_and_cut() {
    for (sql, expected) in [
        (
            "select status from clusters where deleted_at is null and status <> '' order by 1 limit 2",
            vec!["cluster_accepted", "cluster_provisioning"],
        ),
        (
            "select status from clusters where region = 'eu-west-1' and not multi_az",
            vec!["cluster_provisioning"],
        ),
        (
            "select count(*) from clusters c where c.deleted_at is not null",
            vec!["1"],
        ),
        (
            "select lease_type from leader_leases order by lease_type desc",
            vec!["kafka", "cluster"],
        ),
        (
            "select name from kafka_requests order by name desc limit 1 offset 1",
            vec!["kafka-2"],
        ),
        (
            "select distinct status from kafka_requests order by status",
            vec!["accepted", "ready"],
        ),
        (
            "select status from clusters where updated_at < now() - interval '45 min' and deleted_at is null order by updated_at",
            vec!["ready", "", "cluster_provisioning"],
        ),
        (
            "select deleted_at is null from clusters order by deleted_at nulls first limit 1",
            vec!["t"],
        ),
        (
            "select count(*) from \"clusters\" where Status = 'ready' or FALSE",
            vec!["1"],
        ),
    ] {
        assert_eq!(answer(sql), expected, "{sql}");
    }
}

#[test]
fn groups_are_counted() {
    for (sql, expected) in [
        (
            "select count(*), count(deleted_at), count(distinct status), max(region), min(region) from clusters",
            vec!["6|1|5|us-east-1|eu-west-1"],
        ),
        (
            "select status, count(*) from clusters group by status having count(*) > 1",
            vec!["cluster_provisioning|2"],
        ),
        (
            "select sum(1), avg(1), sum(1.5), bool_or(multi_az), bool_and(multi_az) from clusters",
            vec!["6|1.00000000000000000000|9.0|t|f"],
        ),
        ("select max(status) from clusters where false", vec!["∅"]),
        (
            "select count(*) from clusters where false group by status",
            vec![],
        ),
        (
            "select upper(status) s, count(1) from kafka_requests group by s order by 2 desc",
            vec!["READY|2", "ACCEPTED|1"],
        ),
    ] {
        assert_eq!(answer(sql), expected, "{sql}");
    }
}

#[test]
fn the_sops_queries_are_answered() {
    let rows = answer(
        "select status,  to_char(now() - updated_at,'HH24:MI') idle_time, count(1) from clusters group by status, to_char(now() - updated_at,'HH24:MI');",
    );
    assert_eq!(
        rows,
        [
            "ready|00:00|1",
            "cluster_accepted|00:07|1",
            "cluster_provisioning|00:45|2",
            "|01:00|1",
            "failed|00:00|1"
        ]
    );
    let rows = answer(
        "select status, to_char(now() - updated_at,'HH24:MI'), count(1) from kafka_requests group by status, to_char(now() - updated_at,'HH24:MI');",
    );
    assert_eq!(rows, ["ready|00:00|2", "accepted|00:02|1"]);
}

#[test]
fn the_consoles_statements_are_answered() {
    let summary = "select coalesce(nullif(status,''),'(blank)') as status, count(*) as count, \
        max(floor(extract(epoch from (clock_timestamp() - updated_at)))::bigint) as oldest, \
        count(*) filter (where floor(extract(epoch from (clock_timestamp() - updated_at)))::bigint > $1) as over \
        from clusters where deleted_at is null group by 1 order by 1";
    let rows = answer_with(summary, &[Value::Int(2701)], &[Some(Type::Int8)]).unwrap();
    // the clock is one second further than the rows' ages
    let expected = [
        "(blank)|1|3601|1",
        "cluster_accepted|1|432|0",
        "cluster_provisioning|2|2702|1",
        "ready|1|6912001|1",
    ];
    assert_eq!(shown(rows), expected);

    let rows = "select id, coalesce(nullif(status,''),'(blank)') as status, cloud_provider, region, multi_az, cluster_id,
       floor(extract(epoch from (clock_timestamp() - updated_at)))::bigint as idle_s,
       floor(extract(epoch from (clock_timestamp() - created_at)))::bigint as age_s
       from clusters where deleted_at is null and status = $2
       order by idle_s desc nulls first limit $1";
    let parameters = [Value::Int(1), Value::Text("cluster_provisioning".into())];
    let found = answer_with(rows, &parameters, &[]).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][6], Value::Int(2702));

    let leases = "select lease_type, nullif(leader,'') as leader, expires,
       extract(epoch from (expires - clock_timestamp()))::int as ttl_s,
       (coalesce(leader,'') <> '' and expires > clock_timestamp()) as live, updated_at
       from leader_leases where deleted_at is null order by lease_type";
    let rows = answer(leases);
    assert!(
        rows[0].starts_with("cluster|∅|2020-12-16 13:24:01.25+00|-2592001|f|"),
        "{rows:?}"
    );
    assert_eq!(rows.len(), 2);
}

#[test]
fn parameters_get_their_types_from_where_they_stand() {
    let parsed = parse(
        "select id from clusters where status = $1 and updated_at > $2 and cluster_id = any($3) limit $4",
        &[],
    );
    let Some(Statement::Select(select)) = parsed.unwrap().pop() else {
        panic!("no SELECT")
    };
    assert_eq!(
        select.parameters,
        [Type::Text, Type::Timestamptz, Type::TextArray, Type::Int8]
    );
}

#[test]
fn results_have_postgres_types_and_names() {
    let columns = |sql: &str| {
        let Some(Statement::Select(select)) = parse(sql, &[]).unwrap().pop() else {
            panic!("no SELECT")
        };
        select.columns
    };
    for (sql, name, ty) in [
        ("select count(*) from clusters", "count", Type::Int8),
        ("select sum(1) from clusters", "sum", Type::Int8),
        ("select extract(epoch from now())", "extract", Type::Numeric),
        ("select floor(extract(epoch from now()))", "floor", Type::Numeric),
        (
            "select floor(extract(epoch from now()))::bigint",
            "floor",
            Type::Int8,
        ),
        (
            "select extract(epoch from clock_timestamp())::float8",
            "extract",
            Type::Float8,
        ),
        ("select clock_timestamp()::text", "clock_timestamp", Type::Text),
        (
            "select now() - updated_at from clusters",
            "?column?",
            Type::Interval,
        ),
        ("select 'x'", "?column?", Type::Text),
        ("select 1::int8", "int8", Type::Int8),
        (
            "select to_char(now() - updated_at, 'HH24:MI') from clusters",
            "to_char",
            Type::Text,
        ),
        ("select coalesce(null, 2)", "coalesce", Type::Int4),
        ("select multi_az from clusters", "multi_az", Type::Bool),
        ("select status as Stand from clusters", "stand", Type::Text),
    ] {
        assert_eq!(columns(sql), [(name.to_owned(), ty)], "{sql}");
    }
}

#[test]
fn what_is_wrong_is_said_as_postgres_says_it() {
    for (sql, code, message, position) in [
        (
            "select * from nope",
            "42P01",
            "relation \"nope\" does not exist",
            Some(15),
        ),
        (
            "select\n  nope from clusters",
            "42703",
            "column \"nope\" does not exist",
            Some(10),
        ),
        (
            "select k.status from clusters c",
            "42P01",
            "missing FROM-clause entry for table \"k\"",
            Some(8),
        ),
        ("selec 1", "42601", "syntax error at or near \"selec\"", Some(1)),
        ("select 1 +", "42601", "syntax error at end of input", Some(11)),
        ("select 1 from", "42601", "syntax error at end of input", Some(14)),
        (
            "select status, count(*) from clusters",
            "42803",
            "column \"clusters.status\" must appear in the GROUP BY clause or be used in an aggregate function",
            Some(8),
        ),
        (
            "select status from clusters where count(*) > 1",
            "42803",
            "aggregate functions are not allowed in WHERE",
            Some(35),
        ),
        (
            "select status = 1 from clusters",
            "42883",
            "operator does not exist: text = integer",
            Some(15),
        ),
        (
            "select now() - '45 min'",
            "22007",
            "invalid input syntax for type timestamp with time zone: \"45 min\"",
            Some(16),
        ),
        ("select 1 / 0", "22012", "division by zero", None),
        (
            "select nope(1)",
            "42883",
            "function nope(integer) does not exist",
            Some(8),
        ),
        (
            "select status from clusters order by 2",
            "42P10",
            "ORDER BY position 2 is not in select list",
            Some(38),
        ),
        (
            "select now()::int",
            "42846",
            "cannot cast type timestamp with time zone to integer",
            Some(8),
        ),
    ] {
        assert_eq!(refused(sql), (code, message.to_owned(), position), "{sql}");
    }
}

#[test]
fn what_it_has_no_answer_for_is_refused_plainly() {
    for sql in [
        "select rolname from pg_catalog.pg_roles",
        "select * from clusters natural join kafka_requests",
        "with recursive a as (select 1) select * from a",
        "select string_agg(status, ',') from clusters",
        "select * from generate_series(1, 3)",
        "select row_number() over () from clusters",
        "explain select 1",
        "copy clusters to stdout",
    ] {
        let (code, message, _) = refused(sql);
        assert_eq!(code, "0A000", "{sql}: {message}");
        assert!(
            message.starts_with("the drill's database does not answer"),
            "{message}"
        );
    }
}
