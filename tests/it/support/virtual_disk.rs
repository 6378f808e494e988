//! What a console in virtual time records, and its sudden end.

use std::sync::{Arc, Mutex};

use sopwatch::journal::WriteRequest;
use sopwatch_console::app::App;
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::record::{Began, Entry, Line, VERSION, Writer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Lines of a record.
pub type RecordStatus = Arc<Mutex<Vec<Line>>>;

/// Keeps what is written as a disk would that never fails, until the console is killed.
#[derive(Clone, Default)]
pub struct Disk {
    pub lines: RecordStatus,
    /// Writes that tell something until the console is killed; `None`: it is not.
    left: Arc<Mutex<Option<usize>>>,
    /// When it was.
    pub killed: CancellationToken,
}

impl Disk {
    /// The console is killed at its n-th write from now that tells something.
    pub fn kill_at_write(&self, n: usize) {
        *self.left.lock().unwrap() = Some(n);
    }

    /// Keeps what is asked for.
    pub async fn collect(self, mut requests: mpsc::Receiver<WriteRequest>) {
        while let Some(request) = requests.recv().await {
            match request {
                WriteRequest::Write(lines) => lines.into_iter().for_each(|line| self.keep(line)),
                WriteRequest::Commit(line, answer) => {
                    self.keep(line);
                    if !self.killed.is_cancelled() {
                        let _ = answer.send(Ok(()));
                    }
                }
                WriteRequest::Flush(answer) => {
                    let _ = answer.send(());
                }
                WriteRequest::Lost(lost) => panic!("{lost} lines found no room"),
            }
        }
    }

    fn keep(&self, line: Line) {
        if self.killed.is_cancelled() {
            return;
        }
        if let Some(left) = self.left.lock().unwrap().as_mut().filter(|_| tells(&line)) {
            *left -= 1;
            if *left == 0 {
                self.killed.cancel();
            }
        }
        self.lines.lock().unwrap().push(line);
    }
}

/// Whether a line is more than one of the many that come while nothing happens.
fn tells(line: &Line) -> bool {
    match &line.entry {
        Entry::LeftOut { .. } => false,
        Entry::Observation(observation) => matches!(
            **observation,
            Observation::Pod(_) | Observation::PodGone(_) | Observation::Deployment(_)
        ),
        _ => true,
    }
}

/// The first line of a console's record.
pub fn began(app: &App) -> Line {
    let session = &app.session;
    let began = Began {
        record: VERSION,
        by: writer(),
        profile: (*session.profile).clone(),
        environment: session.environment.clone(),
        namespace: session.namespace.clone(),
        server: "https://api.stage:6443".into(),
        sop: app.checklist.sop.clone(),
        drill: session.drill.clone(),
        speed: None,
        read_only: session.read_only,
    };
    Line {
        at: session.started_at,
        entry: Entry::Began(Box::new(began)),
    }
}

fn writer() -> Writer {
    Writer {
        user: "oncall".into(),
        host: "bastion".into(),
        pid: 1,
        version: "0".to_owned(),
    }
}
