//! Logs: cut, resumed, rotated, stalled, forbidden, crashed, gone.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::json;

use super::clock::run;
use super::console::{Console, lines_of, log_of, pod, pod_in};
use super::fake::{Fake, Reply, failure, refused};
use crate::kubernetes::clock::{Instant, now};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{ProblemKind, SourceId, SourceState};

const SECOND: Duration = Duration::from_secs(1);

/// What a kubelet answers in place of a log, with a 200 and without a newline, and what kind of problem that is.
const NO_LOG: [(&str, ProblemKind); 5] = [
    (
        "unable to retrieve container logs for containerd://b91ca08d41b0a50d506ad4eac0f56e23952f67bf37cdd649e75c793736db0b46",
        ProblemKind::NotFound,
    ),
    (
        "failed to try resolving symlinks in path \"/var/log/pods/x/service/0.log\": lstat /var/log/pods/x: no such file or directory",
        ProblemKind::NotFound,
    ),
    (
        "failed to open log file \"/var/log/pods/x/service/0.log\": open /var/log/pods/x/service/0.log: permission denied",
        ProblemKind::NotFound,
    ),
    (
        "failed to get container status {\"\" \"\"}: rpc error: code = OutOfRange desc = EOF",
        ProblemKind::NotFound,
    ),
    (
        "failed to create fsnotify watcher: too many open files",
        ProblemKind::ServerError,
    ),
];

/// A server with one pod and some lines, three of them of one timestamp.
fn with_log() -> Fake {
    let fake = Fake::new();
    fake.apply("pods", pod("api-1"));
    for line in ["22:00.5Z a", "22:01.25Z b", "22:01.25Z c", "22:01.25Z b"] {
        fake.write("api-1", &format!("2026-11-22T08:{line}"));
    }
    fake
}

fn is_ended(observation: &Observation, id: &SourceId) -> bool {
    *observation == Observation::Source(id.clone(), SourceState::Ended)
}

fn is_calm(fake: &Fake, needle: &str) {
    let pauses = fake.pauses(needle);
    assert!(
        pauses.iter().all(|pause| *pause >= SECOND),
        "{needle}: {pauses:?}"
    );
}

#[test]
fn a_cut_log_is_resumed_without_loss_and_without_duplicates() {
    run(async {
        for error in [Some(ErrorKind::ConnectionReset), None] {
            let fake = with_log();
            let mut console = Console::on(&fake);
            console.line("c").await;
            console.settled().await;
            fake.cut_log("api-1", error);
            fake.write_unseen("api-1", "2026-11-22T08:22:01.25Z c");
            fake.write_unseen("api-1", "2026-11-22T08:22:01.3Z d");
            console.line("d").await;
            fake.write("api-1", "2026-11-22T08:22:09Z e");
            console.line("e").await;
            assert_eq!(
                console.lines("api-1"),
                ["a", "b", "c", "b", "c", "d", "e"],
                "cut by {error:?}"
            );
            let notes = console.notes();
            assert!(
                matches!(&notes[..], [(0, text)] if text.contains("nothing lost")),
                "{notes:?}"
            );
            let resumed = fake.asked("follow=true sinceTime=2026-11-22T08%3A22%3A01Z");
            assert_eq!(resumed.len(), 1);
            assert!(!resumed[0].has("tailLines"));
        }
    });
}

#[test]
fn a_line_cut_in_the_middle_comes_once() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.log("api-1", |log| log.send_raw("2026-11-22T08:22:05Z half a l"));
        fake.cut_log("api-1", Some(ErrorKind::ConnectionReset));
        fake.write_unseen("api-1", "2026-11-22T08:22:05Z half a line");
        console.line("half a line").await;
        assert_eq!(console.lines("api-1"), ["a", "b", "c", "b", "half a line"]);
    });
}

