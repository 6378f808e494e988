//! A short incident as a console recorded it, and what that console showed each second.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::app::event::Event;
use crate::app::{App, Session};
use crate::keymap::Keymap;
use sopwatch_core::observe::observation::{Connection, Observation, PodUid};
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::record::recorder::Recorder;
use sopwatch_core::record::{Began, Entry, Line, Snapshot, VERSION, Writer};
use sopwatch_core::safe;
use sopwatch_core::testkit::{SHORT, ago, built_in_profile, deployment, failing, pod, waiting_pod};

/// How long the console ran before it was left.
pub(crate) const LEFT: i64 = 400;

/// When another went on.
pub(crate) const JOINED: i64 = 1_600;

/// When it had heard its sources.
const RESUMED: i64 = JOINED + 10;

/// The end.
pub(crate) const END: i64 = 1_660;

/// A console that writes down what it is told.
struct Live {
    app: App,
    recorder: Recorder,
    lines: Vec<Line>,
    found: BTreeMap<i64, Snapshot>,
}

fn at(second: i64) -> Timestamp {
    ago(600 - second)
}

pub(crate) fn by() -> Writer {
    Writer {
        user: "oncall".into(),
        host: "bastion".into(),
        pid: 1,
        version: "0".to_owned(),
    }
}

impl Live {
    fn start() -> Self {
        let profile = built_in_profile();
        let began = Began {
            record: VERSION,
            by: by(),
            environment: profile.environments.first().cloned(),
            namespace: profile.environments[0].namespace.clone(),
            profile,
            server: "https://api.stage:6443".into(),
            sop: "kafka-provisioning-latency".to_owned(),
            drill: None,
            speed: None,
            read_only: false,
        };
        let session = Session {
            environment: began.environment.clone(),
            namespace: began.namespace.clone(),
            started_at: at(0),
            ..Session::sample(began.profile.clone())
        };
        let app = App::new(session, &began.sop, Keymap::default());
        let first = Line {
            at: at(0),
            entry: Entry::Began(Box::new(began)),
        };
        Self {
            app,
            recorder: Recorder::default(),
            lines: vec![first],
            found: BTreeMap::new(),
        }
    }

    /// Another console goes on, which has seen nothing yet.
    fn go_on(&mut self) {
        let session = Session {
            started_at: at(JOINED),
            ..self.app.session.clone()
        };
        self.app = App::new(session, "", Keymap::default());
        self.app.resume(&self.lines);
        self.recorder = Recorder::default();
    }

    fn write(&mut self, second: i64, entry: Entry) {
        self.lines.extend(self.recorder.flush(at(second)));
        let at = at(second);
        self.lines.push(Line { at, entry });
    }

    fn tell(&mut self, second: i64, observation: Observation) {
        self.lines.extend(self.recorder.take(at(second), &observation));
        self.app.update(Event::Observation(observation), at(second));
    }

    /// A second passes.
    fn tick(&mut self, second: i64) {
        self.app.update(Event::Tick, at(second));
        self.app.judge();
        if let Some(found) = self.app.news() {
            self.write(second, Entry::Snapshot(Box::new(found)));
        }
        let found = Snapshot::of(&self.app.checklist.sop, &self.app.diagnosis);
        self.found.insert(second, found);
    }
}

fn sources(second: i64) -> Vec<Observation> {
    let live = |id| Observation::Source(id, SourceState::Live);
    let connection = Connection {
        server: "https://api.stage:6443".into(),
        namespace: "managed-services-stage".into(),
        user: "oncall".into(),
        context: Some("stage".into()),
        version: None,
        expires_at: None,
        unverified: false,
    };
    match second {
        1 => vec![
            Observation::Connection(connection),
            Observation::Deployment(Some(deployment(3))),
            Observation::Pods(SHORT.map(|short| pod(short, 9_000)).to_vec()),
            live(SourceId::Deployment),
            live(SourceId::Pods),
        ],
        // The second console finds its way more slowly.
        RESUMED => vec![
            Observation::Deployment(Some(deployment(3))),
            Observation::Pods([SHORT[1], SHORT[2], "new"].map(|short| pod(short, 500)).to_vec()),
            live(SourceId::Deployment),
            live(SourceId::Pods),
        ],
        60 => vec![Observation::PodGone(PodUid(SHORT[0].into()))],
        61 => vec![Observation::Pod(waiting_pod("new", 538, "ImagePullBackOff"))],
        120 => vec![failing(SourceId::Pods, ProblemKind::Reset, "the network is gone")],
        200 => vec![Observation::Pod(pod("new", 402)), live(SourceId::Pods)],
        // A sign of life every few seconds, less than half of which are written.
        _ if second % 3 == 0 && !(120..200).contains(&second) => {
            vec![live(SourceId::Pods), live(SourceId::Deployment)]
        }
        _ => Vec::new(),
    }
}

/// What the operator did.
fn done(second: i64) -> Option<Entry> {
    match second {
        90 => Some(Entry::Ticked {
            step: "error-tracker".to_owned(),
            note: "nothing new".into(),
        }),
        100 => Some(Entry::Note {
            text: "called the registry's team".into(),
        }),
        250 => Some(Entry::Sop {
            id: "api-down".to_owned(),
            alert: None,
        }),
        LEFT => Some(Entry::Left { how: "q".into() }),
        JOINED => Some(Entry::Joined(by())),
        _ => None,
    }
}

/// The record, and what was found in each second that a console ran.
pub(crate) fn incident() -> (Vec<Line>, BTreeMap<i64, Snapshot>) {
    let mut live = Live::start();
    for second in (1..=LEFT).chain(JOINED..=END) {
        for observation in sources(second) {
            live.tell(second, observation);
        }
        if let Some(entry) = done(second) {
            if second == JOINED {
                live.go_on();
            }
            if let Entry::Sop { id, .. } = &entry {
                live.app.checklist.sop.clone_from(id);
            }
            live.write(second, entry);
        }
        live.tick(second);
    }
    live.write(END, Entry::Closed(by()));
    (live.lines, live.found)
}

/// The same, where each finding is worded otherwise.
pub(crate) fn reworded() -> Vec<Line> {
    let (mut lines, _) = incident();
    for line in &mut lines {
        let Entry::Snapshot(found) = &mut line.entry else {
            continue;
        };
        found.recommendation.because = vec!["in other words".into()];
        found
            .not_ruled_out
            .iter_mut()
            .for_each(|(_, missing)| *missing = safe!("{missing}, in other words"));
        for step in &mut found.steps {
            step.value = "in other words".into();
            step.evidence.clear();
        }
    }
    lines
}

/// The same, where one finding says what was never found.
pub(crate) fn doctored() -> Vec<Line> {
    let (mut lines, _) = incident();
    let found = lines.iter_mut().find_map(|line| match &mut line.entry {
        Entry::Snapshot(found) if line.at == at(60) => Some(found),
        _ => None,
    });
    let found = found.unwrap();
    found.recommendation.action = sopwatch_core::profile::rule::Advice::Escalate;
    found.steps[0].status = StepStatus::Unknown;
    lines
}
