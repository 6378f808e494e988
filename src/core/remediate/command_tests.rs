//! How commands, their outcomes and what they are for are said.

use super::command::{Command, CommandOutcome, PlanKind, restart_mark};
use crate::observe::observation::PodUid;
use crate::profile::rule::Advice;
use crate::testkit::now;

#[test]
fn a_command_says_what_it_changes_what_it_did_and_how_it_is_done_by_hand() {
    let delete = Command::DeletePod {
        pod: "msa-x-2mgcp".into(),
        uid: PodUid("u".into()),
    };
    let roll_out = Command::RestartDeployment {
        deployment: "msa".into(),
        uid: "d".into(),
        resource_version: "1".into(),
        mark: now(),
    };
    let scale = Command::Scale {
        deployment: "msa".into(),
        uid: "d".into(),
        from: 3,
        to: 4,
        resource_version: "1".into(),
    };
    // object, words, words afterwards, by hand, what is typed to confirm it
    let cases = [
        (
            delete,
            "pod msa-x-2mgcp",
            "delete pod msa-x-2mgcp",
            "deleted pod msa-x-2mgcp",
            "oc -n msa-stage delete pod msa-x-2mgcp",
            "msa-x-2mgcp",
        ),
        (
            roll_out,
            "deployment msa",
            "rollout restart deployment msa",
            "restarted deployment msa by a rollout",
            "oc -n msa-stage rollout restart deployment/msa",
            "msa",
        ),
        (
            scale,
            "deployment msa",
            "scale deployment msa from 3 to 4 pods",
            "scaled deployment msa from 3 to 4 pods",
            "oc -n msa-stage scale deployment/msa --current-replicas=3 --replicas=4",
            "msa",
        ),
    ];
    for (command, object, words, past, by_hand, typed) in cases {
        assert_eq!(command.object(), object);
        assert_eq!(command.words(), words);
        assert_eq!(command.past_words(), past);
        assert_eq!(command.by_hand("msa-stage"), by_hand);
        assert_eq!(command.to_type(), typed);
    }
}

#[test]
fn a_restart_is_marked_with_its_second_as_kubectl_marks_it() {
    let at = now().checked_add(jiff::SignedDuration::from_millis(700)).unwrap();
    assert_eq!(restart_mark(at), "2021-01-15T14:00:00Z");
}

#[test]
fn an_outcome_says_what_came_of_a_command_and_why() {
    let cases = [
        (CommandOutcome::Applied { how: "seen".into() }, "applied", "seen"),
        (
            CommandOutcome::Refused { why: "rights".into() },
            "refused",
            "rights",
        ),
        (
            CommandOutcome::Failed {
                why: "no route".into(),
            },
            "failed",
            "no route",
        ),
        (
            CommandOutcome::Unknown { why: "cut".into() },
            "outcome unknown",
            "cut",
        ),
    ];
    for (outcome, name, reason) in cases {
        assert_eq!((outcome.name(), &**outcome.reason()), (name, reason));
    }
}

#[test]
fn each_kind_of_plan_has_its_words_and_the_advice_that_it_follows() {
    use PlanKind::{RestartAll, RestartPod, RestartRest, RollOut, ScaleDown, ScaleUp, Start};
    // words, the same where there is little room, the advice, whether it takes the leaders away
    let cases = [
        (
            RestartPod,
            "restart one pod",
            "restart",
            Advice::RestartPods,
            true,
        ),
        (
            RestartAll,
            "restart all pods, one by one",
            "restart all",
            Advice::RestartPods,
            true,
        ),
        (
            RestartRest,
            "restart the remaining pods, one by one",
            "restart remaining",
            Advice::RestartPods,
            true,
        ),
        (
            RollOut,
            "restart by a rollout",
            "roll out",
            Advice::RestartPods,
            true,
        ),
        (Start, "start the pods", "start", Advice::StartPods, false),
        (ScaleUp, "run more pods", "scale up", Advice::ScaleUp, false),
        (ScaleDown, "run fewer pods", "scale down", Advice::None, false),
    ];
    for (kind, words, short, advice, restarts) in cases {
        assert_eq!((kind.words(), kind.short_words()), (words, short));
        assert_eq!((kind.answers(), kind.is_restart()), (advice, restarts), "{words}");
    }
}