#[test]
fn a_log_rotated_while_cut_is_said_to_have_a_gap() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.cut_log("api-1", Some(ErrorKind::ConnectionReset));
        fake.log("api-1", |log| log.lines.clear());
        fake.write_unseen("api-1", "2026-11-22T08:23:00Z much later");
        console.line("much later").await;
        console.listen(SECOND).await;
        let notes = console.notes();
        assert!(
            matches!(&notes[..], [(1, text)] if text.contains("may be missing")),
            "{notes:?}"
        );
    });
}

#[test]
fn a_log_that_ends_at_once_again_and_again_is_not_hammered() {
    run(async {
        let fake = with_log();
        fake.always("log?", || Reply::Text(200, String::new()));
        let mut console = Console::on(&fake);
        console.fails(&log_of("api-1", 0), ProblemKind::Ended).await;
        console.listen(Duration::from_mins(2)).await;
        is_calm(&fake, "log?");
        fake.heal();
        console.line("a").await;
    });
}

#[test]
fn a_log_that_repeats_itself_and_ends_is_not_hammered_and_not_doubled() {
    run(async {
        let fake = with_log();
        fake.always("log? follow=true", || {
            Reply::Text(200, "2026-11-22T08:22:00Z again\n".into())
        });
        let mut console = Console::on(&fake);
        console.line("again").await;
        console.listen(Duration::from_mins(2)).await;
        is_calm(&fake, "log? follow=true");
        assert_eq!(console.lines("api-1"), ["again"]);
    });
}

#[test]
fn a_stalled_log_is_found_out_and_resumed() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.write_unseen("api-1", "2026-11-22T08:22:07Z unseen");
        let since = now();
        console.line("unseen").await;
        assert!(
            (now() - since) <= Duration::from_secs(13),
            "{:?}",
            (now() - since)
        );
        assert_eq!(console.lines("api-1"), ["a", "b", "c", "b", "unseen"]);
    });
}

#[test]
fn a_quiet_log_is_checked_and_stays_live() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.forget_asked();
        console.told.clear();
        console.listen(Duration::from_mins(1)).await;
        let checks = fake.asked("log? tailLines=1").len();
        assert!((5..=6).contains(&checks), "{checks} checks a minute");
        assert_eq!(
            fake.asked("follow=true")
                .iter()
                .filter(|asked| asked.has("log?"))
                .count(),
            0,
            "the stream is kept"
        );
        let live = console
            .told
            .iter()
            .filter(|(_, observation)| {
                *observation == Observation::Source(log_of("api-1", 0), SourceState::Live)
            })
            .count();
        assert_eq!(live, checks);
    });
}

#[test]
fn new_pods_are_followed_and_a_waiting_container_is_no_failure() {
    run(async {
        let fake = Fake::new();
        fake.write("api-2", "2026-11-22T09:00:09Z hello");
        let waits = failure(
            400,
            "BadRequest",
            "container \"service\" in pod \"api-2\" is waiting to start: ContainerCreating",
        );
        fake.always("api-2/log?", move || Reply::Json(400, waits.clone()));
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.apply(
            "pods",
            pod_in(
                "api-2",
                0,
                &json!({"waiting": {"reason": "ContainerCreating"}}),
                &json!({}),
            ),
        );
        console.listen(Duration::from_secs(20)).await;
        assert_eq!(fake.asked("api-2/log?").len(), 0, "nothing to read yet");
        // It runs, and the server knows a little later than the pod.
        fake.apply("pods", pod("api-2"));
        console.listen(Duration::from_secs(20)).await;
        assert_eq!(fake.asked("api-2/log?").len(), 1, "asked once, then waited");
        fake.heal();
        fake.apply("pods", pod("api-2"));
        console.line("hello").await;
        assert_eq!(console.failures(&log_of("api-2", 0)), 0);
    });
}

