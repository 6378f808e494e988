//! The commands on recorded incidents.

use clap::{Args, Subcommand, ValueEnum};

/// Steps through a recorded incident.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ReplayArgs {
    /// The record: its name as `sopwatch incidents` lists it, or a file
    #[arg(value_name = "RECORD")]
    pub record: String,
    /// No screen: judge the recorded observations anew and say where the diagnosis differs; exits 1 where it does
    #[arg(long)]
    pub check: bool,
    /// How fast it plays at first, 0.1 to 100
    #[arg(long, value_name = "FACTOR", value_parser = super::parse_speed)]
    pub speed: Option<f64>,
}

/// A recorded incident as a text.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ReportArgs {
    /// The record: its name as `sopwatch incidents` lists it, or a file; the newest when absent
    #[arg(value_name = "RECORD")]
    pub record: Option<String>,
    /// How it is written
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub output: ReportOutput,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportOutput {
    /// For people
    #[default]
    Markdown,
    /// For programs
    Json,
}

/// The records on this machine.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct IncidentsArgs {
    /// Check the chain of each record, and say where it breaks; exits 1 where one does
    #[arg(long)]
    pub verify: bool,
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub command: Option<IncidentsCommand>,
}

/// What to do with records.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum IncidentsCommand {
    /// Check the chain of one record, or of all
    Verify {
        /// The record: its name, or a file
        #[arg(value_name = "RECORD")]
        record: Option<String>,
    },
    /// Say that an incident is over: it is not offered again
    Close {
        /// The record: its name, or a file
        #[arg(value_name = "RECORD")]
        record: String,
    },
    /// Remove records of incidents that are over, and of drills
    Prune {
        /// Only those whose last line is older than so many days
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        older_than: u32,
        /// Also what breaks or can't be read, open or not: look at it first with `--verify`
        #[arg(long)]
        broken: bool,
        /// Say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

impl RecordChoice {
    /// A new one, without a question.
    pub fn fresh() -> Self {
        Self {
            incident: None,
            new_incident: true,
        }
    }
}

/// Which record a console writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RecordChoice {
    /// Go on with this recorded incident, also one copied from another machine: its name, or a file
    #[arg(
        long,
        value_name = "RECORD",
        conflicts_with = "new_incident",
        help_heading = "Program"
    )]
    pub incident: Option<String>,
    /// Begin a new incident without asking whether to go on with an open one
    #[arg(long, help_heading = "Program")]
    pub new_incident: bool,
}
