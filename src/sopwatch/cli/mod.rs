//! The command line: what may be asked, and how it reads. What the options mean together is for [`crate::config`].

mod records;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use self::records::{
    IncidentsArgs, IncidentsCommand, RecordChoice, ReplayArgs, ReportArgs, ReportOutput,
};
use crate::guide::TOPICS;
use sopwatch_console::keymap::Key;
use sopwatch_core::text::{Redacted, SafeText};

/// What a usage error exits with (`EX_USAGE` of sysexits).
pub const USAGE: u8 = 64;

const EXAMPLES: &str = "\
Examples:
  sopwatch                                          the console, on the kubeconfig's current context
  sopwatch -n managed-services-stage --sop kafka-provisioning-latency
  sopwatch --database-host 127.0.0.1 --database-port 15432    the database through a tunnel
  sopwatch drill                                    practise on an embedded cluster and database
  sopwatch drill no-kafka-leader --serve            the same for kubectl and psql in other panes
  sopwatch check api-down -o json                   the diagnosis once, without a screen; exit code 0, 1, 2 or 3
  sopwatch check api-down --watch -o line           one line a change, for tmux's status line
  sopwatch incidents                                the recorded incidents; `sopwatch report` prints the newest
  sopwatch sops kafka-provisioning-latency          print an SOP
  sopwatch config show                              every setting and where it comes from
  sopwatch help                                     the topics of the guide; `sopwatch help keys` shows one

Values come from options, then SOPWATCH_* variables, then the configuration file, then the profile.";

/// The terminal incident console: which step of the SOP fails, why, and the one thing to do next.
#[derive(Clone, Debug, PartialEq, Parser)]
#[command(name = "sopwatch", display_name = "sopwatch", version = env!("SOPWATCH_VERSION"), after_help = EXAMPLES, max_term_width = 110)]
#[command(disable_help_subcommand = true, subcommand_negates_reqs = true)]
pub struct Cli {
    /// The options that every command takes.
    #[command(flatten)]
    pub common: Common,
    /// Which record the console writes.
    #[command(flatten)]
    pub record: RecordChoice,
    /// The console on the live cluster when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The options that every command takes.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Common {
    /// The SOP to open with; `sopwatch sops` lists them [default: the console asks]
    #[arg(long, global = true, value_name = "ID", help_heading = "Service")]
    pub sop: Option<String>,
    /// The profile: a built-in name, one of your own, or a file
    #[arg(long, global = true, value_name = "NAME|FILE", help_heading = "Service")]
    pub profile: Option<String>,
    /// The environment, e.g. stage [default: the one with this namespace]
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Service")]
    pub environment: Option<String>,
    /// Refuse to change anything
    #[arg(long, global = true, help_heading = "Service")]
    pub read_only: bool,

    /// The kubeconfig file [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context [default: the current one]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,
    /// The namespace [default: the context's]
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Cluster")]
    pub namespace: Option<String>,
    /// The user to impersonate
    #[arg(long = "as", global = true, value_name = "USER", help_heading = "Cluster")]
    pub impersonate: Option<String>,
    /// The time limit of one request, e.g. 5s; 0 for no limit [default: 10s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration, help_heading = "Cluster")]
    pub request_timeout: Option<Duration>,

    /// The database's URL without a password (SOPWATCH_DATABASE_URL may hold one)
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "no_database",
        help_heading = "Database"
    )]
    pub database_url: Option<String>,
    /// The database's host, for a tunnel [default: the credentials']
    #[arg(
        long,
        global = true,
        value_name = "HOST",
        conflicts_with = "no_database",
        help_heading = "Database"
    )]
    pub database_host: Option<String>,
    /// The database's port, for a tunnel [default: the credentials']
    #[arg(
        long,
        global = true,
        value_name = "PORT",
        conflicts_with = "no_database",
        help_heading = "Database"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub database_port: Option<u16>,
    /// Work without the database
    #[arg(long, global = true, help_heading = "Database")]
    pub no_database: bool,
    /// Seconds between two reads of the database, 1 to 3600 [default: 5]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = "Database")]
    #[arg(value_parser = seconds_of_poll)]
    pub poll: Option<u64>,

    /// The theme: dark or light [default: dark]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Screen")]
    pub theme: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "Screen")]
    pub ascii: bool,
    /// When to use colour (NO_COLOR: never)
    #[arg(long, global = true, value_name = "WHEN", value_enum, help_heading = "Screen")]
    pub color: Option<ColorChoice>,

    /// The configuration file (also SOPWATCH_CONFIG)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Program")]
    pub config: Option<PathBuf>,
    /// Write the program's log to this file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Program")]
    pub log_file: Option<PathBuf>,
}