#[test]
fn a_crash_is_read_to_its_end_and_the_next_instance_from_its_start() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.line("c").await;
        console.settled().await;
        fake.write("api-1", "2026-11-22T08:22:02Z panic: out of luck");
        fake.end_log("api-1", true);
        fake.write("api-1", "2026-11-22T08:22:03Z started anew");
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        let running = json!({"running": {"startedAt": "2026-11-22T08:22:03Z"}});
        fake.apply("pods", pod_in("api-1", 1, &running, &crashed));
        console.line("started anew").await;
        console
            .since(0, "the end of the first", |observation| {
                is_ended(observation, &log_of("api-1", 0))
            })
            .await;
        console.listen(Duration::from_secs(5)).await;
        assert_eq!(
            console.lines("api-1"),
            ["a", "b", "c", "b", "panic: out of luck", "started anew"]
        );
    });
}

#[test]
fn the_instance_before_a_restart_is_read_once() {
    run(async {
        let fake = with_log();
        fake.log("api-1", |log| {
            log.previous = (0..600)
                .map(|n| format!("2026-11-22T08:21:00Z before {n}"))
                .collect();
        });
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        let running = json!({"running": {"startedAt": "2026-11-22T08:22:00Z"}});
        fake.apply("pods", pod_in("api-1", 3, &running, &crashed));
        let mut console = Console::on(&fake);
        console
            .since(0, "its end", |observation| {
                is_ended(observation, &log_of("api-1", 2))
            })
            .await;
        console.line("before 599").await;
        console.listen(Duration::from_mins(1)).await;
        assert_eq!(fake.asked("previous=true tailLines=500").len(), 1);
        assert_eq!(fake.asked("previous=true").len(), 1);
        let read = console
            .lines("api-1")
            .iter()
            .filter(|line| line.starts_with("before"))
            .count();
        assert_eq!(read, 500);
    });
}

/// Whether anything that was told of a log says that it was read.
fn is_told_as_read(observation: &Observation, id: &SourceId) -> bool {
    match observation {
        Observation::Log(batch) => SourceId::Log(batch.source.clone()) == *id,
        Observation::Source(of, state) => {
            of == id
                && matches!(
                    state,
                    SourceState::Live | SourceState::Resting | SourceState::Ended
                )
        }
        _ => false,
    }
}

#[test]
fn what_a_kubelet_says_in_place_of_the_log_is_no_log() {
    run(async {
        for (words, kind) in NO_LOG {
            let fake = Fake::new();
            fake.apply("pods", pod("api-1"));
            fake.always("log?", move || Reply::Text(200, words.into()));
            let mut console = Console::on(&fake);
            let id = log_of("api-1", 0);
            let problem = console.fails(&id, kind).await;
            assert!(problem.what.contains(&words[..40]), "{problem}");
            assert!(problem.advice.is_some(), "{problem}");
            console.listen(Duration::from_mins(1)).await;
            is_calm(&fake, "log?");
            let read = console
                .told
                .iter()
                .find(|(_, observation)| is_told_as_read(observation, &id));
            assert_eq!(read, None, "{words}");
            // It was for a moment.
            fake.heal();
            fake.write("api-1", "2026-11-22T08:22:00Z hello");
            let healed = console.told.len();
            console.line("hello").await;
            let live = Observation::Source(id.clone(), SourceState::Live);
            console
                .since(healed, "it works again", |observation| *observation == live)
                .await;
        }
    });
}

