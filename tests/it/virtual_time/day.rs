//! A day of kube's own watchers and log streams on a drill that is disturbed every quarter of an hour.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{AsyncBufReadExt as _, Stream, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector as reflect};
use kube::{Api, Client, ResourceExt as _};
use sopwatch_drill::{Drill, Scenario};

use crate::support::virtual_console::{NAMESPACE, drill};
use crate::support::virtual_time;

/// From one disturbance to the next.
const BETWEEN: u64 = 15;
/// How many there are: every trouble, and some again.
const DISTURBANCES: usize = 24 * 4;
/// From a disturbance to the look at what was seen of it: every back-off has ended, every pod settled.
const SETTLED: u64 = 12;

/// What disturbs, in turn, and after how many seconds the API is well again where it fails.
const TROUBLE: [(&str, u64); 19] = [
    ("delete_pods = 1", 0),
    ("api = 'expire_watches'", 0),
    ("crash_pods = 1", 0),
    ("api = 'reset_streams'", 0),
    ("scale = 4", 0),
    ("api = 'cut_logs'", 0),
    ("api = { answer = 429 }", 40),
    ("set_image = 'quay.io/app-sre/managed-services-api:5c1d0aa'", 0),
    ("api = 'refuse'", 15),
    ("delete_pods = 2", 0),
    ("api = { answer = 500 }", 20),
    ("scale = 3", 0),
    ("api = { restart = 8 }", 0),
    ("api = { latency = 900 }", 120),
    ("api = { answer = 503 }", 30),
    ("set_image = 'quay.io/app-sre/managed-services-api:9b598c7'", 0),
    ("api = { lossy = 30 }", 180),
    ("api = 'expire_watches'", 0),
    ("api = 'unauthorized'", 10),
];

fn scenario() -> Scenario {
    let mut text =
        "id = 'day'\ntitle = 'A day'\nstory = 's'\nsop = 'api-down'\n[deployment]\npods_age = '2m'\n"
            .to_owned();
    for (number, (what, for_seconds)) in TROUBLE.into_iter().cycle().take(DISTURBANCES).enumerate() {
        let at = (number as u64 + 1) * BETWEEN * 60;
        let _ = write!(text, "[[timeline]]\nat = '{at}s'\n{what}\n");
        if for_seconds > 0 {
            let heals = at + for_seconds;
            let _ = write!(text, "[[timeline]]\nat = '{heals}s'\napi_heals = true\n");
        }
    }
    Scenario::parse("day.toml", &text).unwrap()
}

#[test]
fn a_day_of_disturbances_leaves_no_watcher_and_no_log_stream_behind() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(scenario(), 3, &breath).await;
        let client = Client::new(drill.api().in_process(), NAMESPACE);
        let pods = Api::<Pod>::namespaced(client.clone(), NAMESPACE);
        let plain = Watched::start(&pods, watcher::Config::default());
        let streaming = Watched::start(&pods, watcher::Config::default().streaming_lists());
        let logs = Logs::default();
        let follower = tokio::spawn(logs.clone().follow_all(pods.clone(), plain.store.clone()));
        tokio::time::sleep(Duration::from_mins(SETTLED)).await;
        for number in 0..=DISTURBANCES {
            let at = format!("{} minutes after the start", number as u64 * BETWEEN + SETTLED);
            check(&drill, &pods, [&plain, &streaming], &logs, &at).await;
            tokio::time::sleep(Duration::from_mins(BETWEEN)).await;
        }
        follower.abort();
        let files = logs.files.lock().unwrap();
        assert!(
            files.len() > 15,
            "{} container instances came and went",
            files.len()
        );
        assert!(plain.seen.lock().unwrap().applied > 120);
    });
}

async fn check(drill: &Drill, pods: &Api<Pod>, watched: [&Watched; 2], logs: &Logs, at: &str) {
    let list = pods.list(&ListParams::default()).await.unwrap();
    let there: BTreeMap<_, _> = list.iter().map(identity).collect();
    for (way, watched) in ["list and watch", "streaming list"].into_iter().zip(watched) {
        let known: BTreeMap<_, _> = watched.store.state().iter().map(|pod| identity(pod)).collect();
        assert_eq!(known, there, "{way}, {at} ({:?})", drill.api().requests().last());
        let wrong = &watched.seen.lock().unwrap().wrong;
        assert!(wrong.is_empty(), "{way}, {at}: {wrong:#?}");
    }
    for pod in &list {
        let key = instance(pod).expect("every pod runs again by now");
        let newest = LogParams {
            since_seconds: Some(i64::try_from(BETWEEN * 60 + 60).unwrap()),
            ..log_params(false, None)
        };
        let whole = pods.logs(&key.0, &newest).await.unwrap();
        let whole: Vec<_> = whole.lines().map(str::to_owned).collect();
        let files = logs.files.lock().unwrap();
        let read = files
            .get(&key)
            .unwrap_or_else(|| panic!("{key:?} is not followed, {at}"));
        // A file that was rotated has lost its beginning.
        let first = whole
            .first()
            .and_then(|first| read.iter().rposition(|line| line == first));
        let first =
            first.unwrap_or_else(|| panic!("{key:?}, {at}: read {}, there {}", read.len(), whole.len()));
        let differs = read[first..]
            .iter()
            .zip(&whole)
            .position(|(read, there)| read != there);
        if let Some(differs) = differs {
            let from = differs.saturating_sub(2);
            let read: Vec<_> = read[first + from..].iter().take(5).collect();
            let there: Vec<_> = whole[from..].iter().take(5).collect();
            panic!("{key:?}, {at}: lines differ: read {read:#?}, there {there:#?}");
        }
        assert_eq!(read.len() - first, whole.len(), "{key:?}, {at}");
    }
}

