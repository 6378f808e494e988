//! Behind PgBouncer, which has few words of its own.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::console::{Console, options, secret_with, statuses};
use super::postgres::{DATABASE, PASSWORD, Postgres, USER};
use super::psql::encoded;
use crate::patience::Deadline;
use crate::postgres::{DatabaseOptions, UrlOrigin};
use crate::tools;
use sopwatch_core::observe::source::ProblemKind;

/// A pooler in front of a server. Ended when dropped.
struct Pooler {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Pooler {
    /// `None` where PgBouncer is not installed. `auth` is its `auth_type`.
    fn start(server: &Postgres, auth: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian has it where a user's path does not lead.
        let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let program = places
            .map(|place| place.join("pgbouncer"))
            .find(|program| program.exists());
        if !tools::is_met("PgBouncer", program.is_some()) {
            return None;
        }
        let directory = tempfile::Builder::new()
            .prefix("sopwatch-pb-")
            .tempdir_in("/tmp")
            .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let users = directory.path().join("users");
        std::fs::write(
            &users,
            format!("\"{USER}\" \"{}\"\n", PASSWORD.replace('"', "\"\"")),
        )
        .unwrap();
        let configuration = format!(
            "[databases]\n{DATABASE} = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = {auth}\nauth_file = {}\npool_mode = transaction\nserver_tls_sslmode = require\n",
            server.port(),
            users.display()
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, configuration).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let mut command = if is_root {
            let given = Command::new("chown")
                .args(["-R", "postgres:"])
                .arg(directory.path())
                .status();
            assert!(given.unwrap().success());
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program?);
            command
        } else {
            Command::new(program?)
        };
        let child = command
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let pooler = Self {
            child: child.unwrap(),
            port,
            _directory: directory,
        };
        let deadline = Deadline::until("the pooler listens");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            deadline.pause();
        }
        Some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // `runuser` passes this signal on.
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_is_read_through_and_its_wrong_password_is_named_as_one() {
    let Some(server) = Postgres::start() else { return };
    for auth in ["plain", "scram-sha-256"] {
        let Some(pooler) = Pooler::start(&server, auth) else {
            return;
        };
        let port = pooler.port.to_string();
        let with = |password: &str, database: &str| {
            secret_with(
                &server,
                &[
                    ("db.port", &port),
                    ("db.password", password),
                    ("db.name", database),
                    ("db.ca_cert", ""),
                ],
            )
        };
        let mut console = Console::start(options(), Some(&with(PASSWORD, DATABASE)));
        assert_eq!(console.connection().await.port, pooler.port);
        assert!(!statuses(&console.reading().await, "clusters").is_empty());
        console.stop().await;
        let mut console = Console::start(options(), Some(&with("wrong", DATABASE)));
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::WrongPassword, "{auth}: {problem}");
        assert!(problem.what.contains("08P01"), "{problem}");
        assert!(problem.advice.unwrap().contains("rotated"));
        console.stop().await;
        let encoded = encoded(PASSWORD);
        let url = format!("postgres://{USER}:{encoded}@127.0.0.1:{port}/{DATABASE}?options=-c%20geqo%3Doff");
        let with_settings = DatabaseOptions {
            url: Some((url.into(), UrlOrigin::Environment)),
            ..options()
        };
        let mut console = Console::start(with_settings, None);
        let problem = console.problem().await;
        assert!(
            problem.what.contains("unsupported startup parameter"),
            "{problem}"
        );
        assert!(problem.advice.unwrap().contains("take options out of the URL"));
        console.stop().await;
        let mut console = Console::start(options(), Some(&with(PASSWORD, "elsewhere")));
        let problem = console.problem().await;
        assert_eq!(problem.kind, ProblemKind::Configuration, "{auth}: {problem}");
        console.stop().await;
    }
}
