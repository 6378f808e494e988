//! `crashing`: the service crashes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::RuleCondition;
use crate::diagnose::decide::Truth;
use crate::diagnose::evaluation::Evaluation;
use crate::diagnose::quoting;
use crate::diagnose::settle;
use crate::diagnose::steps::Check;
use crate::observe::observation::{Container, Pod};
use crate::observe::source::SourceId;
use crate::safe;
use crate::text::SafeText;

/// Characters of a panic by which it is known again: its message, not the addresses of its stack.
const PANIC_HEAD: usize = 120;

/// The service crashes: its processes panic, end with fatal errors, or are restarted again and again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Crashing {}

impl RuleCondition for Crashing {
    fn evaluate(&self, case: &Evaluation<'_>) -> Truth {
        if let Some(unread) = case.pods_unread() {
            return unread;
        }
        let panics = panics(case);
        let climbing: Vec<SafeText> = case.living().filter_map(|pod| climbs(pod, case)).collect();
        let first = panics.first().map(|(at, _)| *at).or(case.state.began_at);
        let again = first.is_some_and(|first| recreated_since(first, case)) || repeats(&panics);
        let nothing = panics.is_empty() && climbing.is_empty();
        // A log that can't be read may hold a panic, or show that it is the same one again. That processes die shows without their last words.
        let unread = if nothing {
            case.unread_logs()
        } else {
            case.unread_now().filter(|_| !again)
        };
        if let Some(why) = unread {
            return Truth::unknown(safe!("panics: {why}"));
        }
        if nothing {
            return Truth::holds_not("no panic, and restart counts are stable");
        }
        // The kubelet restarted the process already, and it serves: once more would only cost its leaders.
        if climbing.is_empty() && !again && case.living().all(Pod::is_ready) {
            return Truth::holds_not("a process died, restarted, and is ready again");
        }
        let newest = panics.last().map(|(_, said)| quoting::line(said));
        Truth::holds(newest.into_iter().chain(climbing)).again(again)
    }

    fn turns_true(&self, _case: &Evaluation<'_>) -> SafeText {
        "a process panics and does not become ready again, or restarts twice".into()
    }

    fn turns_false(&self, _case: &Evaluation<'_>) -> SafeText {
        "every pod is ready, and none restarts again".into()
    }

    fn source(&self, case: &Evaluation<'_>) -> (&'static str, Option<SignedDuration>) {
        ("pods and logs", case.hear(&SourceId::Pods, "pods").age())
    }

    fn is_about(&self, check: &Check, _case: &Evaluation<'_>) -> bool {
        matches!(check, Check::PodsReady(_))
    }
}

/// What processes said when they died, and when.
fn panics(case: &Evaluation<'_>) -> Vec<(Timestamp, SafeText)> {
    let since = case.window();
    let errors = &case.state.errors;
    let sightings = errors
        .classes()
        .into_iter()
        .flat_map(|class| errors.since(class, since));
    let known = sightings.filter(|(source, _)| case.is_known(source));
    let mut panics: Vec<(Timestamp, SafeText)> = known
        .filter_map(|(_, sighting)| {
            let said = sighting.last_words()?;
            Some((sighting.at, SafeText::from(said)))
        })
        .collect();
    panics.sort_by_key(|(at, _)| *at);
    panics
}

/// Whether processes said the same before they died more than once.
fn repeats(panics: &[(Timestamp, SafeText)]) -> bool {
    let head = |said: &SafeText| said.chars().take(PANIC_HEAD).collect::<String>();
    let mut heads: Vec<_> = panics.iter().map(|(_, said)| head(said)).collect();
    heads.sort();
    heads.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether every pod that lives was created after a cause. Nobody restarted a process that the kubelet started again.
fn recreated_since(cause: Timestamp, case: &Evaluation<'_>) -> bool {
    let mut created = case.living().map(|pod| pod.created_at).peekable();
    created.peek().is_some() && created.all(|at| at.is_some_and(|at| at > cause))
}

/// A pod in a crash loop: `10 restarts of lzxms: service ended with OOMKilled (137)`.
fn climbs(pod: &Pod, case: &Evaluation<'_>) -> Option<SafeText> {
    let last = pod.containers.iter().find_map(last_end);
    settle::is_climbing(case.state, pod, case.now).then(|| {
        let ended = last.map_or(SafeText::default(), |ended| safe!(": {ended}"));
        safe!("{} restarts of {}{ended}", pod.restarts, pod.short_name())
    })
}

/// `service ended with OOMKilled (137)`.
fn last_end(container: &Container) -> Option<SafeText> {
    let ended = container.last.as_ref()?;
    Some(safe!(
        "{} ended with {} ({})",
        container.name,
        ended.reason,
        ended.exit_code
    ))
}
