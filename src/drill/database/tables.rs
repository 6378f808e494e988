//! The service's tables, with the columns of January 2021.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::seed::{ClusterSeed, KafkaSeed, LeaseSeed, SeedRows, Stamp};
use crate::random::Random;

/// A row of `clusters`: an OSD cluster the service asked OCM for, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub cloud_provider: String,
    /// OCM's id; blank until OCM has answered.
    pub cluster_id: String,
    pub external_id: String,
    pub multi_az: bool,
    pub region: String,
    pub status: String,
}

/// A row of `kafka_requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaRequest {
    pub id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub region: String,
    pub cluster_id: String,
    pub cloud_provider: String,
    pub multi_az: bool,
    pub name: String,
    pub status: String,
    pub owner: String,
    pub bootstrap_server_host: String,
    pub organisation_id: String,
    pub failed_reason: String,
}

/// A row of `leader_leases`: who may work on one type of row, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub leader: String,
    pub lease_type: String,
    pub expires: Timestamp,
}

/// The service's database as it is now.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The world's start. At this moment the rows are as the scenario says, and nobody changed them before.
    pub seeded_at: Timestamp,
    pub clusters: Vec<Cluster>,
    pub kafka_requests: Vec<KafkaRequest>,
    pub leases: Vec<Lease>,
    pub random: Random,
}

/// The migrations that made the tables (`migrations.id`).
pub const MIGRATIONS: [&str; 6] = [
    "202009160855",
    "202010190921",
    "202011101123",
    "202012031820",
    "202012101112",
    "202012171430",
];

/// The table was made by a migration long before any drill.
const LEASES_AGE: Duration = Duration::from_hours(30 * 24);

/// In `updated_at`: NULL, as in a row that was written by hand.
pub const NEVER: Timestamp = Timestamp::MIN;

/// Deleted rows of a table that are kept: a real table keeps all, and a drill of days must not grow with them.
const DELETED: usize = 1_000;

/// How long a lease holds, in the service of January 2021.
const LEASE_LENGTH: Duration = Duration::from_mins(3);

/// The owner of the Kafkas. Nobody has this name, but the console must not show it all the same.
const OWNERS: [&str; 8] = [
    "aoife.brennan",
    "marek.dvorak",
    "yuki.tanabe",
    "l.moreau@fictional.example",
    "priya.raman",
    "t.okafor@fictional.example",
    "ines.carvalho",
    "jonas.lindqvist",
];

