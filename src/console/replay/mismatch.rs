//! Where the findings are not as they were recorded, in words: for the page of a replay and for a check without a screen.

use super::{DatedMismatch, Player};
use crate::app::App;
use crate::app::apply_record::Mismatch;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::dialogs::step::status_word;
use sopwatch_core::diagnose::Recommendation;
use sopwatch_core::profile::Profile;
use sopwatch_core::record::{Snapshot, SnapshotLeader, SnapshotStep};
use sopwatch_core::text::{counted, duration};

impl Player {
    /// How many findings were as recorded, in words.
    pub fn summary(&self) -> String {
        let findings = counted(self.findings, "finding matches", "findings match");
        match (self.findings, self.differences.len()) {
            (0, _) => "no findings to compare".to_owned(),
            (count, 0) => format!("{count} of {findings}"),
            (count, differ) => {
                let alike = count.saturating_sub(differ);
                format!("{alike} of {findings}, {}", counted(differ, "differs", "differ"))
            }
        }
    }

    /// What is to be known before the comparison is believed: what is wrong with the file, and what is missing in it.
    fn reservations(&self) -> Vec<String> {
        let flaw = self.flaw.iter().map(ToString::to_string);
        let lost = (self.lost > 0).then(|| {
            let entries = counted(self.lost, "entry", "entries");
            format!("{entries} could not be written: later findings may differ")
        });
        flaw.chain(lost).collect()
    }
}

impl App {
    /// What differs from the record up to here.
    pub fn differences_page(&self) -> DialogText {
        let mut page = DialogText::titled("Same as recorded?");
        let Some(player) = &self.player else { return page };
        for line in player.reservations() {
            page.add(Tone::Bad, line);
        }
        for DatedMismatch { after, differs } in &player.differences {
            let found = &differs.recorded;
            page.section(&format!("{}  {}", duration::exact(*after), found.sop));
            for (what, recorded, now) in differs.changes(&self.session.profile) {
                page.add(Tone::Plain, what);
                page.add(Tone::Code, format!("  recorded  {recorded}"));
                page.add(Tone::Code, format!("  found     {now}"));
            }
        }
        if !page.lines.is_empty() {
            page.add(Tone::Plain, "");
        }
        let tone = if player.differences.is_empty() {
            Tone::Good
        } else {
            Tone::Bad
        };
        let so_far = if player.position < player.length() {
            " so far"
        } else if player.flaw.is_some() {
            ", up to where the record is readable"
        } else {
            ""
        };
        page.add(tone, format!("{}{so_far}", player.summary()));
        page
    }
}

impl Mismatch {
    /// What differs, with what was recorded and what is found. Only data: a version may word the same finding otherwise.
    pub fn changes(&self, profile: &Profile) -> Vec<(String, String, String)> {
        let Self { recorded, found } = self;
        let list = |list: Vec<String>| {
            if list.is_empty() {
                "nothing".to_owned()
            } else {
                list.join("; ")
            }
        };
        let advice = |one: &Recommendation| advice(one, profile);
        let also = |found: &Snapshot| list(found.also.iter().map(advice).collect());
        let open = |found: &Snapshot| {
            let open = found.not_ruled_out.iter();
            list(open.map(|(rule, _)| rule.clone()).collect())
        };
        let mut all = vec![
            ("SOP".to_owned(), recorded.sop.clone(), found.sop.clone()),
            (
                "recommendation".to_owned(),
                advice(&recorded.recommendation),
                advice(&found.recommendation),
            ),
            ("also".to_owned(), also(recorded), also(found)),
            ("rules still unchecked".to_owned(), open(recorded), open(found)),
        ];
        all.extend(steps(recorded, found));
        all.extend(leaders(recorded, found));
        all.retain(|(_, recorded, found)| recorded != found);
        all
    }
}

fn advice(one: &Recommendation, profile: &Profile) -> String {
    let words = profile.advice_in_words(one.action, one.contact.as_deref());
    match &one.rule {
        Some(rule) => format!("{words}, by the rule {rule}"),
        None => words.to_string(),
    }
}

fn steps(recorded: &Snapshot, found: &Snapshot) -> Vec<(String, String, String)> {
    let words = |step: Option<&SnapshotStep>| {
        let status = step.map(|step| status_word(step.status));
        status.unwrap_or("not judged").to_owned()
    };
    let id = |step: &SnapshotStep| step.id.clone();
    pairs(&recorded.steps, &found.steps, id)
        .map(|(id, one, other)| (format!("step {id}"), words(one), words(other)))
        .collect()
}

fn leaders(recorded: &Snapshot, found: &Snapshot) -> Vec<(String, String, String)> {
    let words = |leader: Option<&SnapshotLeader>| {
        let Some(leader) = leader else {
            return "not judged".to_owned();
        };
        let verdict = leader.verdict.name();
        match &leader.pod {
            Some(pod) => format!("{verdict}: {pod}"),
            None => verdict.to_owned(),
        }
    };
    let worker = |leader: &SnapshotLeader| leader.worker.clone();
    pairs(&recorded.leaders, &found.leaders, worker)
        .map(|(worker, one, other)| (format!("leader of {worker}"), words(one), words(other)))
        .collect()
}

/// What has the same name in both, and what has one in one of them.
fn pairs<'a, T>(
    recorded: &'a [T],
    found: &'a [T],
    name: impl Fn(&T) -> String + Copy + 'a,
) -> impl Iterator<Item = (String, Option<&'a T>, Option<&'a T>)> {
    let in_found = move |wanted: &str| found.iter().find(|one| name(one) == wanted);
    let both = recorded.iter().map(move |one| {
        let known = name(one);
        let other = in_found(&known);
        (known, Some(one), other)
    });
    let new = found
        .iter()
        .filter(move |one| recorded.iter().all(|known| name(known) != name(one)));
    both.chain(new.map(move |one| (name(one), None, Some(one))))
}
