//! The service's requests by the metrics source: whether it is reached and asked, whether it fails, whether it is slow.

use super::Part;
use super::burn::Burning;
use super::figures::{Known, Missing, percent, span, unknown};
use crate::diagnose::evaluation::Evaluation;
use crate::profile::monitoring::{Figure, Monitoring};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::{SafeText, counted};

impl Part {
    /// A part that can't be told.
    pub(super) fn missing(brief: &str, missing: Missing) -> Self {
        Self::new(missing.status, safe!("{brief} no data"), missing.why)
    }
}

impl Evaluation<'_> {
    /// Volume, errors and latency, in this order.
    pub(in crate::diagnose) fn request_parts(&self, monitoring: &Monitoring) -> Vec<Part> {
        let thresholds = &monitoring.thresholds;
        vec![
            self.volume(monitoring),
            self.share(monitoring, Figure::Errors, thresholds.budget()),
            self.share(monitoring, Figure::Slow, thresholds.slow),
            self.share(monitoring, Figure::VerySlow, thresholds.very_slow),
        ]
    }

    /// Whether the pods are scraped, and whether anybody asks them. Rates outlive their pods by minutes, so `up` comes first.
    fn volume(&self, monitoring: &Monitoring) -> Part {
        let up = match self.known_figure(Figure::Up, None) {
            Ok(up) => up,
            Err(missing) => return Part::missing("volume", missing),
        };
        let all = up.rows().len();
        let reached = up.numbers().filter(|up| *up >= 1.0).count();
        if all > 0 && reached == 0 && up.numbers().count() == all {
            let pods = counted(all, "pod", "pods");
            let words = safe!("none of {pods} can be scraped (up is 0; metrics)");
            return Part::new(StepStatus::Fail, "no pod scraped", words).aged(Some(up.age));
        }
        let expected = self.expected_pods();
        let unknown_pods = self.pods_missing(Figure::Up);
        let seen = match unknown_pods {
            None => self.pods_with_row(&up, |up| up >= 1.0),
            Some(_) => reached,
        };
        let found = self.asked(monitoring);
        let mut part = match found {
            Ok(part) => part,
            Err(missing) => Part::missing("volume", missing),
        };
        let scraped = safe!("{seen} of {} scraped (metrics)", counted(expected, "pod", "pods"));
        if part.status == StepStatus::Pass {
            let missing = up
                .complete()
                .err()
                .or(unknown_pods)
                .or_else(|| (seen < expected).then(|| unknown(scraped.clone())));
            if let Some(missing) = missing {
                part.status = missing.status;
                part.evidence.insert(0, missing.why);
            }
        }
        part.noting(scraped)
    }

    /// Whether the service is asked as much as it should be.
    fn asked(&self, monitoring: &Monitoring) -> Result<Part, Missing> {
        let (short, quiet) = (monitoring.windows.short, monitoring.windows.quiet);
        let usual = monitoring.thresholds.usual_volume;
        let volume = self.scraped_figure(monitoring, Figure::Volume, Some(short))?;
        let requests = self.scraped_figure(monitoring, Figure::Requests, Some(quiet))?;
        let yesterday = self.known_figure(Figure::VolumeYesterday, Some(short)).ok();
        let yesterday = yesterday.and_then(|yesterday| yesterday.number());
        let before = self.before(short, yesterday);
        let silent = requests
            .complete()
            .is_ok_and(|counts| counts.iter().all(|count| *count <= 0.0));
        if let Some(usually) = yesterday.filter(|usually| silent && *usually > usual) {
            let words = safe!(
                "no request in {}, at this time yesterday {usually:.1}/s (metrics)",
                span(quiet)
            );
            let part = Part::new(StepStatus::Fail, "no requests", words);
            return Ok(part.aged(Some(requests.age)));
        }
        let now = volume.complete()?.into_iter().sum::<f64>();
        if now <= 0.0 {
            // Whether that is a silence is for the longer window to say.
            requests.complete()?;
        }
        let probes = self.scraped_figure(monitoring, Figure::Probes, Some(short))?;
        let probed = probes.complete()?.into_iter().sum::<f64>();
        let words = safe!(
            "{now:.1} requests/s in {}{before}, {probed:.1} probes/s (metrics)",
            span(short)
        );
        let part = Part::new(StepStatus::Pass, safe!("{now:.1}/s"), words).aged(Some(volume.age));
        if probed > 0.0 {
            return Ok(part);
        }
        // The probes are always there: without them, the pods' requests are not counted.
        Ok(Part {
            status: StepStatus::Unknown,
            ..part.noting("no probe is counted, so requests may not be counted either")
        })
    }

    /// `, 2.1/s yesterday, 1.9/s a week ago`.
    fn before(&self, window: std::time::Duration, yesterday: Option<f64>) -> SafeText {
        let week = self.known_figure(Figure::VolumeLastWeek, Some(window)).ok();
        let week = week.and_then(|week| week.number());
        let day = yesterday.map(|volume| safe!(", {volume:.1}/s yesterday"));
        let week = week.map(|volume| safe!(", {volume:.1}/s a week ago"));
        safe!("{}{}", day.unwrap_or_default(), week.unwrap_or_default())
    }

    /// A share of the requests against what is allowed: it must be over in both windows to fail.
    fn share(&self, monitoring: &Monitoring, figure: Figure, allowed: f64) -> Part {
        let part = match self.share_of(monitoring, figure, allowed) {
            Ok(part) => part,
            Err(missing) => Part::missing(figure.title(), missing),
        };
        self.with_burn(monitoring, figure, part)
    }

    /// The same with what the pairs of longer windows say: a budget that burns fails, but only waits to recover where the short window is
    /// within what is allowed again.
    fn with_burn(&self, monitoring: &Monitoring, figure: Figure, mut part: Part) -> Part {
        if part.status == StepStatus::Fail {
            return part;
        }
        match self.burning(monitoring, figure) {
            Burning::Yes { pair, limit, words } => {
                if part.status == StepStatus::Pass {
                    part.status = StepStatus::Waiting;
                    let over = safe!(
                        "{words} (metrics); over once {} is below {}",
                        span(pair.short),
                        percent(limit)
                    );
                    return part.noting(over);
                }
                part.status = StepStatus::Fail;
                part.brief = safe!("{} over budget in {}", figure.title(), span(pair.long));
                part.evidence
                    .insert(0, safe!("{words}: the budget burns too fast (metrics)"));
                part
            }
            Burning::Unknown(missing) if part.status == StepStatus::Pass => {
                part.noting(safe!("longer windows: no data ({})", missing.why))
            }
            Burning::Unknown(_) | Burning::No => part,
        }
    }

    fn share_of(&self, monitoring: &Monitoring, figure: Figure, allowed: f64) -> Result<Part, Missing> {
        let (short, long) = (monitoring.windows.short, monitoring.windows.long);
        let least = monitoring.thresholds.least_requests as f64;
        let requests = self.scraped_figure(monitoring, Figure::Requests, Some(short))?;
        let now = self.scraped_figure(monitoring, figure, Some(short))?;
        let Some(counted) = requests.number() else {
            return Err(requests.complete().err().unwrap_or_else(|| no_requests(figure)));
        };
        let Some(share) = now.number() else {
            return Err(no_share(&now, figure));
        };
        let lasting = self.scraped_figure(monitoring, figure, Some(long));
        let longer = lasting.as_ref().ok().and_then(Known::number);
        let title = figure.title();
        let words = safe!(
            "{title}: {} of {counted:.0} requests in {}{} (at most {}; metrics)",
            percent(share),
            span(short),
            longer.map_or(SafeText::default(), |longer| safe!(
                ", {} in {}",
                percent(longer),
                span(long)
            )),
            percent(allowed)
        );
        let brief = safe!("{title} {}", percent(share));
        let part = |status| Ok(Part::new(status, brief.clone(), words.clone()).aged(Some(now.age)));
        if share > allowed && counted >= least {
            // What is over by the part that was seen is over, whatever is missing.
            return match (lasting, longer) {
                (_, Some(longer)) if longer > allowed => {
                    let part = part(StepStatus::Fail)?;
                    Ok(if figure == Figure::Errors {
                        self.with_paths(monitoring, part)
                    } else {
                        part
                    })
                }
                (Ok(lasting), Some(_)) => match lasting.incomplete() {
                    Some(missing) => Err(missing),
                    None => Ok(
                        part(StepStatus::Waiting)?.noting(safe!("fails once {} are over too", span(long)))
                    ),
                },
                (Ok(lasting), None) => Err(no_share(&lasting, figure)),
                (Err(missing), _) => Err(missing),
            };
        }
        if let Some(missing) = now.incomplete().or_else(|| requests.incomplete()) {
            return Err(missing);
        }
        if counted < least {
            let few = safe!("{words}: too few requests to judge (at least {least:.0})");
            let brief = safe!("{title}: few requests");
            return Ok(Part::new(StepStatus::Unknown, brief, few).aged(Some(now.age)));
        }
        part(StepStatus::Pass)
    }

    /// The same with the paths that fail most.
    fn with_paths(&self, monitoring: &Monitoring, part: Part) -> Part {
        let paths = self.known_figure(Figure::ErrorsByPath, Some(monitoring.windows.short));
        let Ok(paths) = paths else {
            return part;
        };
        let label = |row: &crate::observe::observation::Sample, name: &str| {
            row.label(name).map_or(SafeText::from("?"), SafeText::clone)
        };
        let lines = paths.rows().iter().filter_map(|row| {
            let rate = row.value.finite().filter(|rate| *rate > 0.0)?;
            let (code, method, path) = (label(row, "code"), label(row, "method"), label(row, "path"));
            Some(safe!("{code} {method} {path}: {rate:.2}/s (metrics)"))
        });
        lines.take(5).fold(part, Part::noting)
    }
}

fn no_requests(figure: Figure) -> Missing {
    unknown(safe!("{}: no requests are counted", figure.title()))
}

/// Why a share is no number: nothing to divide by, or nothing at all.
fn no_share(known: &Known<'_>, figure: Figure) -> Missing {
    let missing = known.complete().err();
    missing.unwrap_or_else(|| no_requests(figure))
}
