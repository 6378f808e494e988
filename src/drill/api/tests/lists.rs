//! Options of lists, among them combinations that the server refuses.

use super::*;

#[tokio::test]
async fn options_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    for (query, code, message) in [
        (
            "resourceVersionMatch=Exact",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        (
            "resourceVersionMatch=Nearly&resourceVersion=1",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Nearly\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
        (
            "sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
        ("limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            "continue=!",
            400,
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
        ),
    ] {
        let (got, status) = get(&drill, &format!("{PODS}?{query}")).await;
        assert_eq!(
            (got, status["message"].as_str().unwrap()),
            (code, message),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_exact_version_is_that_version() {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill("all-well", folder.path()).await;
    let (_, before) = get(&drill, PODS).await;
    let version = before["metadata"]["resourceVersion"].as_str().unwrap();
    let name = &pod_names(&drill).await[0];
    let path = format!("{PODS}/{name}?gracePeriodSeconds=0");
    ask(&drill, "DELETE", &path, &[], "").await;
    let at = |matching: &str| format!("{PODS}?resourceVersion={version}&resourceVersionMatch={matching}");
    let (_, exact) = get(&drill, &at("Exact")).await;
    assert_eq!(exact["items"], before["items"]);
    let (_, newer) = get(&drill, &at("NotOlderThan")).await;
    assert_ne!(newer["items"], before["items"]);
}