/// `at` minus `span`, held at the beginning of time.
pub fn before(at: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    at.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// `at` plus `span`, held at the end of time.
pub fn after(at: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

impl Tables {
    /// The tables at the start of a world: the rows of the scenario, and lease rows that nobody holds.
    pub fn seeded(seed: &SeedRows, now: Timestamp) -> Self {
        let mut tables = Self {
            seeded_at: now,
            clusters: Vec::new(),
            kafka_requests: Vec::new(),
            leases: Vec::new(),
            random: Random::named(now.as_second().unsigned_abs(), "tables"),
        };
        for lease_type in ["cluster", "kafka"] {
            if seed.leases.iter().all(|lease| lease.lease_type != lease_type) {
                tables.add_lease(lease_type, before(now, LEASES_AGE));
            }
        }
        for rows in &seed.leases {
            for _ in 0..rows.count {
                tables.add_seeded_lease(rows, now);
            }
        }
        for rows in &seed.clusters {
            for _ in 0..rows.count {
                tables.add_cluster(rows, now);
            }
        }
        for rows in &seed.kafkas {
            for _ in 0..rows.count {
                tables.add_kafka(rows, now);
            }
        }
        tables
    }

    fn add_lease(&mut self, lease_type: &str, at: Timestamp) {
        let id = self.random.ksuid(at);
        self.leases.push(Lease {
            id,
            created_at: at,
            updated_at: at,
            deleted_at: None,
            leader: String::new(),
            lease_type: lease_type.to_owned(),
            expires: at,
        });
    }

    fn add_seeded_lease(&mut self, row: &LeaseSeed, now: Timestamp) {
        let created_at = before(now, LEASES_AGE);
        let expires = now.saturating_add(row.expires_in).unwrap_or(now);
        let taken_at = if row.leader.is_empty() {
            created_at
        } else {
            before(expires, LEASE_LENGTH)
        };
        self.leases.push(Lease {
            id: self.random.ksuid(created_at),
            created_at: created_at.min(taken_at),
            updated_at: taken_at,
            deleted_at: row.deleted.then_some(taken_at),
            leader: row.leader.clone(),
            lease_type: row.lease_type.clone(),
            expires,
        });
    }

    fn add_cluster(&mut self, row: &ClusterSeed, now: Timestamp) {
        let created_at = before(now, row.age.unwrap_or(row.idle).max(row.idle));
        let updated_at = stamp(row.stamp, row.idle, now);
        let known_to_ocm = !row.status.is_empty() && row.status != "cluster_accepted";
        let cluster_id = row.cluster_id.clone().unwrap_or_else(|| {
            if known_to_ocm {
                self.random.ocm_id()
            } else {
                String::new()
            }
        });
        let external_id = if row.status == "ready" {
            self.random.uuid()
        } else {
            String::new()
        };
        self.clusters.push(Cluster {
            id: self.random.ksuid(created_at),
            created_at,
            updated_at,
            deleted_at: row.deleted.then(|| before(now, row.idle)),
            cloud_provider: row.cloud_provider.clone(),
            cluster_id,
            external_id,
            multi_az: row.multi_az,
            region: row.region.clone(),
            status: row.status.clone(),
        });
    }

    fn add_kafka(&mut self, row: &KafkaSeed, now: Timestamp) {
        let created_at = before(now, row.age.unwrap_or(row.idle).max(row.idle));
        let updated_at = stamp(row.stamp, row.idle, now);
        let placed = !matches!(row.status.as_str(), "" | "accepted");
        let found = self.ready_cluster(&row.cloud_provider, &row.region, row.multi_az);
        let cluster_id = row
            .cluster_id
            .clone()
            .or_else(|| found.filter(|_| placed))
            .unwrap_or_default();
        let id = self.random.ksuid(created_at);
        let number = self.kafka_requests.len() + 1;
        let name = row.name.clone().unwrap_or_else(|| format!("kafka-{number}"));
        let host = format!("{name}-{}.kafka.devshift.org", id.to_lowercase());
        self.kafka_requests.push(KafkaRequest {
            id,
            created_at,
            updated_at,
            deleted_at: row.deleted.then(|| before(now, row.idle)),
            region: row.region.clone(),
            cluster_id,
            cloud_provider: row.cloud_provider.clone(),
            multi_az: row.multi_az,
            bootstrap_server_host: if placed { host } else { String::new() },
            name,
            status: row.status.clone(),
            owner: OWNERS[number % OWNERS.len()].to_owned(),
            organisation_id: format!("{}", 13_000_000 + number % OWNERS.len() * 7_919),
            failed_reason: row.failed_reason.clone(),
        });
    }

    /// OCM's id of a ready cluster for a Kafka with the same provider, region and zones.
    pub fn ready_cluster(&self, provider: &str, region: &str, multi_az: bool) -> Option<String> {
        let fits = |row: &&Cluster| {
            row.deleted_at.is_none()
                && row.status == "ready"
                && row.cloud_provider == provider
                && row.region == region
                && row.multi_az == multi_az
        };
        self.clusters.iter().find(fits).map(|row| row.cluster_id.clone())
    }

    /// The lease row of a worker type.
    pub fn lease(&self, lease_type: &str) -> Option<&Lease> {
        let alive = |lease: &&Lease| lease.deleted_at.is_none() && lease.lease_type == lease_type;
        self.leases.iter().find(alive)
    }

    pub fn lease_mut(&mut self, lease_type: &str) -> Option<&mut Lease> {
        self.leases
            .iter_mut()
            .find(|lease| lease.deleted_at.is_none() && lease.lease_type == lease_type)
    }

    /// The service records that it wants a cluster in a region, as `cluster_accepted`. Returns the row's id.
    pub fn request_cluster(&mut self, provider: &str, region: &str, at: Timestamp) -> String {
        let row = ClusterSeed {
            status: "cluster_accepted".to_owned(),
            cloud_provider: provider.to_owned(),
            region: region.to_owned(),
            ..ClusterSeed::default()
        };
        self.add_cluster(&row, at);
        self.clusters.last().map(|row| row.id.clone()).unwrap_or_default()
    }

    /// A user asks for a Kafka: the service records it as `accepted`.
    pub fn request_kafka(&mut self, provider: &str, region: &str, multi_az: bool, at: Timestamp) {
        let row = KafkaSeed {
            status: "accepted".to_owned(),
            cloud_provider: provider.to_owned(),
            region: region.to_owned(),
            multi_az,
            ..KafkaSeed::default()
        };
        self.add_kafka(&row, at);
        forget_deleted(&mut self.kafka_requests, |row| row.deleted_at);
    }
}

/// Removes the row that was deleted first where there are too many.
fn forget_deleted<T>(rows: &mut Vec<T>, deleted_at: impl Fn(&T) -> Option<Timestamp>) {
    let deleted = rows
        .iter()
        .enumerate()
        .filter_map(|(place, row)| Some((deleted_at(row)?, place)));
    let deleted: Vec<_> = deleted.collect();
    if deleted.len() > DELETED
        && let Some((_, oldest)) = deleted.into_iter().min()
    {
        rows.remove(oldest);
    }
}

fn stamp(stamp: Option<Stamp>, idle: Duration, now: Timestamp) -> Timestamp {
    match stamp {
        None => before(now, idle),
        Some(Stamp::Never) => NEVER,
        Some(Stamp::Ahead(span)) => after(now, span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_rows_are_as_odd_as_the_seed_says() {
        let seed: SeedRows = toml::from_str(
            "clusters = [{ deleted = true, stamp = \"never\", idle = \"1h\" }]\n\
             kafkas = [{ stamp = { ahead = \"65m\" } }]\n\
             leases = [{ type = \"kafka\", leader = \"u\", expires_in = \"1m\" }, { type = \"kafka\", expires_in = \"0s\" },\n\
             { type = \"cluster\", expires_in = \"0s\", deleted = true }, { type = \"connector\", expires_in = \"-40d\" }]",
        )
        .unwrap();
        let tables = Tables::seeded(&seed, now());
        assert_eq!(tables.clusters[0].updated_at, NEVER);
        assert_eq!(
            tables.clusters[0].deleted_at,
            Some(before(now(), Duration::from_hours(1)))
        );
        let kafka = &tables.kafka_requests[0];
        assert_eq!(kafka.updated_at, after(now(), Duration::from_mins(65)));
        assert!(!kafka.owner.is_empty() && !kafka.organisation_id.is_empty());
        assert_eq!(tables.leases.len(), 4, "the seed's rows, and no row besides");
        let lease = tables.lease("kafka").unwrap();
        assert_eq!(lease.updated_at, before(now(), Duration::from_mins(2)));
        assert!(tables.lease("cluster").is_none(), "it is deleted");
    }

    fn now() -> Timestamp {
        "2021-01-15T13:24:01Z".parse().unwrap()
    }

    #[test]
    fn rows_have_the_ages_of_the_seed() {
        let seed: SeedRows = toml::from_str(
            "[[clusters]]\nidle = \"80d\"\nage = \"81d\"\n[[clusters]]\nstatus = \"cluster_accepted\"\nidle = \"7m11s\"\n\
             [[kafkas]]\nidle = \"3d\"\ncount = 2\n[[kafkas]]\nstatus = \"accepted\"\nidle = \"2m\"",
        )
        .unwrap();
        let tables = Tables::seeded(&seed, now());
        let idle = |at: Timestamp| now().duration_since(at).as_secs();
        assert_eq!(idle(tables.clusters[0].updated_at), 80 * 86_400);
        assert_eq!(idle(tables.clusters[0].created_at), 81 * 86_400);
        assert_eq!(
            tables.clusters[1].cluster_id, "",
            "OCM knows nothing of an accepted row"
        );
        assert_eq!(tables.kafka_requests[1].cluster_id, tables.clusters[0].cluster_id);
        assert_eq!(tables.kafka_requests[2].cluster_id, "");
        assert_eq!(tables.leases.len(), 2);
    }

    #[test]
    fn of_deleted_rows_the_newest_are_kept_and_no_other_row_goes() {
        let seed: SeedRows = toml::from_str("[[kafkas]]\nstatus = \"ready\"").unwrap();
        let mut tables = Tables::seeded(&seed, now());
        for second in 0..DELETED as i64 + 3 {
            let at = now() + SignedDuration::from_secs(second);
            tables.request_kafka("aws", "us-east-1", true, at);
            tables.kafka_requests.last_mut().unwrap().deleted_at = Some(at);
        }
        let deleted: Vec<_> = tables
            .kafka_requests
            .iter()
            .filter_map(|row| row.deleted_at)
            .collect();
        assert_eq!(deleted.len(), DELETED + 1, "the last was deleted after it came");
        assert_eq!(deleted.first(), Some(&(now() + SignedDuration::from_secs(2))));
        let living = tables
            .kafka_requests
            .iter()
            .filter(|row| row.deleted_at.is_none());
        assert_eq!(living.count(), 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let seed: SeedRows = toml::from_str("[[clusters]]\ncount = 3\n[[kafkas]]\ncount = 3").unwrap();
        let (a, b) = (Tables::seeded(&seed, now()), Tables::seeded(&seed, now()));
        assert_eq!((a.clusters, a.kafka_requests), (b.clusters, b.kafka_requests));
    }
}