#[test]
fn what_a_kubelet_says_in_place_of_an_ended_log_is_neither_its_last_words_nor_its_end() {
    run(async {
        let crashed =
            json!({"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": "2026-11-22T08:59:00Z"}});
        let running = json!({"running": {"startedAt": "2026-11-22T08:59:00Z"}});
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        // The instance before the one that runs, one that is over, and one that is waited to be started again.
        let instances = [
            (1, &running, &crashed, 0),
            (0, &crashed, &json!({}), 0),
            (4, &waits, &crashed, 4),
        ];
        let refusal = |words: &str| Reply::Json(400, failure(400, "BadRequest", words));
        let words = NO_LOG.map(|(words, _)| words);
        let answers = words.iter().flat_map(|words| [(*words, true), (*words, false)]);
        for ((words, well), (restarts, state, last, of)) in
            answers.flat_map(|answer| instances.map(|instance| (answer, instance)))
        {
            let fake = with_log();
            fake.log("api-1", |log| {
                log.previous = vec!["2026-11-22T08:21:00Z panic: last words".into()];
            });
            fake.rule("log?", move |asked| {
                let ended = asked.has("previous=true") || restarts != 1;
                let answer = || {
                    if well {
                        Reply::Text(200, words.into())
                    } else {
                        refusal(words)
                    }
                };
                ended.then(answer)
            });
            if restarts != 1 {
                fake.end_log("api-1", false);
            }
            fake.apply("pods", pod_in("api-1", restarts, state, last));
            let mut console = Console::on(&fake);
            let id = log_of("api-1", of);
            console.listen(Duration::from_mins(1)).await;
            assert!(console.failures(&id) > 0, "{words}");
            let read = console
                .told
                .iter()
                .find(|(_, observation)| is_told_as_read(observation, &id));
            assert_eq!(read, None, "{words}");
            let asked = if of == 0 && restarts == 1 {
                "previous=true"
            } else {
                "log?"
            };
            is_calm(&fake, asked);
            fake.forget_asked();
            console.listen(Duration::from_mins(5)).await;
            assert!(fake.asked(asked).len() <= 26, "{}", fake.asked(asked).len());
            // The node's runtime was down, and is back.
            fake.heal();
            console
                .until("its end", |observation| is_ended(observation, &id))
                .await;
            let last = if restarts == 1 { "panic: last words" } else { "b" };
            assert!(console.lines("api-1").contains(&last.to_owned()));
        }
    });
}

#[test]
fn what_a_kubelet_says_after_the_last_line_says_why_it_does_not_go_on() {
    run(async {
        let fake = Fake::new();
        fake.apply("pods", pod("api-1"));
        let words = NO_LOG[4].0;
        fake.always("log? follow=true", move || {
            Reply::Text(
                200,
                format!("2026-11-22T08:22:00Z a\n2026-11-22T08:22:01Z b\n{words}"),
            )
        });
        let mut console = Console::on(&fake);
        let problem = console.fails(&log_of("api-1", 0), ProblemKind::ServerError).await;
        assert!(problem.what.contains("too many open files"), "{problem}");
        assert!(
            problem
                .advice
                .is_some_and(|advice| advice.contains("max_user_instances")),
            "the limit that is reached"
        );
        console.listen(Duration::from_mins(1)).await;
        is_calm(&fake, "log? follow=true");
        assert_eq!(console.lines("api-1"), ["a", "b"]);
    });
}

#[test]
fn a_log_that_was_followed_to_its_end_is_read_though_the_container_was_removed_at_once() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.line("c").await;
        console.settled().await;
        fake.write("api-1", "2026-11-22T08:22:02Z panic: out of luck");
        fake.always("previous=true", || Reply::Text(200, NO_LOG[0].0.into()));
        fake.end_log("api-1", true);
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        let running = json!({"running": {"startedAt": "2026-11-22T08:22:03Z"}});
        fake.apply("pods", pod_in("api-1", 1, &running, &crashed));
        console
            .since(0, "the end of the first", |observation| {
                is_ended(observation, &log_of("api-1", 0))
            })
            .await;
        assert_eq!(fake.asked("previous=true").len(), 1);
        assert_eq!(console.failures(&log_of("api-1", 0)), 0);
        assert_eq!(console.lines("api-1"), ["a", "b", "c", "b", "panic: out of luck"]);
    });
}

#[test]
fn a_log_that_was_followed_to_its_end_is_read_though_the_pod_says_late_that_it_ended() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.line("c").await;
        console.settled().await;
        fake.write("api-1", "2026-11-22T08:22:02Z panic: out of luck");
        fake.end_log("api-1", false);
        console.listen(Duration::from_secs(10)).await;
        fake.always("log?", || Reply::Text(200, NO_LOG[0].0.into()));
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        fake.apply("pods", pod_in("api-1", 0, &crashed, &json!({})));
        console
            .since(0, "its end", |observation| {
                is_ended(observation, &log_of("api-1", 0))
            })
            .await;
        assert_eq!(console.lines("api-1"), ["a", "b", "c", "b", "panic: out of luck"]);
        assert!(console.notes().iter().all(|(missed, _)| *missed == 0));
    });
}

