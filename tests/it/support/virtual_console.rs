//! The console's core on a drill in virtual time: all of it but the terminal, over the drill's API in this process and its database's
//! Unix socket.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use sopwatch::config::profiles;
use sopwatch::journal::Journal;
use sopwatch::kubernetes::{ConnectOptions, Target};
use sopwatch::monitoring::{
    AlertsOptions, ClusterService, Credential, Location, MetricsOptions, MonitoringOptions, Now,
    RulesOptions, Server, ServiceFilter, TrackerOptions,
};
use sopwatch::net::proxy::ProxyVariables;
use sopwatch::postgres::DatabaseOptions;
use sopwatch::runtime::clipboard::Clipboard;
use sopwatch::runtime::clock::Clock;
use sopwatch::runtime::console::Console;
use sopwatch::runtime::recorder::IncidentRecorder;
use sopwatch::runtime::sources::{self, Sources};
use sopwatch::runtime::tasks::Tasks;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_console::app::{App, Session};
use sopwatch_console::keymap::{Key, Keymap};
use sopwatch_console::screen::Theme;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::monitoring::Monitoring;
use sopwatch_core::profile::monitoring::matcher::Matcher;
use sopwatch_core::record::Line;
use sopwatch_drill::{Drill, Options, Scenario};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::virtual_disk::{Disk, RecordStatus};
use super::virtual_time::Breath;

/// The namespace of every drill.
pub const NAMESPACE: &str = "managed-services-stage";
/// Time passes on the screen at least so often.
const TICK: Duration = Duration::from_millis(500);

/// When every virtual drill starts.
pub fn start() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// A drill in virtual time.
pub async fn drill(scenario: Scenario, seed: u64, breath: &Breath) -> (Drill, TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        scenario,
        start: start(),
        speed: 1.0,
        seed,
        folder: folder.path().to_owned(),
    };
    let drill = Drill::start(options).await.unwrap();
    breath.listen(drill.database().heard());
    (drill, folder)
}

/// A console on a drill.
pub struct VirtualConsole {
    pub drill: Drill,
    pub console: Console,
    started: Instant,
    disk: Option<Disk>,
    tasks: Tasks,
    folder: TempDir,
}

impl VirtualConsole {
    /// The console on a scenario, with the scenario's SOP open.
    pub async fn start(scenario: Scenario, seed: u64, breath: &Breath) -> Self {
        Box::pin(Self::start_with(scenario, seed, breath, None)).await
    }

    /// The same with the scenario's Prometheus, Alertmanager and error tracker, which are asked through the API server in this process.
    pub async fn start_monitored(scenario: Scenario, seed: u64, breath: &Breath) -> Self {
        let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
        Box::pin(Self::start_with(
            scenario,
            seed,
            breath,
            Some(through_the_cluster(&profile)),
        ))
        .await
    }

    async fn start_with(
        scenario: Scenario,
        seed: u64,
        breath: &Breath,
        monitoring: Option<MonitoringOptions>,
    ) -> Self {
        let (title, sop) = (scenario.title.clone(), scenario.sop.clone());
        let started = Instant::now();
        let (drill, folder) = drill(scenario, seed, breath).await;
        let (console, tasks) = console_with(&drill, &folder, &title, &sop, monitoring);
        Self {
            drill,
            console,
            started,
            disk: None,
            tasks,
            folder,
        }
    }

    /// From now on all is judged every half second and recorded: the lines as they come.
    pub fn record(&mut self) -> RecordStatus {
        let (journal, requests) = Journal::new();
        self.console.record(IncidentRecorder::new(journal));
        let disk = Disk::default();
        tokio::spawn(disk.clone().collect(requests));
        let lines = disk.lines.clone();
        self.disk = Some(disk);
        lines
    }

    /// With its n-th write from now that tells something the console is killed: it does nothing more, and hears of nothing.
    pub fn kill_at_write(&mut self, n: usize) {
        self.disk.as_ref().unwrap().kill_at_write(n);
    }

    /// Whether it was.
    pub fn is_killed(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.killed.is_cancelled())
    }

    /// Another console, in the place of this one, goes on with what it recorded: the lines.
    pub fn go_on_with(&mut self, lines: Vec<Line>) {
        self.tasks.cancel.cancel();
        let session = &self.console.app.session;
        let title = session.drill.clone().unwrap();
        let sop = self.console.app.checklist.sop.clone();
        (self.console, self.tasks) = fresh_console(&self.drill, &self.folder, &title, &sop);
        self.record();
        self.console.take(Event::Outcome(Outcome::Opened {
            file: "the-record.jsonl".into(),
            lines,
            instead: None,
        }));
    }

    /// Presses keys, as the configuration names them.
    pub fn press(&mut self, keys: &str) {
        for key in Key::parse_all(keys).unwrap() {
            self.console.take(Event::Key(key.into()));
        }
    }

    /// Confirms the change that is asked about: moves to the other button and presses it.
    pub fn confirm(&mut self) {
        self.press("right enter");
    }

    /// Lets the console run until so long after the start, and judge.
    pub async fn run_until(&mut self, after: SignedDuration) {
        let end = self.started + Duration::try_from(after).unwrap();
        let mut tick = Instant::now();
        while Instant::now() < end && !self.is_killed() {
            tick = tick.max(Instant::now()) + TICK;
            self.run_to(tick.min(end)).await;
            if self.disk.is_some() {
                self.console.judge();
            }
        }
        self.console.judge();
    }

    async fn run_to(&mut self, moment: Instant) {
        let killed = self
            .disk
            .as_ref()
            .map(|disk| disk.killed.clone())
            .unwrap_or_default();
        loop {
            tokio::select! {
                biased;
                () = killed.cancelled() => return,
                event = self.console.next() => {
                    self.console.take(event.expect("the console holds a sender itself"));
                }
                () = sleep_until(moment) => break,
            }
        }
        self.console.take(Event::Tick);
    }

    /// The cluster's pods, as its administrator sees them.
    pub fn pods(&self) -> Api<Pod> {
        let client = Client::new(self.drill.api().in_process(), NAMESPACE);
        Api::namespaced(client, NAMESPACE)
    }

    /// The uids of the pods that are there and not ending.
    pub async fn living(&self) -> BTreeSet<String> {
        let list = self.pods().list(&ListParams::default()).await.unwrap();
        let living = list
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        living.map(|pod| pod.uid().unwrap()).collect()
    }

    /// What the console shows.
    pub fn app(&self) -> &App {
        &self.console.app
    }
}