/// Name, uid and version.
fn identity(pod: &Pod) -> (String, (String, u64)) {
    (pod.name_any(), (pod.uid().unwrap(), version(pod)))
}

fn version(pod: &Pod) -> u64 {
    pod.resource_version().unwrap().parse().unwrap()
}

/// What one watcher saw.
#[derive(Default)]
struct Seen {
    /// The version last applied of each pod, by uid.
    versions: BTreeMap<String, u64>,
    applied: u64,
    wrong: Vec<String>,
}

impl Seen {
    fn take(&mut self, event: &Event<Pod>) {
        match event {
            Event::Apply(pod) | Event::Delete(pod) => {
                self.applied += 1;
                self.move_on(pod, |last, version| last < version);
            }
            // A list shows again what is there.
            Event::InitApply(pod) => self.move_on(pod, |last, version| last <= version),
            Event::Init | Event::InitDone => {}
        }
    }

    fn move_on(&mut self, pod: &Pod, is_well: impl Fn(u64, u64) -> bool) {
        let version = version(pod);
        let last = self.versions.insert(pod.uid().unwrap(), version);
        if let Some(last) = last.filter(|last| !is_well(*last, version)) {
            self.wrong
                .push(format!("{}: {version} after {last}", pod.name_any()));
        }
    }
}

/// A reflector over a watcher that goes on for ever.
struct Watched {
    store: Store<Pod>,
    seen: Arc<Mutex<Seen>>,
}

impl Watched {
    fn start(pods: &Api<Pod>, config: watcher::Config) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (store, writer) = reflector::store();
        let events = watcher(pods.clone(), config).default_backoff();
        let witness = seen.clone();
        let events = events.inspect_ok(move |event| witness.lock().unwrap().take(event));
        tokio::spawn(forever(reflect(writer, events)));
        Self { store, seen }
    }
}

async fn forever(events: impl Stream<Item = Result<Event<Pod>, watcher::Error>>) {
    let mut events = std::pin::pin!(events);
    // Errors are the watcher's to get over.
    while events.next().await.is_some() {}
}

/// Pod and restart count of an instance of the service's container.
type Key = (String, i32);

/// What was read of each instance: time and line.
#[derive(Clone, Default)]
struct Logs {
    files: Arc<Mutex<BTreeMap<Key, Vec<String>>>>,
}

/// The instance that runs now.
fn instance(pod: &Pod) -> Option<Key> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let service = statuses.iter().find(|status| status.name == "service")?;
    service.state.as_ref()?.running.as_ref()?;
    Some((pod.name_any(), service.restart_count))
}

fn log_params(follow: bool, since: Option<Timestamp>) -> LogParams {
    LogParams {
        container: Some("service".to_owned()),
        follow,
        timestamps: true,
        since_time: since,
        ..LogParams::default()
    }
}

impl Logs {
    /// Follows every instance that begins to run.
    async fn follow_all(self, pods: Api<Pod>, store: Store<Pod>) {
        loop {
            for key in store.state().iter().filter_map(|pod| instance(pod)) {
                if self.files.lock().unwrap().contains_key(&key) {
                    continue;
                }
                self.files.lock().unwrap().insert(key.clone(), Vec::new());
                tokio::spawn(self.clone().follow(pods.clone(), store.clone(), key));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Follows one instance to its end, over as many streams as it takes.
    async fn follow(self, pods: Api<Pod>, store: Store<Pod>, key: Key) {
        loop {
            // The API knows whole seconds: what is left of one would be rounded, up too, and the lines of that half second be missed.
            let since = self.files.lock().unwrap()[&key]
                .last()
                .map(|line| Timestamp::from_second(at(line).as_second()).unwrap());
            let ended = match pods.log_stream(&key.0, &log_params(true, since)).await {
                Ok(stream) => self.read(&key, stream.lines()).await,
                Err(_) => false,
            };
            let now = store
                .state()
                .iter()
                .filter_map(|pod| instance(pod))
                .find(|now| now.0 == key.0);
            if ended || now.as_ref() != Some(&key) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Reads on where the last stream ended: what both have is told again. Returns whether the instance has ended.
    async fn read(&self, key: &Key, lines: impl Stream<Item = std::io::Result<String>>) -> bool {
        let last = self.files.lock().unwrap()[key].last().map(|line| at(line));
        let of_last = |lines: &[String]| {
            lines
                .iter()
                .rev()
                .take_while(|line| Some(at(line)) == last)
                .count()
        };
        let mut known = of_last(&self.files.lock().unwrap()[key]);
        let mut lines = std::pin::pin!(lines);
        while let Some(line) = lines.next().await {
            let Ok(line) = line else { return false };
            let moment = Some(at(&line));
            if moment < last {
                continue;
            }
            if moment == last && known > 0 {
                known -= 1;
                continue;
            }
            self.files.lock().unwrap().get_mut(key).unwrap().push(line);
        }
        true
    }
}

/// The kubelet's timestamp of a line.
fn at(line: &str) -> Timestamp {
    let (at, _) = line.split_once(' ').unwrap();
    at.parse().unwrap()
}

#[test]
fn an_hour_is_an_hour_by_the_drills_own_clock() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(scenario(), 3, &breath).await;
        let before = drill.clock().now();
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(
            drill.clock().now().duration_since(before),
            SignedDuration::from_hours(1)
        );
    });
}
