//! The program: it reads the command line, chooses what runs, and exits with how it ended.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use color_eyre::eyre::{Result, WrapErr};
use sopwatch::cli::{self, Cli, Command, EarlyExit};
use sopwatch::commands;
use sopwatch::config::{self, ConfigError, Settings, UserDirs};
use sopwatch::runtime::{ambiguous_width, log_file, task_count, terminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

/// What is written to the log file unless `RUST_LOG` says otherwise.
const LOG_FILTER: &str = "info,kube_client=error,kube_runtime=error,sqlx=warn";

/// Threads for the background tasks, beside the loop's own: one reads a flood of lines, one keeps the rest alive. More would only cost
/// memory.
const WORKERS: usize = 1;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(stopped) => return say_and_exit(&stopped),
    };
    match start(&cli) {
        Ok(status) => ExitCode::from(status),
        Err(problem) => {
            terminal::say_error(&problem);
            let usage = problem.downcast_ref::<ConfigError>();
            if usage.is_some_and(ConfigError::is_usage) {
                ExitCode::from(cli::USAGE)
            } else if matches!(cli.command, Some(Command::Check(_) | Command::Doctor(_))) {
                // 1 would say: wait.
                ExitCode::from(commands::CHECK_UNKNOWN)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Says why the program ends before it begins. A reader that has gone away is no reason for another word.
fn say_and_exit(stopped: &EarlyExit) -> ExitCode {
    if stopped.code == 0 {
        let _ = terminal::print(&stopped.text);
    } else {
        terminal::say(stopped.text.trim_end());
    }
    ExitCode::from(stopped.code)
}

fn start(cli: &Cli) -> Result<u8> {
    terminal::install_hooks()?;
    if let Some(Command::Help { words }) = &cli.command {
        return commands::help(&std::env::args_os().next().unwrap_or_default(), words);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let variables = config::variables_of_this_process();
    let dirs = UserDirs::of(&variables);
    warn(cli, &variables);
    let judges = config::Judges {
        screen: commands::judge,
        cluster: commands::check_cluster,
    };
    if let Some(output) = config::text_output(cli, &variables, &dirs, &judges, &commands::scenario_ids())? {
        return commands::print_output(&output);
    }
    // Neither needs a configuration, which may be wrong.
    match &cli.command {
        Some(Command::Incidents(arguments)) => return commands::incidents(&dirs, arguments),
        Some(Command::Report(arguments)) => return commands::report(&dirs, arguments),
        _ => {}
    }
    let mut settings = config::load_judged(cli, &variables, &dirs, commands::judge)?;
    if draws(cli) && !settings.screen.ascii.value && ambiguous_width::may_be_wide(&variables) {
        // Borders would take two columns each.
        settings.screen.ascii.value = ambiguous_width::is_wide();
    }
    if let Some(file) = &settings.log_file {
        log_to(&file.value)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .wrap_err("can't start the runtime")?;
    runtime.spawn(task_count::log());
    let status = runtime.block_on(run(cli, &settings, &dirs));
    runtime.shutdown_background();
    status
}

/// Says which variables with our prefix mean nothing. The doctor says it on its page, and what a shell reads is not disturbed.
fn warn(cli: &Cli, variables: &BTreeMap<String, String>) {
    let quiet = matches!(
        cli.command,
        Some(Command::Doctor(_) | Command::Completions { .. } | Command::Man)
    );
    if let Some(warning) = config::unknown_variables(variables).filter(|_| !quiet) {
        terminal::say_warning(&warning);
    }
}

/// Whether the console's screen is drawn.
fn draws(cli: &Cli) -> bool {
    match &cli.command {
        None | Some(Command::Replay(_)) => true,
        Some(Command::Drill(arguments)) => {
            !arguments.list && !arguments.serve && arguments.screenshot.is_none() && arguments.tour.is_none()
        }
        _ => false,
    }
}

async fn run(cli: &Cli, settings: &Settings, dirs: &UserDirs) -> Result<u8> {
    match &cli.command {
        Some(Command::Drill(arguments)) => commands::drill(settings, arguments).await,
        Some(Command::Replay(arguments)) => Box::pin(commands::replay(settings, arguments)).await,
        Some(Command::Check(arguments)) => Box::pin(commands::check(settings, arguments)).await,
        Some(Command::Doctor(arguments)) => commands::doctor(settings, arguments, dirs).await,
        _ => commands::live(settings, &cli.record).await,
    }
}

/// Writes what the program does to a file that only its owner reads.
fn log_to(path: &Path) -> Result<()> {
    let open = || -> std::io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
    };
    let file = open().wrap_err_with(|| format!("can't open the log file {}", path.display()))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let format = tracing_subscriber::fmt::layer()
        .with_writer(Mutex::new(log_file::Guarded::new(file)))
        .with_ansi(false)
        .with_filter(filter)
        .with_filter(filter_fn(log_file::may_be_written));
    tracing_subscriber::registry().with(format).init();
    Ok(())
}