#[test]
fn last_lines_that_nobody_could_read_are_said_to_be_missing() {
    run(async {
        let fake = with_log();
        fake.always("previous=true", || Reply::Text(200, NO_LOG[0].0.into()));
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        let running = json!({"running": {"startedAt": "2026-11-22T08:22:03Z"}});
        fake.apply("pods", pod_in("api-1", 1, &running, &crashed));
        let mut console = Console::on(&fake);
        console.fails(&log_of("api-1", 0), ProblemKind::NotFound).await;
        fake.apply("pods", pod_in("api-1", 2, &running, &crashed));
        console
            .since(0, "its end", |observation| {
                is_ended(observation, &log_of("api-1", 0))
            })
            .await;
        let notes = console.notes();
        assert!(
            matches!(&notes[..], [(1, text)] if text.contains("unable to retrieve container logs")),
            "{notes:?}"
        );
    });
}

#[test]
fn a_check_that_the_kubelet_does_not_answer_with_a_line_is_no_sign_of_life() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.always("tailLines=1", || Reply::Text(200, NO_LOG[0].0.into()));
        let id = log_of("api-1", 0);
        let problem = console.fails(&id, ProblemKind::NotFound).await;
        assert!(problem.what.contains("unable to retrieve"), "{problem}");
        console.told.clear();
        console.listen(Duration::from_secs(30)).await;
        let read = console
            .told
            .iter()
            .find(|(_, observation)| is_told_as_read(observation, &id));
        assert_eq!(read, None);
        fake.heal();
        console.live(&id).await;
    });
}

#[test]
fn a_long_last_line_that_the_node_keeps_in_pieces_is_no_stalled_stream() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        let pieces = [
            "2026-11-22T08:22:05.1Z one ",
            "2026-11-22T08:22:05.2Z long ",
            "2026-11-22T08:22:06.3Z line",
        ];
        fake.write_in_pieces("api-1", &pieces);
        console.line("one long line").await;
        console.listen(Duration::from_secs(30)).await;
        fake.forget_asked();
        let notes = console.notes().len();
        console.listen(Duration::from_mins(5)).await;
        let opened = fake.asked("log? follow=true").len();
        assert_eq!((opened, console.notes().len() - notes), (0, 0));
        assert!(notes <= 1, "{:?}", console.notes());
        assert_eq!(fake.followed(), ["api-1"]);
        // One that is really stalled is still found out.
        fake.write_unseen("api-1", "2026-11-22T08:22:06.4Z unseen");
        console.line("unseen").await;
        assert_eq!(
            console.lines("api-1"),
            ["a", "b", "c", "b", "one long line", "unseen"]
        );
    });
}

#[test]
fn the_rest_of_a_long_line_that_began_before_the_cut_s_second_is_not_read_again() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        let pieces = ["2026-11-22T08:22:05.9Z a long ", "2026-11-22T08:22:06.1Z line"];
        fake.write_in_pieces("api-1", &pieces);
        fake.write("api-1", "2026-11-22T08:22:06.2Z after");
        console.line("after").await;
        fake.cut_log("api-1", Some(ErrorKind::ConnectionReset));
        fake.write_unseen("api-1", "2026-11-22T08:22:09Z later");
        console.line("later").await;
        assert_eq!(
            console.lines("api-1"),
            ["a", "b", "c", "b", "a long line", "after", "later"]
        );
        assert_eq!(console.failures(&log_of("api-1", 0)), 1, "the cut alone");
    });
}

