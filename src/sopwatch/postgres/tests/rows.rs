//! The rows on their way: which they are, how old by their clock, and which of them are over their limit, to the second.

use std::time::Duration;

use jiff::Timestamp;

use super::console::{Console, options, profile, secret_of, statuses, table};
use super::postgres::Postgres;
use sopwatch_core::observe::observation::{Observation, Reading, Standing, TableReading, UnderWay};
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::{ClockBasis, Database, Role, Status};

/// Rows whose ages stand still: half a second past a whole one, whenever they are asked for.
const EDGES: &str = "
create view edges as select id, status, ''::text as cluster_id, 'aws'::text as cloud_provider, 'us-east-1'::text as region,
  clock_timestamp() - updated * interval '1 second' as updated_at, clock_timestamp() - created * interval '1 second' as created_at,
  case when deleted then clock_timestamp() end as deleted_at
from (values
  ('a180', 'cluster_accepted', 180.5, 180.5, false), ('a181', 'cluster_accepted', 181.5, 181.5, false),
  ('p2700', 'provisioned', 2700.5, 9000, false), ('p2701', 'provisioned', 2701.5, 9000, false),
  ('two-days', 'provisioned', 173400.5, 173400.5, false), ('deleted', 'provisioned', 18000, 18000, true),
  ('made-2700', 'rewritten', 12.5, 2700.5, false), ('made-2701', 'rewritten', 12.5, 2701.5, false),
  ('by-sight', 'watched', 12.5, 9000.5, false),
  ('blank', '', 3600.5, 3600.5, false), ('none', null, 7200.5, 7200.5, false), ('odd', 'teleporting', 10.5, 10.5, false),
  ('never', 'cluster_accepted', null, 60, false), ('ahead', 'provisioned', -3900.5, 60, false),
  ('failed-lately', 'failed', 86399.5, 90000, false), ('failed-before', 'failed', 86400.5, 90000, false),
  ('ready', 'ready', 9000, 9000, false)
) as rows (id, status, updated, created, deleted);
grant select on edges to managed_services_ro;
";

fn with_edges() -> Database {
    let status = |name: &str, role, clock, limit: Option<u64>| Status {
        name: name.into(),
        role,
        clock,
        limit: limit.map(Duration::from_secs),
    };
    let edges = vec![
        status(
            "cluster_accepted",
            Role::Accepted,
            ClockBasis::UpdatedAt,
            Some(180),
        ),
        status("provisioned", Role::InFlight, ClockBasis::UpdatedAt, Some(2_700)),
        status("rewritten", Role::InFlight, ClockBasis::CreatedAt, Some(2_700)),
        status("watched", Role::InFlight, ClockBasis::FirstSeen, Some(2_700)),
        status("ready", Role::Ready, ClockBasis::UpdatedAt, None),
        status("failed", Role::Failed, ClockBasis::UpdatedAt, None),
    ];
    let mut profile = profile();
    profile.tables.push(table("edges", edges));
    profile
}

fn read<'a>(reading: &'a Reading, table: &str) -> (&'a UnderWay, &'a Standing) {
    let found = reading.tables.iter().find(|reading| &*reading.table == table);
    let TableReading {
        standing, under_way, ..
    } = found.expect("a table of the profile");
    (
        under_way.as_ref().expect("readable rows"),
        standing.as_ref().expect("readable rows"),
    )
}

/// Ids with their ages by the clock of their status.
fn under_way<'a>(reading: &'a Reading, table: &str) -> Vec<(&'a str, Option<i64>)> {
    let rows = read(reading, table).0.rows.iter();
    rows.map(|row| (&*row.row.id, row.clock_s)).collect()
}

fn standing<'a>(reading: &'a Reading, table: &str) -> Vec<&'a str> {
    let rows = read(reading, table).1.rows.iter();
    rows.map(|row| &*row.row.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_exceeded_to_the_second_by_each_status_s_own_clock() {
    let Some(server) = Postgres::start() else { return };
    server.execute(EDGES);
    let mut console = Console::start_on(with_edges(), options(), Some(&secret_of(&server)));

    let reading = console.reading().await;
    let counts = statuses(&reading, "edges").iter();
    let tables = with_edges().tables;
    let edges = tables.iter().find(|table| table.name == "edges").unwrap();
    let mut state = State::default();
    state.apply(Observation::Database(reading.clone()), Timestamp::UNIX_EPOCH);
    let counts: Vec<_> = counts
        .map(|count| {
            let over = state.overdue(edges, count).count();
            (&*count.status, count.count, count.oldest_s, over)
        })
        .collect();
    let expected = [
        // what its source does not judge, the core does
        ("cluster_accepted", 3, Some(181), Some(1)),
        ("provisioned", 4, Some(173_400), Some(2)),
        ("rewritten", 2, Some(2_701), Some(1)),
        ("watched", 1, None, None),
        ("ready", 1, Some(9_000), None),
        ("failed", 2, Some(86_400), None),
        ("", 2, Some(7_200), None),
        ("teleporting", 1, Some(10), None),
    ];
    assert_eq!(counts, expected);
    let expected = [
        ("two-days", Some(173_400)),
        ("by-sight", None),
        ("none", Some(7_200)),
        ("blank", Some(3_600)),
        ("made-2701", Some(2_701)),
        ("p2701", Some(2_701)),
        ("made-2700", Some(2_700)),
        ("p2700", Some(2_700)),
        ("a181", Some(181)),
        ("a180", Some(180)),
        ("odd", Some(10)),
        ("ahead", Some(-3_901)),
        ("never", None),
    ];
    assert_eq!(
        under_way(&reading, "edges"),
        expected,
        "soft-deleted, ready and failed ones are not on their way"
    );
    let by_sight = &read(&reading, "edges").0.by_sight;
    assert_eq!(by_sight.len(), 1, "{by_sight:?}");
    assert_eq!(
        (&*by_sight[0].status, by_sight[0].limit_s),
        ("watched", Some(2_700))
    );
    let mut late: Vec<_> = state.late_rows(edges).map(|row| &*row.row.id).collect();
    late.sort_unstable();
    assert_eq!(late, ["a181", "made-2701", "p2701", "two-days"]);
    assert_eq!(standing(&reading, "edges"), ["failed-lately"]);

    assert_eq!(
        standing(&reading, "kafka_requests"),
        Vec::<&str>::new(),
        "what failed long ago is history"
    );
    rows_come_and_go(&server, &mut console).await;
    console.stop().await;
}

async fn rows_come_and_go(server: &Postgres, console: &mut Console) {
    let listed = |reading: &Reading, id: &str| under_way(reading, "clusters").iter().any(|(of, _)| *of == id);
    server.execute("update clusters set deleted_at = now() where id = 'c-accepted'");
    let reading = console
        .reading_where("a deleted row to leave", |reading| !listed(reading, "c-accepted"))
        .await;
    assert!(
        listed(&reading, "c-blank") && !listed(&reading, "c-ready"),
        "{reading:?}"
    );
    server.execute(
        "insert into clusters (id, created_at, updated_at, status) \
         select 'm' || n, now(), now() + n * interval '1 second', 'cluster_accepted' from generate_series(1, 501) n",
    );
    let more = |reading: &Reading| read(reading, "clusters").0.more;
    let reading = console.reading_where("more rows than are read", more).await;
    let (under_way, standing) = read(&reading, "clusters");
    assert_eq!((under_way.rows.len(), standing.more), (500, false));
    assert!(listed(&reading, "c-old"), "the oldest are read");
}
