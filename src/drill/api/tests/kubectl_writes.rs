//! `kubectl` writes, and the rights of the drill's users.

use super::kubectl::Kubectl;
use super::*;

const DEPLOYMENT: &str = "deploy/managed-services-api";

/// What a command must do: its exit status, and words of its output. POD is the first pod.
type Case = (&'static str, i32, &'static str);

async fn judge(drill: &Drill, home: &Path, cases: &[Case]) {
    let Some(kubectl) = Kubectl::for_drill(drill, home) else {
        return;
    };
    let pod = pod_names(drill).await.remove(0);
    for (line, exit, words) in cases {
        let (code, out, err) = kubectl.run(&line.replace("POD", &pod)).await;
        let said = format!("{out}{err}");
        assert_eq!(code, *exit, "{line}: {said}");
        assert!(said.contains(&words.replace("POD", &pod)), "{line}: {said}");
    }
}

/// Who may do what.
const USERS: &[Case] = &[
    (
        "--context readonly auth whoami",
        0,
        "system:serviceaccount:managed-services-stage:incident-readonly",
    ),
    ("--context readonly get pods", 0, "POD"),
    (
        "--context readonly delete pod POD",
        1,
        "Error from server (Forbidden): pods \"POD\" is forbidden: User \"system:serviceaccount:managed-services-stage:incident-readonly\" cannot delete resource \"pods\" in API group \"\" in the namespace \"managed-services-stage\"",
    ),
    ("--context admin auth can-i --list", 0, "*.*"),
    (
        "--context admin auth can-i delete nodes --all-namespaces",
        0,
        "yes",
    ),
    ("auth can-i get pods --subresource=log", 0, "yes"),
    ("auth can-i get secret/managed-services-api-rds", 0, "yes"),
    ("auth can-i get secret/other", 1, "no"),
    ("auth can-i get /version", 0, "yes"),
    ("auth can-i get /metrics", 1, "no"),
    ("auth can-i list pods -n other", 1, "no"),
    (
        "get pods -A",
        1,
        "cannot list resource \"pods\" in API group \"\" at the cluster scope",
    ),
    (
        "--as bob get pods",
        1,
        "Error from server (Forbidden): users \"bob\" is forbidden: User \"oncall@example.com\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
    ),
    (
        "--context admin --as bob get pods",
        1,
        "pods is forbidden: User \"bob\" cannot list resource \"pods\"",
    ),
    (
        "--context admin --as bob --as-group managed-services-sre get pods",
        0,
        "POD",
    ),
    (
        "--context admin --as oncall@example.com --as-group managed-services-sre auth can-i delete pods",
        0,
        "yes",
    ),
    (
        "exec POD -- id",
        1,
        "cannot create resource \"pods/exec\" in API group \"\"",
    ),
    (
        "port-forward POD 8080",
        1,
        "cannot create resource \"pods/portforward\" in API group \"\"",
    ),
    (
        "--context admin exec POD -- id",
        1,
        "error dialing backend: dial tcp 10.0.",
    ),
    (
        "--context admin exec POD -c nope -- id",
        1,
        "Error from server (BadRequest): container nope is not valid for pod POD",
    ),
    (
        "--context admin port-forward POD 8080",
        1,
        "error upgrading connection: error dialing backend",
    ),
    ("--context admin attach POD", 1, "error dialing backend"),
    ("top pods --containers --sort-by=cpu", 0, "service   "),
    ("top pods -l app=none", 0, "No resources found in"),
    (
        "top pod no-such-pod",
        1,
        "Error from server (NotFound): pods \"no-such-pod\" not found",
    ),
    (
        "get --raw /api/v1/namespaces/managed-services-stage/pods/POD:8080/proxy/metrics",
        0,
        "# TYPE api_inbound_request_count counter",
    ),
    (
        "--context readonly get --raw /api/v1/namespaces/managed-services-stage/pods/POD:8080/proxy/metrics",
        1,
        "cannot get resource \"pods/proxy\" in API group \"\"",
    ),
    ("--context readonly top pods --no-headers", 0, "Mi"),
    ("--context admin top nodes", 0, "ip-10-0-134-21.ec2.internal"),
    (
        "top nodes",
        1,
        "nodes.metrics.k8s.io is forbidden: User \"oncall@example.com\" cannot list resource \"nodes\" in API group \"metrics.k8s.io\"",
    ),
    (
        "debug POD --image=busybox --profile=general",
        1,
        "cannot patch resource \"pods/ephemeralcontainers\"",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_is_another_user_by_another_context_or_by_impersonation() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    judge(&drill, folder.path(), USERS).await;
}

/// What changes a deployment, one after the other.
const CHANGES: &[Case] = &[
    (
        "annotate deploy/managed-services-api note=x",
        1,
        "cannot patch resource \"deployments\" in API group \"apps\"",
    ),
    (
        "--context admin annotate deploy/managed-services-api note=x",
        0,
        "deployment.apps/managed-services-api annotated",
    ),
    (
        "get deploy managed-services-api -o jsonpath={.metadata.annotations.note}",
        0,
        "x",
    ),
    (
        "--context admin annotate deploy/managed-services-api note-",
        0,
        "annotated",
    ),
    (
        "--context admin label deploy/managed-services-api tier=api",
        0,
        "labeled",
    ),
    (
        "get deploy -l tier=api -o name",
        0,
        "deployment.apps/managed-services-api",
    ),
    (
        "--context admin patch deploy managed-services-api -p {\"spec\":{\"revisionHistoryLimit\":4}}",
        0,
        "patched",
    ),
    (
        "--context admin patch deploy managed-services-api --type merge -p {\"spec\":{\"revisionHistoryLimit\":4}}",
        0,
        "patched (no change)",
    ),
    (
        "--context admin patch deploy managed-services-api --type json -p [{\"op\":\"remove\",\"path\":\"/spec/none\"}]",
        1,
        "The request is invalid: the server rejected our request due to an error in our request",
    ),
    (
        "--context admin patch deploy managed-services-api -p {\"spec\":{\"replicas\":-1}}",
        1,
        "The Deployment \"managed-services-api\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    (
        "--context admin patch deploy managed-services-api -p {\"spec\":{\"size\":1}}",
        0,
        "Warning: unknown field \"spec.size\"",
    ),
    (
        "--context admin patch deploy managed-services-api -p {\"spec\":{\"replicas\":5}} --dry-run=server -o jsonpath={.spec.replicas}",
        0,
        "5",
    ),
    (
        "get deploy managed-services-api -o jsonpath={.spec.replicas}",
        0,
        "3",
    ),
    (
        "scale deploy/managed-services-api --replicas=3 --current-replicas=5",
        1,
        "error: Expected replicas to be 5, was 3",
    ),
    (
        "scale deploy/managed-services-api --replicas=3 --resource-version=5",
        1,
        "error: Expected resource version to be 5, was",
    ),
    (
        "scale deploy/managed-services-api --replicas=-1",
        1,
        "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
    ),
    (
        "--context admin rollout pause deploy/managed-services-api",
        0,
        "deployment.apps/managed-services-api paused",
    ),
    (
        "--context admin rollout restart deploy/managed-services-api",
        1,
        "can't restart paused deployment (run rollout resume first)",
    ),
    (
        "--context admin rollout resume deploy/managed-services-api",
        0,
        "deployment.apps/managed-services-api resumed",
    ),
    (
        "get deploy managed-services-api --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}",
        0,
        "kubectl-label kubectl-patch",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_changes_a_deployment_as_on_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    judge(&drill, folder.path(), CHANGES).await;
}

/// What reads, each in its own form.
const READS: &[Case] = &[
    (
        "get pods -o custom-columns=N:.metadata.name,P:.status.phase --no-headers",
        0,
        "POD   Running",
    ),
    (
        "get pods --sort-by=.metadata.name --field-selector status.phase=Running -o name",
        0,
        "pod/POD",
    ),
    ("get pod POD -o yaml", 0, "kind: Pod"),
    ("get pod POD -o yaml", 0, "qosClass: Burstable"),
    ("get pods -o json", 0, "\"kind\": \"List\""),
    ("get pods --chunk-size=1 -o name", 0, "pod/POD"),
    (
        "describe deploy managed-services-api",
        0,
        "RollingUpdateStrategy:  25% max unavailable, 25% max surge",
    ),
    (
        "describe rs -l app=managed-services-api",
        0,
        "Controlled By:  Deployment/managed-services-api",
    ),
    (
        "describe secret managed-services-api-rds",
        0,
        "db.host:      9 bytes",
    ),
    ("logs POD -c service --tail=1 --timestamps", 0, "2026-11-22T"),
    (
        "logs -l app=managed-services-api -c service --prefix --tail=1",
        0,
        "[pod/POD/service] ",
    ),
    ("logs POD --all-containers --tail=1", 0, "Migration finished"),
    ("logs POD -c service --since=1m --limit-bytes=5", 0, ""),
    (
        "logs deploy/managed-services-api -c migration",
        0,
        "Found 3 pods, using pod/",
    ),
    (
        "get secret managed-services-api-rds -o jsonpath={.data.db\\.host}",
        0,
        "MTI3LjAuMC4x",
    ),
    (
        "wait --for=condition=Available deploy/managed-services-api --timeout=5s",
        0,
        "condition met",
    ),
    (
        "wait --for=jsonpath={.status.phase}=Running pod/POD --timeout=5s",
        0,
        "pod/POD condition met",
    ),
    (
        "rollout history deploy/managed-services-api --revision=7",
        0,
        "with revision #7",
    ),
    ("api-resources", 0, "deployments"),
    ("api-versions", 0, "apps/v1"),
    ("get --raw /healthz", 0, "ok"),
    (
        "get --raw /metrics",
        1,
        "forbidden: User \"oncall@example.com\" cannot get path \"/metrics\"",
    ),
    (
        "get namespaces",
        1,
        "namespaces is forbidden: User \"oncall@example.com\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    judge(&drill, folder.path(), READS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_rolls_out_another_image_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let drill = fast_drill("all-well", folder.path(), 100.0).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let image = "get deploy managed-services-api -o jsonpath={.spec.template.spec.containers[0].image}";
    let (_, before, _) = kubectl.run(image).await;
    for (line, words) in [
        (
            "--context admin set image deploy/managed-services-api service=quay.io/app-sre/managed-services-api:5c1d0aa",
            "image updated",
        ),
        (
            "rollout status deploy/managed-services-api",
            "successfully rolled out",
        ),
        (
            "rollout history deploy/managed-services-api",
            "REVISION  CHANGE-CAUSE",
        ),
        (
            "--context admin rollout undo deploy/managed-services-api",
            "deployment.apps/managed-services-api rolled back",
        ),
        (
            "rollout status deploy/managed-services-api",
            "successfully rolled out",
        ),
        (
            "--context admin rollout restart deploy/managed-services-api",
            "deployment.apps/managed-services-api restarted",
        ),
        (
            "rollout status deploy/managed-services-api",
            "successfully rolled out",
        ),
    ] {
        let (exit, out, err) = kubectl.run(line).await;
        assert_eq!(exit, 0, "{line}: {err}");
        assert!(out.contains(words), "{line}: {out}");
    }
    assert_eq!(kubectl.run(image).await.1, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_edits_applies_replaces_and_diffs_a_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let mut edit = kubectl.command(&format!("--context admin edit {DEPLOYMENT}"));
    edit.env(
        "KUBE_EDITOR",
        "sed -i 's/revisionHistoryLimit: .*/revisionHistoryLimit: 5/'",
    );
    let edited = edit.output().await.unwrap();
    assert!(
        edited.status.success(),
        "{}",
        String::from_utf8_lossy(&edited.stderr)
    );
    let (_, limit, _) = kubectl
        .run("get deploy managed-services-api -o jsonpath={.spec.revisionHistoryLimit}")
        .await;
    assert_eq!(limit, "5");
    let file = folder.path().join("deployment.json");
    let (_, object, _) = kubectl.run("get deploy managed-services-api -o json").await;
    std::fs::write(
        &file,
        object.replace("\"revisionHistoryLimit\": 5", "\"revisionHistoryLimit\": 7"),
    )
    .unwrap();
    let file = file.display();
    for (line, exit, words) in [
        (
            format!("--context admin diff -f {file}"),
            1,
            "+  revisionHistoryLimit: 7",
        ),
        (
            format!("--context admin apply --dry-run=server -f {file}"),
            0,
            "configured (server dry run)",
        ),
        (
            format!("--context admin apply --server-side -f {file}"),
            1,
            "415: Unsupported Media Type",
        ),
        (
            format!("--context admin replace -f {file}"),
            0,
            "deployment.apps/managed-services-api replaced",
        ),
        (
            format!("--context admin replace -f {file}"),
            1,
            "the object has been modified; please apply your changes to the latest version and try again",
        ),
        (
            format!("replace -f {file}"),
            1,
            "cannot update resource \"deployments\" in API group \"apps\"",
        ),
    ] {
        let (code, out, err) = kubectl.run(&line).await;
        assert_eq!(code, exit, "{line}: {out}{err}");
        assert!(format!("{out}{err}").contains(words), "{line}: {out}{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_deletes_a_selection_and_a_deployment_with_its_pods() {
    let folder = tempfile::tempdir().unwrap();
    let drill = fast_drill("all-well", folder.path(), 20.0).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let before = pod_names(&drill).await;
    let (exit, out, err) = kubectl.run("delete pod -l app=managed-services-api").await;
    let deleted: Vec<String> = before
        .iter()
        .map(|pod| format!("pod \"{pod}\" deleted"))
        .collect();
    assert_eq!(
        (exit, out.lines().collect::<Vec<_>>()),
        (0, deleted.iter().map(String::as_str).collect()),
        "{err}"
    );
    let (exit, out, err) = kubectl
        .run("delete pod -l app=managed-services-api --wait=false --grace-period=1")
        .await;
    assert_eq!((exit, out.lines().count()), (0, 3), "{err}");
    let (exit, _, err) = kubectl.run(&format!("delete {DEPLOYMENT}")).await;
    assert!(
        exit == 1 && err.contains("cannot delete resource \"deployments\""),
        "{err}"
    );
    let (exit, out, err) = kubectl.run(&format!("--context admin delete {DEPLOYMENT}")).await;
    assert_eq!(
        (exit, out.as_str()),
        (0, "deployment.apps \"managed-services-api\" deleted\n"),
        "{err}"
    );
    let (exit, _, err) = kubectl
        .run("wait --for=delete pod -l app=managed-services-api --timeout=20s")
        .await;
    assert_eq!(exit, 0, "{err}");
    for line in ["events", "describe events", "get events --sort-by=.lastTimestamp"] {
        let (exit, out, err) = kubectl.run(line).await;
        assert!(
            exit == 0 && out.contains("Stopping container service"),
            "{line}: {out}{err}"
        );
    }
    let (_, _, err) = kubectl.run("get pods,rs,deploy").await;
    assert_eq!(err, "No resources found in managed-services-stage namespace.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_has_the_rights_that_a_scenario_gives() {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = scenario("all-well").unwrap();
    scenario.rights.also = vec!["deployments:patch".into()];
    scenario.rights.without = vec!["pods/log/1".into(), "events".into()];
    let drill = drill_of(scenario, folder.path(), 1.0).await;
    let cases = [
        ("rollout restart deploy/managed-services-api", 0, "restarted"),
        ("get events", 1, "cannot list resource \"events\""),
        (
            "auth can-i --list",
            0,
            "webhook authorizer does not support user rule resolution",
        ),
    ];
    judge(&drill, folder.path(), &cases).await;
    let Some(kubectl) = Kubectl::for_drill(&drill, folder.path()) else {
        return;
    };
    let (_, out, _) = kubectl
        .run("get pods -o name --sort-by=.metadata.creationTimestamp")
        .await;
    let oldest: Vec<&str> = out.lines().take(3).collect();
    let mut refused = 0;
    for pod in oldest {
        let (exit, _, err) = kubectl.run(&format!("logs {pod} -c migration")).await;
        refused += i32::from(exit == 1 && err.contains("cannot get resource \"pods/log\""));
    }
    assert_eq!(refused, 1);
}
