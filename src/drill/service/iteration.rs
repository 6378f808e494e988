//! One iteration of a leader's reconcile loop: what it sees, and where it writes.

use std::time::Duration;

use jiff::Timestamp;

use super::Process;
use super::behaviour::Behaviour;
use super::counters::Counters;
use super::log::{CodeLocation, Log, time};
use super::ocm::{OcmCall, OcmFailure, wrapped};
use super::outages::Outages;
use crate::database::Tables;
use crate::random::Random;

/// What an iteration reads and writes.
pub struct Iteration<'a> {
    pub process: &'a Process,
    /// µs since 1970, by the drill's clock.
    pub at: i64,
    pub random: &'a mut Random,
    pub log: &'a mut Log,
    pub counters: &'a mut Counters,
    pub tables: &'a mut Tables,
    pub behaviour: &'a Behaviour,
    pub outages: &'a Outages,
    /// The error of every statement, if the database fails.
    pub broken: Option<&'static str>,
    /// Rows that changed later than this are not seen.
    pub blind_since: Option<Timestamp>,
    /// Whether this is before the world's start. Rows are only looked at then, since the scenario says how they are at the start.
    pub past: bool,
}

impl Iteration<'_> {
    /// The time by the pod's clock.
    pub fn now(&self) -> Timestamp {
        time(self.at + self.log.skew(&self.process.pod_uid))
    }

    /// Whether the loop sees a row that was last changed then.
    pub fn sees(&self, updated_at: Timestamp) -> bool {
        self.blind_since.is_none_or(|since| updated_at <= since) && (!self.past || updated_at <= self.now())
    }

    /// Whether so much time has passed.
    pub fn has_been(&self, since: Timestamp, span: Duration) -> bool {
        has_been(since, self.now(), span)
    }

    pub fn say(&mut self, level: u8, file: &'static str, line: u32, text: &str) {
        self.at += 400;
        self.log
            .info(self.process, self.at, level, CodeLocation(file, line), text);
    }

    pub fn complain(&mut self, file: &'static str, line: u32, text: &str) {
        self.at += 400;
        self.log
            .error(self.process, self.at, CodeLocation(file, line), text);
    }

    /// Writes a line without glog's header.
    pub fn print(&mut self, text: &str) {
        self.at += 400;
        self.log.text(self.process, self.at, text);
    }

    /// Calls OCM: counts each attempt and logs what the SDK logs. Returns how the call failed, if it did, with the SDK's text.
    pub fn ask_ocm(&mut self, call: OcmCall, cluster: &str) -> Option<(OcmFailure, String)> {
        if let Some(first) = self.outages.ocm_retried {
            self.at += first.patience().unwrap_or_default().as_micros() as i64;
            self.counters.call(self.at, call.outbound(), Some(first));
            if let Some(line) = first.standard_log(self.at) {
                self.print(&line);
            }
        }
        let failure = self.outages.ocm(call);
        self.counters.call(self.at, call.outbound(), failure);
        let failure = failure?;
        if let Some(line) = failure.standard_log(self.at) {
            self.print(&line);
        }
        Some((failure, failure.text(call, cluster, self.random)))
    }

    /// The same with the text in the service's own error.
    pub fn ask_ocm_wrapped(&mut self, call: OcmCall, cluster: &str) -> Option<String> {
        self.ask_ocm(call, cluster).map(|(_, text)| wrapped(&text))
    }
}

/// Whether so much time has passed between two moments.
fn has_been(since: Timestamp, now: Timestamp, span: Duration) -> bool {
    now.duration_since(since).unsigned_abs() >= span && now >= since
}
