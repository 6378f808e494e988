//! The commands on recorded incidents.

use clap::{Args, Subcommand, ValueEnum};

/// Steps through a recorded incident.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ReplayArgs {
    /// The record: its name as `sopwatch incidents` lists it, or a file
    #[arg(value_name = "RECORD")]
    pub record: String,
    /// No screen: diagnose the recording again and list the differences; exit code 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Playback speed at the start, 0.1 to 100
    #[arg(long, value_name = "FACTOR", value_parser = super::parse_speed)]
    pub speed: Option<f64>,
}

/// A recorded incident as a text.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ReportArgs {
    /// The record: its name as `sopwatch incidents` lists it, or a file [default: the newest]
    #[arg(value_name = "RECORD")]
    pub record: Option<String>,
    /// Output format
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub output: ReportOutput,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportOutput {
    /// for people
    #[default]
    Markdown,
    /// for programs
    Json,
}

/// The records on this machine.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct IncidentsArgs {
    /// Verify every record and say where one is damaged; exit code 1 if one is
    #[arg(long)]
    pub verify: bool,
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub command: Option<IncidentsCommand>,
}

/// What to do with records.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum IncidentsCommand {
    /// Verify one record, or all
    Verify {
        /// The record: its name, or a file
        #[arg(value_name = "RECORD")]
        record: Option<String>,
    },
    /// Close an incident
    Close {
        /// The record: its name, or a file
        #[arg(value_name = "RECORD")]
        record: String,
    },
    /// Remove records of drills and of closed incidents
    Prune {
        /// Only records that are older than this many days
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        older_than: u32,
        /// Also damaged records, open or not: look at them first with `sopwatch incidents --verify`
        #[arg(long)]
        broken: bool,
        /// Only print what would be removed
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
    /// Resume this recorded incident: its name, or a file copied from another machine
    #[arg(
        long,
        value_name = "RECORD",
        conflicts_with = "new_incident",
        help_heading = "Program"
    )]
    pub incident: Option<String>,
    /// Start a new incident; do not ask about open ones
    #[arg(long, help_heading = "Program")]
    pub new_incident: bool,
}