/// Whether to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColorChoice {
    /// if the terminal can
    #[default]
    Auto,
    /// always
    Always,
    /// never
    Never,
}

/// What to do instead of the console.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Practise on an embedded cluster and database: no network, no set-up
    #[command(after_help = "In the guide: drills, scenarios, scenario-file (`sopwatch help drills`).")]
    Drill(DrillArgs),
    /// Diagnose once, without a screen. Exit codes: 0 nothing wrong, 1 wait, 2 act or escalate, 3 unknown
    #[command(after_help = "In the guide: scripts, check-json, exit-codes (`sopwatch help scripts`).")]
    Check(CheckArgs),
    /// Step through a recorded incident on the console's screen
    #[command(after_help = "In the guide: records (`sopwatch help records`).")]
    Replay(ReplayArgs),
    /// Incident report: summary, timeline, evidence, actions, gaps
    #[command(after_help = "In the guide: reports, report-json (`sopwatch help reports`).")]
    Report(ReportArgs),
    /// List, verify, close or remove the recorded incidents on this machine
    #[command(after_help = "In the guide: records (`sopwatch help records`).")]
    Incidents(IncidentsArgs),
    /// List the SOPs of the profile, or print one
    #[command(after_help = "In the guide: profiles (`sopwatch help profiles`).")]
    Sops {
        /// The SOP, e.g. api-down
        id: Option<String>,
    },
    /// Show, check, find or create the configuration
    #[command(after_help = "In the guide: configuration, profiles (`sopwatch help configuration`).")]
    Config {
        /// What to do with the configuration.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Say what works from here and what doesn't, with advice. Exit codes: 0 all works, 2 something doesn't work, 3 unknown
    #[command(after_help = "In the guide: troubleshooting, permissions (`sopwatch help troubleshooting`).")]
    Doctor(DoctorArgs),
    /// Show a topic of the guide or a command's help; without a word, list them all
    Help {
        /// The topic, e.g. keys, or the command, e.g. check
        #[arg(value_name = "TOPIC|COMMAND")]
        words: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// A run against the embedded world.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(group = ArgGroup::new("pictures").args(["screenshot", "tour"]))]
pub struct DrillArgs {
    /// The scenario: a name from `--list`, or a TOML file of your own [default: choose from a list]
    #[arg(value_name = "SCENARIO|FILE")]
    pub scenario: Option<String>,
    /// List the scenarios with their stories
    #[arg(long, conflicts_with_all = ["scenario", "serve", "screenshot"])]
    pub list: bool,
    /// With `--list`: one line each
    #[arg(long, requires = "list")]
    pub short: bool,
    /// No screen: print the kubeconfig and the database URL, and run until interrupted
    #[arg(long, conflicts_with = "screenshot")]
    pub serve: bool,
    /// Random seed
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// The speed of the drill's clock, 0.1 to 100
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed)]
    pub speed: Option<f64>,
    /// Save a picture of the screen as SVG once every source has answered, then exit
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
    /// Record the README's tour as NAME.svg (animated) and NAME.cast (asciicast), then exit
    #[arg(long, value_name = "NAME", conflicts_with_all = ["list", "serve", "screenshot"])]
    pub tour: Option<PathBuf>,
    /// The stations of the tour, as in `assets/tour.toml` [default: that file]
    #[arg(long, value_name = "FILE", requires = "tour")]
    pub script: Option<PathBuf>,
    /// The size of the picture [default: 120x40]
    #[arg(long, value_name = "COLSxROWS", value_parser = parse_size, requires = "pictures")]
    pub size: Option<(u16, u16)>,
    /// Keys to press before the picture is taken, written as in `[keys]`, e.g. "2 m"; "V" shows the advice that a lesson hides
    #[arg(long, value_name = "KEYS", value_parser = parse_keys, requires = "screenshot")]
    pub keys: Option<KeySequence>,
}