#[test]
fn a_container_that_waits_after_a_crash_shows_why() {
    run(async {
        let fake = with_log();
        fake.end_log("api-1", false);
        let crashed = json!({"terminated": {"exitCode": 2, "reason": "Error"}});
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        fake.apply("pods", pod_in("api-1", 4, &waits, &crashed));
        let mut console = Console::on(&fake);
        console
            .since(0, "its end", |observation| {
                is_ended(observation, &log_of("api-1", 4))
            })
            .await;
        console.listen(Duration::from_mins(1)).await;
        assert_eq!(console.lines("api-1"), ["a", "b", "c", "b"]);
        assert_eq!(fake.asked("log?").len(), 1);
    });
}

#[test]
fn one_pods_forbidden_log_leaves_the_others() {
    run(async {
        let fake = with_log();
        fake.apply("pods", pod("api-2"));
        fake.always("api-2/log?", || refused(403, "Forbidden"));
        let mut console = Console::on(&fake);
        let problem = console.fails(&log_of("api-2", 0), ProblemKind::Forbidden).await;
        assert!(
            problem
                .what
                .starts_with("read the log of api-2/service in managed-services-stage"),
            "{problem}"
        );
        console.line("c").await;
        console.listen(Duration::from_mins(5)).await;
        let pauses = fake.pauses("api-2/log?");
        assert!(
            !pauses.is_empty() && pauses.iter().all(|pause| *pause >= Duration::from_secs(30)),
            "{pauses:?}"
        );
        assert_eq!(console.failures(&log_of("api-1", 0)), 0);
        fake.heal();
        fake.write("api-2", "2026-11-22T09:10:00Z allowed now");
        console.line("allowed now").await;
    });
}

#[test]
fn the_last_words_of_a_dying_pod_are_kept() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.delete("pods", "uid-api-1");
        console
            .until("the pod is gone", |observation| {
                matches!(observation, Observation::PodGone(_))
            })
            .await;
        console.listen(Duration::from_secs(5)).await;
        fake.write("api-1", "2026-11-22T09:00:08Z goodbye");
        console.line("goodbye").await;
        fake.forget_asked();
        console
            .since(0, "the end", |observation| {
                is_ended(observation, &log_of("api-1", 0))
            })
            .await;
        assert_eq!(
            fake.asked("log?").len(),
            0,
            "nobody asks for the log of a pod that is gone"
        );
    });
}

#[test]
fn each_line_of_a_log_that_never_pauses_is_shown_within_a_second() {
    run(async {
        // With a header at its start, and without any.
        for first in ["I1122 09:00:01.000000       1 a.go:1] begins", "begins"] {
            let fake = with_log();
            let mut console = Console::on(&fake);
            console.settled().await;
            console.told.clear();
            let mut written = vec![(now(), first.to_owned())];
            fake.write("api-1", &format!("{:.9} {first}", fake.clock()));
            for number in 0..250 {
                console.listen(Duration::from_millis(20)).await;
                let line = format!("plain line {number}");
                fake.write("api-1", &format!("{:.9} {line}", fake.clock()));
                written.push((now(), line));
            }
            console.listen(SECOND).await;
            let told = console.told.iter().flat_map(|(at, observation)| {
                let records = lines_of(observation, "api-1");
                let lines: Vec<_> = records
                    .iter()
                    .flat_map(|text| text.lines())
                    .map(str::to_owned)
                    .collect();
                lines.into_iter().map(|line| (*at, line))
            });
            let told: Vec<_> = told.collect();
            let lines =
                |of: &[(Instant, String)]| of.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>();
            assert_eq!(lines(&told), lines(&written));
            let late =
                |(told, written): &(&(Instant, String), &(Instant, String))| told.0 - written.0 > SECOND;
            assert_eq!(told.iter().zip(&written).find(late), None);
        }
    });
}

#[test]
fn hostile_bytes_in_a_log_are_shown_and_not_sent() {
    run(async {
        let fake = with_log();
        let mut console = Console::on(&fake);
        console.settled().await;
        fake.write("api-1", "2026-11-22T08:22:09Z \u{1b}]52;c;AAAA\u{7}evil");
        console.line("␛]52;c;AAAA␇evil").await;
    });
}
