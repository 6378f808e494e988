//! What the pods use by the metrics source: CPU, memory, network and disks.

use super::Part;
use super::figures::{Known, Missing, percent, span, unknown};
use crate::diagnose::evaluation::Evaluation;
use crate::observe::observation::{Sample, short_name};
use crate::profile::monitoring::{Figure, Limits, Monitoring};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted};

/// A count that grew is never less than this: `increase` extrapolates.
const ONE: f64 = 0.5;

impl Evaluation<'_> {
    /// CPU, memory, network and disks, in this order.
    pub(in crate::diagnose) fn resource_parts(&self, monitoring: &Monitoring) -> Vec<Part> {
        vec![
            self.cpu_part(monitoring),
            self.memory_part(monitoring),
            self.network_part(monitoring),
        ]
    }

    /// CPU against its limit, and how often it is throttled.
    pub(in crate::diagnose) fn cpu_part(&self, monitoring: &Monitoring) -> Part {
        let short = Some(monitoring.windows.short);
        let limits = &monitoring.thresholds;
        let of_limit = self.known_figure(Figure::Cpu, short);
        let throttled = self.known_figure(Figure::Throttled, short);
        self.limited(
            "CPU",
            &[
                (&of_limit, limits.cpu, Figure::Cpu),
                (&throttled, limits.throttled, Figure::Throttled),
            ],
            monitoring,
        )
    }

    /// Memory against its limit, and who was killed for it.
    fn memory_part(&self, monitoring: &Monitoring) -> Part {
        let restarts_in = monitoring.windows.restarts;
        let killed = self.known_figure(Figure::OomKilled, Some(restarts_in));
        let restarts = self.known_figure(Figure::Restarts, Some(restarts_in));
        let of_limit = self.known_figure(Figure::Memory, None);
        if let Ok(killed) = &killed
            && let Some(row) = killed.rows().first()
        {
            let words = safe!(
                "{} was killed for its memory in {} ({})",
                pod_of(row),
                span(restarts_in),
                self.source_name(Figure::OomKilled)
            );
            return Part::new(StepStatus::Fail, "killed for memory", words).aged(Some(killed.age));
        }
        if let Ok(restarts) = &restarts
            && let Some(row) = restarts
                .rows()
                .iter()
                .find(|row| row.value.finite().is_some_and(|count| count >= ONE))
        {
            let words = safe!(
                "{} restarted in {} ({})",
                pod_of(row),
                span(restarts_in),
                self.source_name(Figure::Restarts)
            );
            return Part::new(StepStatus::Fail, "a pod restarted", words).aged(Some(restarts.age));
        }
        let part = self.limited(
            "memory",
            &[(&of_limit, monitoring.thresholds.memory, Figure::Memory)],
            monitoring,
        );
        let part = self.foresight(monitoring, part);
        if part.status != StepStatus::Pass {
            return part;
        }
        // That nobody was killed and nothing restarted must have been asked.
        let asked = restarts.and_then(|restarts| self.each_pod(&restarts, Figure::Restarts).map(|_| ()));
        let asked = asked.and_then(|()| killed.and_then(|killed| killed.incomplete().map_or(Ok(()), Err)));
        match asked {
            Ok(()) => part,
            Err(missing) => Part {
                status: missing.status,
                ..part.noting(missing.why)
            },
        }
    }

    /// Notes where memory reaches its limit within an hour, if it goes on as now.
    fn foresight(&self, monitoring: &Monitoring, part: Part) -> Part {
        let foreseen = self.known_figure(Figure::MemoryInAnHour, Some(monitoring.windows.restarts));
        let over = foreseen.as_ref().ok().and_then(|foreseen| {
            let rows = foreseen.rows().iter();
            rows.filter_map(|row| Some((row, row.value.finite()?)))
                .find(|(_, share)| *share > 1.0)
        });
        match over {
            Some((row, _)) => part.noting(safe!(
                "memory of {} reaches its limit within an hour if it grows as now ({})",
                pod_of(row),
                self.source_name(Figure::MemoryInAnHour)
            )),
            None => part,
        }
    }

    /// Network and disks: errors and drops fail; the rest is shown.
    fn network_part(&self, monitoring: &Monitoring) -> Part {
        let short = monitoring.windows.short;
        let most = monitoring.thresholds.network;
        let figure = |figure| self.known_figure(figure, Some(short));
        let checked = [Figure::NetworkErrors, Figure::NetworkDrops].map(|one| (one, figure(one)));
        for (title, known) in checked
            .iter()
            .filter_map(|(one, known)| Some((one.title(), known.as_ref().ok()?)))
        {
            let over = known
                .rows()
                .iter()
                .find(|row| row.value.finite().is_some_and(|rate| rate > most));
            if let Some(row) = over {
                let rate = row.value.finite().unwrap_or_default();
                let words = safe!(
                    "{title} of {}: {rate:.1} in {} (at most {most:.0}; {})",
                    pod_of(row),
                    span(short),
                    self.source_name(Figure::NetworkErrors)
                );
                return Part::new(StepStatus::Fail, safe!("{title} {rate:.1}"), words).aged(Some(known.age));
            }
        }
        let shown = [
            Figure::NetworkReceived,
            Figure::NetworkSent,
            Figure::DiskReads,
            Figure::DiskWrites,
        ];
        let mut read = Vec::new();
        for one in shown {
            let rows = figure(one).and_then(|known| self.each_pod(&known, one));
            match rows {
                Ok(rates) => read.push(safe!("{} {}", bytes(rates.iter().sum()), short_title(one))),
                Err(missing) => return Part::missing("network, I/O", missing),
            }
        }
        for (one, known) in &checked {
            let rows = known.as_ref().map_err(Clone::clone);
            if let Err(missing) = rows.and_then(|known| self.each_pod(known, *one)) {
                return Part::missing("network, I/O", missing);
            }
        }
        let words = safe!(
            "{} in {}, all pods ({}; shown, not judged)",
            read.join(", "),
            span(short),
            self.source_name(Figure::NetworkErrors)
        );
        let age = figure(Figure::NetworkErrors).ok().map(|known| known.age);
        Part::new(StepStatus::Pass, "network, I/O read", words).aged(age)
    }

    /// A number of each pod that there should be.
    fn each_pod(&self, known: &Known<'_>, figure: Figure) -> Result<Vec<f64>, Missing> {
        let numbers = known.complete()?;
        let (seen, expected) = (self.pods_with_row(known, |_| true), self.expected_pods());
        if seen < expected {
            let title = figure.title();
            let of_limit = matches!(figure, Figure::Cpu | Figure::Memory);
            let why = if of_limit {
                "; a pod without a limit has none"
            } else {
                ""
            };
            return Err(unknown(safe!(
                "{title}: rows of {seen} of {} ({}{why})",
                counted(expected, "pod", "pods"),
                self.source_name(figure)
            )));
        }
        Ok(numbers)
    }

    /// Shares with two limits each: the highest of each figure decides.
    fn limited(
        &self,
        title: &str,
        figures: &[(&Result<Known<'_>, Missing>, Limits, Figure)],
        monitoring: &Monitoring,
    ) -> Part {
        for (known, limits, figure) in figures {
            if let Ok(known) = known
                && let Some((pod, share)) = highest(known).filter(|(_, share)| *share > limits.fail)
            {
                let brief = safe!("{} {}", figure.title(), percent(share));
                let words = self.share_of_pod(*figure, &pod, share, monitoring);
                let line = safe!("{words}, over {}", percent(limits.fail));
                return Part::new(StepStatus::Fail, brief, line).aged(Some(known.age));
            }
        }
        self.below_limits(title, figures, monitoring)
            .unwrap_or_else(|missing| Part::missing(title, missing))
    }

    /// The same where no share is over its upper limit: every pod must have one.
    fn below_limits(
        &self,
        title: &str,
        figures: &[(&Result<Known<'_>, Missing>, Limits, Figure)],
        monitoring: &Monitoring,
    ) -> Result<Part, Missing> {
        let mut part = Part::new(StepStatus::Pass, SafeText::default(), SafeText::default());
        part.evidence.clear();
        for (known, limits, figure) in figures {
            let known = known.as_ref().map_err(Clone::clone)?;
            self.each_pod(known, *figure)?;
            let Some((pod, share)) = highest(known) else {
                return Err(unknown(safe!("{}: no row", figure.title())));
            };
            if share >= limits.pass {
                part.status = StepStatus::Waiting;
            }
            if part.brief.is_empty() {
                part.brief = safe!("{title} {}", percent(share));
            }
            part.evidence
                .push(self.share_of_pod(*figure, &pod, share, monitoring));
            part.age = part.age.max(Some(known.age));
        }
        Ok(part)
    }

    /// `CPU of ccxhk: 92.0 % of its limit in 5m (metrics)`.
    fn share_of_pod(&self, figure: Figure, pod: &str, share: f64, monitoring: &Monitoring) -> SafeText {
        let window = if figure.windows(&monitoring.windows).is_empty() {
            SafeText::default()
        } else {
            safe!(" in {}", span(monitoring.windows.short))
        };
        let (what, of) = match figure {
            Figure::Cpu => ("CPU", " of its limit"),
            Figure::Memory => ("memory", " of its limit"),
            other => (other.title(), ""),
        };
        safe!(
            "{what} of {pod}: {}{of}{window} ({})",
            percent(share),
            self.source_name(figure)
        )
    }
}

/// The pod with the highest number, and that number.
fn highest(known: &Known<'_>) -> Option<(SafeText, f64)> {
    let rows = known.rows().iter();
    rows.filter_map(|row| Some((pod_of(row), row.value.finite()?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The pod that a row is about, by its short name.
fn pod_of(row: &Sample) -> SafeText {
    let pod = row.label("pod");
    pod.map_or(SafeText::from("a pod"), |pod| short_name(pod).into())
}

fn short_title(figure: Figure) -> &'static str {
    match figure {
        Figure::NetworkReceived => "received",
        Figure::NetworkSent => "sent",
        Figure::DiskReads => "read",
        _ => "written",
    }
}

/// `11.7 KiB/s`.
fn bytes(rate: f64) -> SafeText {
    let units = [("MiB/s", 1_048_576.0), ("KiB/s", 1_024.0)];
    let unit = units.into_iter().find(|(_, size)| rate >= *size);
    unit.map_or_else(
        || safe!("{rate:.0} B/s"),
        |(name, size)| safe!("{:.1} {name}", rate / size),
    )
}