/// The diagnosis without a screen.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct CheckArgs {
    /// The SOP of the alert [default: --sop, or the drill's]
    #[arg(value_name = "SOP")]
    pub procedure: Option<String>,
    /// Diagnose a drill instead of the cluster
    #[arg(long, value_name = "SCENARIO|FILE")]
    pub drill: Option<String>,
    /// With `--drill`: random seed
    #[arg(long, value_name = "NUMBER", requires = "drill")]
    pub seed: Option<u64>,
    /// With `--drill`: diagnose it this long after its start, e.g. 5m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_of_a_day, requires = "drill")]
    pub after: Option<Duration>,
    /// Output format
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub output: CheckOutput,
    /// Print the hand-off message instead: for the recommended team, or for the named one
    #[arg(long, value_name = "CONTACT", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(conflicts_with_all = ["output", "watch"])]
    pub hand_off: Option<String>,
    /// Keep watching and print what changes; the exit code is that of the last result
    #[arg(long)]
    pub watch: bool,
    /// How long to wait for slow sources
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_of_a_day, default_value = "10s")]
    pub within: Duration,
}

/// What works from here.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct DoctorArgs {
    /// How long to wait for slow sources
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_of_a_day, default_value = "10s")]
    pub within: Duration,
}

/// How the answer of `check` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// for people
    #[default]
    Table,
    /// one document, for programs; with `--watch` one per line
    Json,
    /// for a ticket or a chat
    Markdown,
    /// one line of at most 80 columns, for tmux's status line; with `--watch` one line per change
    Line,
}

/// Keys to press one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySequence(pub Vec<Key>);

/// What to do with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print every value and where it comes from; no secrets
    Show,
    /// Check the configuration, the profiles and the kubeconfig; list every mistake
    Check,
    /// List the files that are read, and whether they exist
    Paths,
    /// Write the commented default file; an existing file is kept
    Init,
}

/// Why the program ends before it begins: a wrong command line, or help that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyExit {
    /// What to exit with: 0 for help and version, [`USAGE`] for a wrong command line.
    pub code: u8,
    /// What to say, on standard output when `code` is 0, on standard error otherwise.
    pub text: SafeText,
}

/// Reads the command line; the first argument is the program's name.
pub fn parse<I, T>(arguments: I) -> Result<Cli, EarlyExit>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let called = arguments.first().cloned().unwrap_or_default();
    let matches = command_called(&called).try_get_matches_from(arguments);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| stop_for(&error))
}

fn stop_for(error: &clap::Error) -> EarlyExit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let text = error.render().to_string();
    if asked {
        return EarlyExit {
            code: 0,
            text: text.into(),
        };
    }
    // It quotes the arguments.
    EarlyExit {
        code: USAGE,
        text: Redacted::from(text).into(),
    }
}

/// The command as it was called: as a plugin, its usage reads as the operator typed it.
fn command_called(program: &OsString) -> clap::Command {
    let path = PathBuf::from(program);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let name = match stem {
        "kubectl-sopwatch" => "kubectl sopwatch",
        "oc-sopwatch" => "oc sopwatch",
        _ => "sopwatch",
    };
    // Options of the plugin come after its name, so arguments are read as usual and only the name differs.
    Cli::command().bin_name(name).no_binary_name(false)
}

/// The help of a command and its subcommands as clap writes it, of the whole where no word is given; `None` where there is no such command.
pub fn help_of(program: &OsString, words: &[String]) -> Option<SafeText> {
    let mut command = command_called(program);
    command.build();
    let found = words
        .iter()
        .try_fold(&mut command, |command, word| command.find_subcommand_mut(word));
    found.map(|command| command.render_long_help().to_string().into())
}

/// The commands that there are.
pub fn command_names() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_owned).collect()
}

