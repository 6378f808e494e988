//! The lesson of a drill between the drill, which knows no console, and the console, which knows no drill.

use tokio::sync::mpsc;

use sopwatch_console::app::event::Event;
use sopwatch_console::app::lesson::{
    Act, ActEffect, Choice, Course, Leads, Lesson, Move, Right, Sought, agent_family, debriefing, markdown,
};
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::rule::Advice;
use sopwatch_core::text::SafeText;
use sopwatch_drill::scenario::{Expectation, LeaderVerdict};
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
                action: move_of(lesson.answer.action),
                contact: lesson.answer.contact.clone(),
            },
            harmful: lesson.answer.harmful.iter().copied().map(move_of).collect(),
        },
        hints: lesson.hints.clone(),
        because: lesson.because.clone(),
        expected: scenario.expect.iter().flat_map(expected).collect(),
    })
}

fn expected(expectation: &Expectation) -> Vec<(jiff::SignedDuration, Sought)> {
    let leader = |(lease, verdict): (&String, &LeaderVerdict)| Sought::Leader(lease.clone(), leads(*verdict));
    let leaders = expectation.leaders.iter().map(leader);
    let steps = expectation.steps.iter();
    let steps = steps.map(|(id, status)| Sought::Step(id.clone(), *status));
    leaders
        .chain(steps)
        .map(|sought| (expectation.at, sought))
        .collect()
}

fn leads(verdict: LeaderVerdict) -> Leads {
    match verdict {
        LeaderVerdict::One => Leads::One,
        LeaderVerdict::Many => Leads::Many,
        LeaderVerdict::None => Leads::None,
        LeaderVerdict::Settling => Leads::Settling,
        LeaderVerdict::Unknown => Leads::Unknown,
    }
}

fn move_of(action: Advice) -> Move {
    match action {
        Advice::None => Move::None,
        Advice::Wait => Move::Wait,
        Advice::Gather => Move::Gather,
        Advice::StartPods => Move::StartPods,
        Advice::RestartPods => Move::RestartPods,
        Advice::ScaleUp => Move::ScaleUp,
        Advice::Escalate => Move::Escalate,
    }
}

fn action_of(action: Move) -> Advice {
    match action {
        Move::None => Advice::None,
        Move::Wait => Advice::Wait,
        Move::Gather => Advice::Gather,
        Move::StartPods => Advice::StartPods,
        Move::RestartPods => Advice::RestartPods,
        Move::ScaleUp => Advice::ScaleUp,
        Move::Escalate => Advice::Escalate,
    }
}

fn act_of(act: &api::Act) -> Act {
    let safe = |text: &str| SafeText::cut(text, 200);
    Act {
        at: act.at,
        agent: agent_family(&act.agent),
        verb: act.verb.into(),
        resource: safe(&act.resource),
        name: safe(&act.name),
        code: act.code,
        effect: effect_of(&act.effect),
    }
}

fn effect_of(effect: &api::ActEffect) -> ActEffect {
    match effect {
        api::ActEffect::Other => ActEffect::Other,
        api::ActEffect::Deleted {
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
        api::ActEffect::Scaled { from, to } => ActEffect::Scaled { from: *from, to: *to },
        api::ActEffect::Restarted => ActEffect::Restarted,
        api::ActEffect::Changed { images } => ActEffect::Changed {
            images: images
                .iter()
                .map(|(old, new)| (SafeText::cut(old, 200), SafeText::cut(new, 200)))
                .collect(),
        },
    }
}

/// Tells the console what is done to the drill's cluster, and the drill what the operator would do, for ever.
pub async fn carry(drill: &Drill, events: mpsc::Sender<Event>, mut answers: mpsc::Receiver<Choice>) {
    let acts = async {
        let mut acts = drill.acts();
        let mut told = 0;
        loop {
            let new: Vec<Act> = acts.borrow_and_update().iter().skip(told).map(act_of).collect();
            told += new.len();
            for act in new {
                if events.send(Event::Act(act)).await.is_err() {
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
            drill.answer(action_of(choice.action), choice.contact.as_deref());
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
) -> String {
    let mut course = Course::new(lesson, began);
    for act in drill.acts().borrow().iter() {
        course.note(act_of(act), None);
    }
    printed(&markdown(&debriefing(
        &course,
        profile,
        None,
        drill.clock().now(),
    )))
}

/// A text that quotes names from outside, for standard output.
pub fn printed(text: &str) -> String {
    SafeText::new(text).to_string()
}
