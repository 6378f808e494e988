//! The executor of commands: it writes the intent to disk, sends the request, and writes the outcome to disk.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::clock::Clock;
use super::restartable_channel::RestartableChannel;
use crate::journal::Journal;
use crate::kubernetes::{CommandReply, CommandRequest};
use sopwatch_console::app::DryRun;
use sopwatch_console::app::event::{Event, Outcome};
use sopwatch_core::record::{Entry, Intent, Line};
use sopwatch_core::remediate::command::{Command, CommandOutcome};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// How long the disk may take with an intent. A confirmation expires: a command must not be sent when a disk that hung comes back.
const INTENT_WITHIN: Duration = Duration::from_secs(5);

/// How long the disk may take with an outcome before the screen shows it.
const OUTCOME_WITHIN: Duration = Duration::from_secs(2);

/// Carries out commands, or has the server try them.
#[derive(Clone, Debug)]
pub(super) struct CommandExecutor {
    /// The channel to the cluster.
    pub(super) commands: RestartableChannel<CommandRequest>,
    /// The channel that outcomes go to.
    pub(super) events: mpsc::Sender<Event>,
    /// The console's clock.
    pub(super) clock: Clock,
    /// How far the cluster's clock is ahead of it.
    pub(super) ahead: SignedDuration,
}

impl CommandExecutor {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.saturating_add(self.ahead).unwrap_or(now)
    }

    /// Has the server try commands; the first that it would refuse is the answer.
    pub(super) async fn dry_run(self, number: u64, commands: Vec<Command>) {
        let mut answer = DryRun::Passed;
        for command in commands {
            answer = dry_run_answer(self.ask(command, true).await);
            if answer != DryRun::Passed {
                break;
            }
        }
        let outcome = Outcome::DryRunAnswered { number, answer };
        // A console that is gone needs no answer.
        let _ = self.events.send(Event::Outcome(outcome)).await;
    }

    /// Sends a command once its intent, of this moment, is on disk, and only then.
    pub(super) async fn carry_out(self, at: Timestamp, intent: Intent, journal: Option<Journal>) {
        let (id, command) = (intent.id, intent.command.clone());
        let outcome = match self.intend(at, intent, journal.as_ref()).await {
            Ok(()) => self.ask(command, false).await.outcome,
            Err(why) => CommandOutcome::Refused {
                why: safe!("not sent: it could not be recorded first: {why}").into(),
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
            // Where it can't be written the screen says so, and on the next start the cluster is looked at. A disk that hangs must not
            // hold back what the server said.
            let _ = timeout(OUTCOME_WITHIN, journal.commit(line)).await;
        }
        let _ = self
            .events
            .send(Event::Outcome(Outcome::Done { id, outcome }))
            .await;
    }

    async fn intend(&self, at: Timestamp, intent: Intent, journal: Option<&Journal>) -> Result<(), SafeText> {
        let journal = journal.ok_or_else(|| SafeText::new("this console keeps no record"))?;
        let line = Line {
            at,
            entry: Entry::Intent(Box::new(intent)),
        };
        timeout(INTENT_WITHIN, journal.commit(line))
            .await
            .unwrap_or_else(|_elapsed| {
                let within = INTENT_WITHIN.as_secs();
                Err(safe!("the disk did not answer within {within} s"))
            })
    }

    async fn ask(&self, command: Command, dry_run: bool) -> CommandReply {
        let (reply, answer) = oneshot::channel();
        let request = CommandRequest {
            command,
            dry_run,
            reply,
        };
        if self.commands.sender().send(request).await.is_err() {
            let why = "not sent: no connection to the cluster".into();
            return CommandOutcome::Failed { why }.into();
        }
        answer.await.unwrap_or_else(|_gone| {
            let why = "the task that sends it crashed".into();
            CommandOutcome::Unknown { why }.into()
        })
    }
}