/// Completions for a shell, with the scenarios that there are and the topics of the guide.
pub fn completions(shell: clap_complete::Shell, scenarios: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let named = || PossibleValuesParser::new(scenarios.iter().cloned());
    let topics = TOPICS.iter().map(|topic| topic.name.to_owned());
    let of_help: Vec<String> = topics.chain(command_names()).collect();
    let mut command = Cli::command()
        .mut_subcommand("drill", |drill| {
            drill.mut_arg("scenario", |scenario| scenario.value_parser(named()))
        })
        .mut_subcommand("check", |check| {
            check.mut_arg("drill", |scenario| scenario.value_parser(named()))
        })
        .mut_subcommand("help", |help| {
            help.mut_arg("words", |words| {
                words.value_parser(PossibleValuesParser::new(of_help.clone()))
            })
        });
    clap_complete::generate(shell, &mut command, "sopwatch", &mut out);
    out
}

/// The manual page, in roff.
pub fn manual() -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut out)?;
    Ok(out)
}

/// A span as `kubectl` takes it: `5s`, `1m30s`, seconds without a unit; 0 for no limit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: Result<jiff::SignedDuration, _> = text.parse();
    let span = span.ok().ok_or("must be a duration, e.g. 5s or 1m30s")?;
    let span = Duration::try_from(span).ok();
    span.ok_or_else(|| "must not be negative".to_owned())
}

/// A span that is not boundless: a day at most.
fn parse_duration_of_a_day(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text)?;
    let most = Duration::from_hours(24);
    (span <= most)
        .then_some(span)
        .ok_or_else(|| "must be at most 24h".to_owned())
}

fn seconds_of_poll(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.ok_or_else(|| "must be a whole number of seconds from 1 to 3600, e.g. --poll 5".to_owned())
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.1..=100.0).contains(speed));
    speed.ok_or_else(|| "must be a number from 0.1 to 100".to_owned())
}

fn parse_keys(text: &str) -> Result<KeySequence, String> {
    Key::parse_all(text).map(KeySequence)
}

