//! Kubeconfigs: where they lead to, and what is said where they lead nowhere.
#![no_main]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sopwatch::kubernetes::{ConnectOptions, target};

/// A token as the corpus has it.
const TOKEN: &str = "qzx7vkq9w";

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|text: &str| {
    // Certificates are read from any file that is named.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") {
        return;
    }
    let path: PathBuf = FOLDER.path().join("config");
    let mut file = std::fs::File::create(&path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    drop(file);
    let options = ConnectOptions {
        kubeconfig: Some(path),
        context: None,
        namespace: None,
        impersonate: None,
        request_timeout: Duration::from_secs(1),
    };
    match target(&options) {
        Ok(target) => {
            let after_scheme = target.server.split_once("://").map_or("", |(_, rest)| rest);
            let authority = after_scheme.split('/').next().unwrap_or_default();
            assert!(!authority.contains('@'), "{:?}", target.server);
            let allowed = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
            assert!(!target.namespace.is_empty() && target.namespace.chars().all(allowed));
        }
        Err(problem) => {
            let said = format!("{problem}");
            let only_as_a_token = text.matches(TOKEN).count() == text.matches(&format!("token: {TOKEN}")).count();
            assert!(!only_as_a_token || !said.contains(TOKEN), "{said}");
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
    }
});