/// The answer of a dry run.
fn dry_run_answer(reply: CommandReply) -> DryRun {
    match reply.outcome {
        CommandOutcome::Applied { .. } => DryRun::Passed,
        CommandOutcome::Refused { why } if reply.is_untriable => DryRun::Untried(why.into()),
        CommandOutcome::Refused { why } => DryRun::Refused(why.into()),
        CommandOutcome::Failed { why } | CommandOutcome::Unknown { why } => {
            DryRun::Refused(safe!("it could not be asked: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::WriteRequest;
    use sopwatch_core::observe::observation::PodUid;
    use sopwatch_core::remediate::command::PlanKind;
    use sopwatch_core::testkit::{ago, now};

    fn intent() -> Intent {
        Intent {
            id: 1,
            command: Command::DeletePod {
                pod: "msa-x-2mgcp".into(),
                uid: PodUid("2mgcp".into()),
            },
            aim: PlanKind::RestartPod,
            cause: None,
            user: "oncall".into(),
            part: None,
            advice: None,
            rest: Vec::new(),
        }
    }

    /// A disk that takes so many lines and then hangs. The first line is the intent, with the time that the console gave it.
    async fn hangs_after(count: usize, mut requests: mpsc::Receiver<WriteRequest>) {
        let mut held = Vec::new();
        for number in 0.. {
            match requests.recv().await {
                Some(WriteRequest::Commit(line, answer)) if number < count => {
                    let is_intent = matches!(line.entry, Entry::Intent(_));
                    assert_eq!(is_intent, number == 0, "{line:?}");
                    assert_eq!(line.at, if is_intent { ago(1) } else { now() });
                    answer.send(Ok(())).unwrap();
                }
                Some(request) => held.push(request),
                None => break,
            }
        }
    }

    /// What the server was asked, and the outcome that the screen gets, on a disk that hangs after so many lines.
    async fn carried_out(count: usize) -> (usize, CommandOutcome) {
        let (journal, requests) = Journal::new();
        tokio::spawn(hangs_after(count, requests));
        let commands: RestartableChannel<CommandRequest> = RestartableChannel::new(1);
        let mut server = commands.listen();
        let (events, mut told) = mpsc::channel(1);
        let clock = Clock::new(now);
        let ahead = SignedDuration::ZERO;
        let executor = CommandExecutor {
            commands,
            events,
            clock,
            ahead,
        };
        tokio::spawn(executor.carry_out(ago(1), intent(), Some(journal)));
        let mut asked = 0;
        loop {
            tokio::select! {
                Some(request) = server.recv() => {
                    asked += 1;
                    let how = "accepted by the server".into();
                    request.reply.send(CommandOutcome::Applied { how }.into()).unwrap();
                }
                event = told.recv() => match event {
                    Some(Event::Outcome(Outcome::Done { outcome, .. })) => return (asked, outcome),
                    other => panic!("{other:?}"),
                },
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_disk_that_hangs_nothing_is_sent_later_and_nothing_is_held_back() {
        let began = tokio::time::Instant::now();
        let (asked, outcome) = carried_out(0).await;
        assert_eq!((asked, outcome.name()), (0, "refused"));
        assert!(
            outcome.reason().contains("did not answer within 5 s"),
            "{outcome:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(8));
        let (asked, outcome) = carried_out(1).await;
        assert_eq!((asked, outcome.name()), (1, "applied"));
        assert!(began.elapsed() < Duration::from_secs(11));
    }

    #[test]
    fn only_what_the_server_cannot_try_may_be_confirmed_untried() {
        let refused = |is_untriable| CommandReply {
            outcome: CommandOutcome::Refused {
                why: "a dry run is refused by quota".into(),
            },
            is_untriable,
        };
        assert!(matches!(dry_run_answer(refused(true)), DryRun::Untried(_)));
        assert!(matches!(dry_run_answer(refused(false)), DryRun::Refused(_)));
    }
}