/// The scenario's monitoring servers behind the API server's service proxy.
fn through_the_cluster(profile: &Profile) -> MonitoringOptions {
    let monitoring = profile.monitoring.as_ref().unwrap();
    let server = |name: &str| Server {
        location: Location::Service(ClusterService {
            namespace: "openshift-customer-monitoring".to_owned(),
            name: name.to_owned(),
            path: String::new(),
        }),
        credential: Credential::None,
        ca_file: None,
        proxies: ProxyVariables::default(),
        limit: Duration::from_secs(8),
    };
    let matchers = |texts: &Vec<String>| -> Vec<Matcher> {
        let read = |text: &String| Matcher::parse(&Monitoring::in_namespace(text, NAMESPACE)).unwrap();
        texts.iter().map(read).collect()
    };
    let filter = ServiceFilter(monitoring.alerts.filters.iter().map(matchers).collect());
    MonitoringOptions {
        metrics: Some(MetricsOptions {
            server: server("prometheus-app-sre:9090"),
            tenancy: None,
            queries: monitoring.queries(profile, NAMESPACE),
            rules: Some(RulesOptions {
                server: server("prometheus-app-sre:9090"),
                filter: filter.clone(),
            }),
        }),
        cluster_metrics: None,
        alerts: Some(AlertsOptions {
            server: server("alertmanager-app-sre:9093"),
            filter,
            always_firing: matchers(&monitoring.alerts.always_firing),
        }),
        tracker: Some(TrackerOptions {
            server: server("glitchtip:8000"),
            organisation: "managed-services".to_owned(),
            project: NAMESPACE.to_owned(),
            environment: Some("stage".to_owned()),
        }),
        now: Now(Arc::new(start)),
    }
}

/// A console that begins to look at a drill now, and its background tasks.
pub fn fresh_console(drill: &Drill, folder: &TempDir, title: &str, sop: &str) -> (Console, Tasks) {
    console_with(drill, folder, title, sop, None)
}

fn console_with(
    drill: &Drill,
    folder: &TempDir,
    title: &str,
    sop: &str,
    monitoring: Option<MonitoringOptions>,
) -> (Console, Tasks) {
    let profile = Arc::new(profiles::built_in("managed-services-api").unwrap().unwrap());
    let clock = drill.clock();
    let clock = Clock::new(move || clock.now());
    let session = Session {
        environment: profile.environment_of(NAMESPACE).cloned(),
        profile: profile.clone(),
        namespace: NAMESPACE.to_owned(),
        drill: Some(title.to_owned()),
        drill_shell_hints: Vec::new(),
        scenarios: Vec::new(),
        read_only: false,
        started_at: clock.now(),
    };
    let (sender, receiver) = mpsc::channel(64);
    let tasks = Tasks::default();
    let line = sources::start_over(over(drill), read(profile, folder, monitoring), &tasks, &sender);
    let app = App::new(session, sop, Keymap::default());
    let theme = Theme::named("dark", true, false).unwrap();
    let console = Console::new(app, theme, clock, (sender, receiver), line, Clipboard::default());
    (console, tasks)
}

/// A client of the drill's API without sockets, and where it leads.
fn over(drill: &Drill) -> (Client, Target) {
    let target = Target {
        server: drill.api().url().into(),
        context: Some("drill".to_owned()),
        user: Some("oncall".to_owned()),
        namespace: NAMESPACE.to_owned(),
    };
    (Client::new(drill.api().in_process(), NAMESPACE), target)
}

/// What the console reads: the database by the credentials of the cluster's secret, through the socket in the drill's folder.
fn read(profile: Arc<Profile>, folder: &TempDir, monitoring: Option<MonitoringOptions>) -> Sources {
    let connect = ConnectOptions {
        kubeconfig: None,
        context: None,
        namespace: None,
        impersonate: None,
        request_timeout: Duration::from_secs(10),
    };
    let database = DatabaseOptions {
        host: Some(folder.path().to_str().unwrap().to_owned()),
        ..DatabaseOptions::default()
    };
    Sources {
        profile,
        connect,
        database: Ok(database),
        monitoring,
    }
}
