//! The bridge of a training: it carries a lesson between the drill, which knows no console, and the console, which knows no drill.

use tokio::sync::mpsc;

use sopwatch_console::app::event::Event;
use sopwatch_console::training::{
    ActEffect, Attempt, AuditEntry, Choice, FindingKind, Lesson, Right, agent_family, debriefing, markdown,
};
use sopwatch_core::diagnose::leaders::VerdictKind;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::SafeText;
use sopwatch_drill::scenario::Expectation;
use sopwatch_drill::{Drill, Scenario, api};

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
            harmful: lesson.answer.harmful.clone(),
        },
        hints: lesson.hints.clone(),
        because: lesson.because.clone(),
        expected: scenario.expect.iter().flat_map(expected).collect(),
    })
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

fn act_of(act: &api::AuditEntry) -> AuditEntry {
    let safe = |text: &str| SafeText::cut(text, 200);
    AuditEntry {
        at: act.at,
        agent: agent_family(&act.agent),
        verb: act.verb.into(),
        resource: safe(&act.resource),
        name: safe(&act.name),
        code: act.code,
        effect: effect_of(&act.effect),
    }
}

fn effect_of(effect: &api::AuditEffect) -> ActEffect {
    match effect {
        api::AuditEffect::Other => ActEffect::Other,
        api::AuditEffect::Deleted {
            pods,
            youngest,
            ready,
            ready_left,
            others,
        } => ActEffect::Deleted {
            pods: *pods,
            youngest: *youngest,
            ready: *ready,
            ready_left: *ready_left,
            others: *others,
        },
        api::AuditEffect::Scaled { from, to } => ActEffect::Scaled { from: *from, to: *to },
        api::AuditEffect::Restarted => ActEffect::Restarted,
        api::AuditEffect::Changed { images } => ActEffect::Changed {
            images: images
                .iter()
                .map(|(old, new)| (SafeText::cut(old, 200), SafeText::cut(new, 200)))
                .collect(),
        },
    }
}

/// Sends the console what is done to the drill's cluster, and the drill what the operator would do, for ever.
pub async fn carry(drill: &Drill, events: mpsc::Sender<Event>, mut answers: mpsc::Receiver<Choice>) {
    let acts = async {
        let mut acts = drill.audit();
        let mut told = 0;
        loop {
            let new: Vec<AuditEntry> = acts.borrow_and_update().iter().skip(told).map(act_of).collect();
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
        attempt.note(act_of(act), None);
    }
    markdown(&debriefing(&attempt, profile, None, drill.clock().now()))
}