fn parse_size(text: &str) -> Result<(u16, u16), String> {
    let sides = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    let usable = |(columns, rows): &(u16, u16)| (20..=500).contains(columns) && (5..=200).contains(rows);
    sides
        .filter(usable)
        .ok_or_else(|| "must be columns and rows, e.g. 120x40 (20x5 to 500x200)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, EarlyExit> {
        parse(line.split_whitespace())
    }

    fn help(line: &str) -> String {
        let stop = parsed(line).expect_err("help is not a run");
        assert_eq!(stop.code, 0, "{}", stop.text);
        stop.text.to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_every_option_and_command() {
        let text = help("sopwatch --help");
        let options = [
            "--sop",
            "--kubeconfig",
            "--context",
            "-n, --namespace",
            "--as",
            "--request-timeout",
            "--profile",
            "-e, --environment",
            "--database-url",
            "SOPWATCH_DATABASE_URL",
            "--no-database",
            "--read-only",
            "--ascii",
            "--color",
            "always",
            "NO_COLOR",
            "--log-file",
            "--poll",
            "--theme",
            "--database-host",
            "--database-port",
            "--config",
            "drill",
            "sops",
            "completions",
            "help",
            "man",
            "Examples:",
            "-V, --version",
        ];
        for option in options {
            assert!(text.contains(option), "{option} is not in\n{text}");
        }
        let text = help("sopwatch drill --help");
        for option in [
            "[SCENARIO|FILE]",
            "--keys",
            "--short",
            "--list",
            "--serve",
            "--seed",
            "--speed",
            "--screenshot",
            "--size",
            "120x40",
        ] {
            assert!(text.contains(option), "{option} is not in\n{text}");
        }
        let text = help("sopwatch config --help");
        for command in ["show", "check", "paths", "init"] {
            assert!(text.contains(command), "{command} is not in\n{text}");
        }
    }

    #[test]
    fn a_plugin_is_named_as_it_is_called() {
        let cases = [
            ("sopwatch", "Usage: sopwatch ["),
            ("./target/debug/sopwatch", "Usage: sopwatch ["),
            ("/usr/local/bin/kubectl-sopwatch", "Usage: kubectl sopwatch ["),
            ("oc-sopwatch", "Usage: oc sopwatch ["),
        ];
        for (program, usage) in cases {
            let text = help(&format!("{program} --help"));
            assert!(text.contains(usage), "{program}\n{text}");
        }
        let text = help("kubectl-sopwatch drill --help");
        assert!(text.contains("Usage: kubectl sopwatch drill ["), "{text}");
    }

    #[test]
    fn options_are_taken_before_and_after_the_command() {
        let before = parsed("sopwatch -n a drill no-kafka-leader --seed 7").expect("good");
        let after = parsed("sopwatch drill no-kafka-leader --seed 7 -n a").expect("good");
        assert_eq!(before, after);
        assert_eq!(before.common.namespace.as_deref(), Some("a"));
    }

    #[test]
    fn values_are_read() {
        let timeout = |text: &str| {
            parsed(&format!("sopwatch --request-timeout {text}"))
                .expect(text)
                .common
                .request_timeout
        };
        assert_eq!(timeout("5s"), Some(Duration::from_secs(5)));
        assert_eq!(timeout("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(timeout("0"), Some(Duration::ZERO));
        let picture = parsed("sopwatch drill --screenshot a.svg --size 80x24")
            .expect("good")
            .command;
        let Some(Command::Drill(drill)) = picture else {
            panic!("{picture:?}");
        };
        assert_eq!(drill.size, Some((80, 24)));
    }

    #[test]
    fn wrong_lines_exit_as_usage_errors_and_say_why() {
        let cases = [
            ("sopwatch --nope", "--nope"),
            ("sopwatch --sop", "--sop"),
            ("sopwatch frobnicate", "frobnicate"),
            ("sopwatch --poll 0", "from 1 to 3600"),
            ("sopwatch --poll often", "often"),
            (
                "sopwatch --poll 5s",
                "must be a whole number of seconds from 1 to 3600, e.g. --poll 5",
            ),
            ("sopwatch --color sometimes", "auto, always, never"),
            ("sopwatch --database-port 0", "--database-port"),
            ("sopwatch --no-database --database-host a", "--no-database"),
            ("sopwatch --request-timeout soon", "5s or 1m30s"),
            ("sopwatch config", "config"),
            ("sopwatch drill --list --serve", "--serve"),
            ("sopwatch drill --size 80x24", "--screenshot"),
            ("sopwatch drill --short", "--list"),
            ("sopwatch drill --screenshot a --keys nope", "`nope` is no key"),
            ("sopwatch drill --screenshot a --size 8x2", "120x40"),
            ("sopwatch drill --speed 0", "0.1 to 100"),
            ("sopwatch completions cmd", "bash"),
        ];
        for (line, why) in cases {
            let stop = parsed(line).expect_err(line);
            assert_eq!(stop.code, USAGE, "{line}");
            assert!(stop.text.contains(why), "{line}\n{}", stop.text);
        }
        assert_eq!(parsed("sopwatch --version").map_err(|stop| stop.code), Err(0));
    }

    #[test]
    fn the_help_of_a_command_is_the_same_as_its_own_option_prints() {
        let program = OsString::from("sopwatch");
        for line in ["", "check", "incidents prune", "config"] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let shown = help_of(&program, &words).expect(line);
            assert_eq!(shown.as_str(), help(&format!("sopwatch {line} --help")), "{line}");
        }
        for line in ["keys", "check keys"] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(help_of(&program, &words), None, "{line}");
        }
    }

    #[test]
    fn no_topic_of_the_guide_has_the_name_of_a_command_and_commands_name_topics_that_there_are() {
        for name in command_names() {
            assert!(TOPICS.iter().all(|topic| topic.name != name), "{name}");
            let text = help(&format!("sopwatch {name} --help"));
            let named = text
                .split("In the guide: ")
                .nth(1)
                .map(|rest| rest.split(" (").next());
            for topic in named.flatten().into_iter().flat_map(|names| names.split(", ")) {
                assert!(TOPICS.iter().any(|known| known.name == topic), "{name}: {topic}");
            }
        }
    }

    #[test]
    fn completions_and_the_manual_name_the_options() {
        let bash = completions(clap_complete::Shell::Bash, &["no-leader".to_owned()]);
        let bash = String::from_utf8(bash).expect("text");
        for word in ["--database-url", "drill", "no-leader", "vital-signs"] {
            assert!(bash.contains(word), "{word}");
        }
        let manual = String::from_utf8(manual().expect("written")).expect("text");
        assert!(manual.contains("sopwatch") && manual.contains("database\\-url"));
    }
}
