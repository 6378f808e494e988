//! Commands on their way: the intent goes to disk, then the request out, then the outcome to disk.

use jiff::SignedDuration;
use tokio::sync::{mpsc, oneshot};

use super::clock::Clock;
use super::line::Line as Wire;
use crate::app::Rehearsal;
use crate::app::event::{Event, Outcome};
use crate::cluster::CommandRequest;
use crate::incident::command::{Command, CommandOutcome};
use crate::incident::record::{Entry, Intent, Line};
use crate::incident::text::SafeText;
use crate::journal::Journal;

/// What commands need on their way.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// To the cluster.
    pub(super) commands: Wire<CommandRequest>,
    /// Where outcomes go.
    pub(super) events: mpsc::Sender<Event>,
    /// The time.
    pub(super) clock: Clock,
    /// How far the cluster's clock is ahead of it.
    pub(super) ahead: SignedDuration,
}

impl Way {
    fn now(&self) -> jiff::Timestamp {
        let now = self.clock.now();
        now.saturating_add(self.ahead).unwrap_or(now)
    }

    /// Has the server try commands; the first that it would refuse is the answer.
    pub(super) async fn rehearse(self, number: u64, commands: Vec<Command>) {
        let mut answer = Rehearsal::Passed;
        for command in commands {
            answer = rehearsal(self.ask(command, true).await);
            if answer != Rehearsal::Passed {
                break;
            }
        }
        let outcome = Outcome::Rehearsed { number, answer };
        // A console that is gone needs no answer.
        let _ = self.events.send(Event::Outcome(outcome)).await;
    }

    /// Sends a command when its intent is on disk, and never else.
    pub(super) async fn carry_out(self, intent: Intent, journal: Option<Journal>) {
        let (id, command) = (intent.id, intent.command.clone());
        let outcome = match self.intend(intent, journal.as_ref()).await {
            Ok(()) => self.ask(command, false).await,
            Err(why) => CommandOutcome::Refused {
                why: SafeText::new(&format!("nothing was sent, for its intent is not on disk: {why}")),
            },
        };
        let entry = Entry::Outcome {
            id,
            outcome: outcome.clone(),
        };
        let line = Line {
            at: self.now(),
            entry,
        };
        if let Some(journal) = journal {
            // Where it can't be written the screen says so, and on the next start the cluster is looked at.
            let _ = journal.commit(line).await;
        }
        let _ = self
            .events
            .send(Event::Outcome(Outcome::Done { id, outcome }))
            .await;
    }

    async fn intend(&self, intent: Intent, journal: Option<&Journal>) -> Result<(), SafeText> {
        let journal = journal.ok_or_else(|| SafeText::new("this console keeps no record"))?;
        let entry = Entry::Intent(intent);
        journal
            .commit(Line {
                at: self.now(),
                entry,
            })
            .await
    }

    async fn ask(&self, command: Command, dry_run: bool) -> CommandOutcome {
        let (reply, answer) = oneshot::channel();
        let request = CommandRequest {
            command,
            dry_run,
            reply,
        };
        if self.commands.sender().send(request).await.is_err() {
            return CommandOutcome::Failed {
                why: SafeText::new("not sent: the cluster is not being read now"),
            };
        }
        answer.await.unwrap_or_else(|_gone| CommandOutcome::Unknown {
            why: SafeText::new("the task that sends it crashed"),
        })
    }
}

/// What a dry run's outcome means.
fn rehearsal(outcome: CommandOutcome) -> Rehearsal {
    match outcome {
        CommandOutcome::Applied { .. } => Rehearsal::Passed,
        // An admission webhook with side effects.
        CommandOutcome::Refused { why } if why.contains("dry run") || why.contains("dryRun") => {
            Rehearsal::Untried(why)
        }
        CommandOutcome::Refused { why } => Rehearsal::Refused(why),
        CommandOutcome::Failed { why } | CommandOutcome::Unknown { why } => {
            Rehearsal::Refused(SafeText::new(&format!("it could not be asked: {why}")))
        }
    }
}
