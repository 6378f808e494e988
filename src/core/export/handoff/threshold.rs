//! What a rule holds the observations against, in words.

use crate::diagnose::window;
use crate::export::case_snapshot::CaseSnapshot;
use crate::profile::rule::{Condition, LeaderTrouble};
use crate::profile::{Profile, Role, Status};
use crate::text::duration;

/// The limits of a condition and of those in it. Conditions that hold without a number have none.
pub(super) fn of(condition: &Condition, account: &CaseSnapshot<'_>) -> Vec<String> {
    match condition {
        Condition::All { of } => of.iter().flat_map(|one| self::of(one, account)).collect(),
        Condition::Any { of, optional } => {
            let each = of.iter().chain(optional);
            each.flat_map(|one| self::of(one, account)).collect()
        }
        Condition::OverLimit { table, roles } => vec![over_limit(account.profile, table, roles)],
        Condition::NewlyFailed { table, classes } => vec![format!(
            "{table}: failed within {}{}",
            duration::brief(account.now.duration_since(window(account.state, account.now))),
            reasons(account.profile, classes)
        )],
        Condition::UnknownStatus { table, over } => vec![match over {
            Some(over) => format!(
                "{table}: more than {} in a status that the profile does not know",
                duration::brief(duration::of(*over))
            ),
            None => format!("{table}: every row is in a status that the profile knows"),
        }],
        Condition::Errors {
            classes,
            within,
            at_least,
        } => {
            let titles: Vec<_> = classes
                .iter()
                .map(|class| account.profile.class_title(class))
                .collect();
            vec![format!(
                "at least {at_least} errors of {} within {}, or one that names a row over its limit",
                titles.join(", "),
                duration::brief(duration::of(*within))
            )]
        }
        Condition::Leader { is, .. } => vec![match is {
            LeaderTrouble::None => "exactly one pod leads; none does".to_owned(),
            LeaderTrouble::Many => "exactly one pod leads; more than one does".to_owned(),
        }],
        Condition::Blank { table } => vec![format!("{table}: every row has a status")],
        Condition::NoneReady { table } => vec![format!("{table}: at least one row is ready")],
        Condition::NoPodReady { .. } => vec![format!(
            "{} pods are to be ready",
            account.profile.service.replicas
        )],
        Condition::ClusterEvents => vec![format!(
            "no warning within {}",
            duration::brief(account.now.duration_since(window(account.state, account.now)))
        )],
        Condition::Saturated { within, shares, .. } => vec![format!(
            "within {}, at most {} % of the requests over 100 ms and {} % over 1 s",
            duration::brief(duration::of(*within)),
            shares.slow,
            shares.very_slow
        )],
        Condition::Outbound { within, share, .. } => vec![format!(
            "within {}, less than {share} % of the calls without an answer or with a status of 500 or more",
            duration::brief(duration::of(*within))
        )],
        _ => Vec::new(),
    }
}

/// ` for a reason of SSO or DNS`, `… or none that is known`; empty for any reason.
fn reasons(profile: &Profile, classes: &[String]) -> String {
    if classes.is_empty() {
        return String::new();
    }
    let title = |class: &String| match class.as_str() {
        "" => "none that is known".to_owned(),
        class => profile.class_title(class).to_owned(),
    };
    let titles: Vec<_> = classes.iter().map(title).collect();
    format!(" for a reason of {}", titles.join(" or "))
}

/// `clusters: more than 45m in cluster_provisioning or cluster_provisioned`: statuses of one limit together.
fn over_limit(profile: &Profile, table: &str, roles: &[Role]) -> String {
    let statuses = profile.table(table).map_or(&[][..], |table| &table.statuses);
    let limited = statuses.iter().filter(|status| roles.contains(&status.role));
    let mut by_limit: Vec<(jiff::SignedDuration, Vec<&str>)> = Vec::new();
    for Status { name, limit, .. } in limited {
        let Some(limit) = limit.map(duration::of) else {
            continue;
        };
        match by_limit.iter_mut().find(|(known, _)| *known == limit) {
            Some((_, names)) => names.push(name),
            None => by_limit.push((limit, vec![name])),
        }
    }
    let words = |(limit, names): &(jiff::SignedDuration, Vec<&str>)| {
        format!("more than {} in {}", duration::brief(*limit), names.join(" or "))
    };
    let all: Vec<_> = by_limit.iter().map(words).collect();
    format!("{table}: {}", all.join(", "))
}
