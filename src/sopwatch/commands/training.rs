//! The bridge of a training: it carries a lesson between the drill, which knows no console, and the console, which knows no drill.

use tokio::sync::mpsc;

use sopwatch_console::app::event::Event;
use sopwatch_console::training::{Attempt, Choice, FindingKind, Lesson, Right, debriefing, markdown};
use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::observe::audit::AuditEntry;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::SafeText;
use sopwatch_drill::scenario::{Expectation, OtherAction};
use sopwatch_drill::{Drill, Scenario};

/// What a scenario teaches, as the console has it; `None` where it only sets a stage.
pub fn of(scenario: &Scenario) -> Option<Lesson> {
    let lesson = scenario.lesson.as_ref()?;
    Some(Lesson {
        id: scenario.id.clone(),
        title: scenario.title.clone(),
        story: scenario.story.clone(),
        right: Right {
            choice: Choice {
                action: lesson.answer.action,
                contact: lesson.answer.contact.clone(),
            },
            or: lesson.answer.or.iter().map(other).collect(),
            harmful: lesson.answer.harmful.clone(),
        },
        hints: lesson.hints.clone(),
        because: lesson.because.clone(),
        expected: scenario.expect.iter().flat_map(expected).collect(),
    })
}

fn other(other: &OtherAction) -> Choice {
    Choice {
        action: other.action,
        contact: other.contact.clone(),
    }
}

fn expected(expectation: &Expectation) -> Vec<(jiff::SignedDuration, FindingKind)> {
    let leader = |(lease, verdict): (&String, &VerdictKind)| FindingKind::Leader(lease.clone(), *verdict);
    let leaders = expectation.leaders.iter().map(leader);
    let steps = expectation.steps.iter();
    let steps = steps.map(|(id, status)| FindingKind::Step(id.clone(), *status));
    leaders
        .chain(steps)
        .map(|kind_of_finding| (expectation.at, kind_of_finding))
        .collect()
}

/// Sends the console what is done to the drill's cluster, and the drill what the operator would do, for ever.
pub async fn carry(drill: &Drill, events: mpsc::Sender<Event>, mut answers: mpsc::Receiver<Choice>) {
    let acts = async {
        let mut acts = drill.audit();
        let mut told = 0;
        loop {
            let new: Vec<AuditEntry> = acts.borrow_and_update().iter().skip(told).cloned().collect();
            told += new.len();
            for act in new {
                if events.send(Event::AuditEntry(act)).await.is_err() {
                    return;
                }
            }
            if acts.changed().await.is_err() {
                return;
            }
        }
    };
    let answers = async {
        while let Some(choice) = answers.recv().await {
            drill.answer(choice.action, choice.contact.as_deref());
        }
    };
    tokio::join!(acts, answers);
    std::future::pending::<()>().await;
}

/// The debriefing of a drill on which no console was open.
pub fn debriefing_without_console(
    drill: &Drill,
    lesson: Lesson,
    profile: &Profile,
    began: jiff::Timestamp,
) -> SafeText {
    let mut attempt = Attempt::new(lesson, began);
    for act in drill.audit().borrow().iter() {
        attempt.note(act.clone(), None);
    }
    markdown(&debriefing(&attempt, profile, None, drill.clock().now()))
}
