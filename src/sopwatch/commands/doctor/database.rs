//! The service's database.

use super::facts::Facts;
use super::page::{Section, Status};
use sopwatch_core::observe::source::{Source, SourceId};

/// The session, and each table of the profile.
pub(super) fn database(facts: &Facts) -> Section {
    let mut section = Section::new("Database");
    let source = facts.state.source(&SourceId::Database);
    let (Some(known), None) = (&facts.state.database, source.and_then(Source::problem)) else {
        section.source(source, "database");
        return section;
    };
    section.add(
        Status::Works,
        format!(
            "{} at {}:{} as {}, PostgreSQL {}, from {}",
            known.database, known.host, known.port, known.user, known.version, known.origin
        ),
    );
    match &*known.tls {
        "verify-full" => section.add(Status::Works, "TLS, its certificate verified"),
        "verify-ca" => section.add(Status::Works, "TLS, its certificate verified, for whichever host"),
        "none" => section.add(Status::Note, "plain text, without TLS"),
        _ => section.advise(
            Status::Note,
            "TLS, its certificate not verified",
            "put the CA certificate into the secret (db.ca_cert), or set sslrootcert",
        ),
    }
    match &facts.state.reading {
        None => section.add(Status::Unknown, "no table was read yet"),
        Some((_, reading)) => {
            for table in &reading.tables {
                if let Err(why) = &table.statuses {
                    section.add(Status::Fails, why);
                }
            }
            let read = reading
                .tables
                .iter()
                .filter(|table| table.statuses.is_ok())
                .count();
            section.add(
                Status::Works,
                format!("{read} of {} tables read", reading.tables.len()),
            );
            if let Err(why) = &reading.leases {
                section.add(Status::Fails, why);
            }
            if let Some(standby) = &reading.standby {
                let behind = standby
                    .behind_s
                    .map_or_else(|| "an unknown time".to_owned(), |seconds| format!("{seconds}s"));
                section.add(Status::Note, format!("a standby, {behind} behind its primary"));
            }
        }
    }
    section
}
