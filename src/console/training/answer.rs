//! What the operator would do, and whether that is right here.

use sopwatch_core::profile::Profile;

/// What can be recommended: the closed set of the decision table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// Nothing is wrong.
    None,
    /// Something is settling.
    Wait,
    /// What is needed to judge can't be read.
    Gather,
    /// None runs.
    StartPods,
    /// The handling rules ask for a restart.
    RestartPods,
    /// They can't carry the load.
    ScaleUp,
    /// Somebody else must help.
    Escalate,
}

impl Move {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Wait,
        Self::Gather,
        Self::StartPods,
        Self::RestartPods,
        Self::ScaleUp,
        Self::Escalate,
    ];

    /// As it is said in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "do nothing",
            Self::Wait => "wait",
            Self::Gather => "gather what can't be read",
            Self::StartPods => "start the pods",
            Self::RestartPods => "restart the pods",
            Self::ScaleUp => "run more pods",
            Self::Escalate => "escalate",
        }
    }

    /// When it is the one.
    pub fn when(self) -> &'static str {
        match self {
            Self::None => "nothing is wrong, or no longer",
            Self::Wait => "something is settling: look again later",
            Self::Gather => "the evidence does not suffice: get access, or read more",
            Self::StartPods => "no pod is to run, or none does",
            Self::RestartPods => "one after the other, with an eye on the leaders",
            Self::ScaleUp => "the pods there are can't carry the load",
            Self::Escalate => "hand over with what was seen and done",
        }
    }
}

/// An answer: what to do, and for an escalation whom to turn to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What.
    pub action: Move,
    /// A key of the profile's contacts.
    pub contact: Option<String>,
}

impl Choice {
    /// What is offered: an escalation once for every contact of the profile.
    pub fn all(profile: &Profile) -> Vec<Self> {
        let plain = |action: &Move| *action != Move::Escalate || profile.contacts.is_empty();
        let plain = Move::ALL.into_iter().filter(plain);
        let moves = plain.map(|action| Self {
            action,
            contact: None,
        });
        let escalations = profile.contacts.keys().map(|contact| Self {
            action: Move::Escalate,
            contact: Some(contact.clone()),
        });
        moves.chain(escalations).collect()
    }

    /// As it is said: `escalate to OCM support`.
    pub fn words(&self, profile: &Profile) -> String {
        let Some(contact) = &self.contact else {
            return self.action.words().to_owned();
        };
        let title = profile
            .contacts
            .get(contact)
            .map_or(contact.as_str(), |known| &known.title);
        format!("{} to {title}", self.action.words())
    }
}

/// What is right in a scenario, and what does harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The right thing to do.
    pub choice: Choice,
    /// What does harm here.
    pub harmful: Vec<Move>,
}

/// How an answer compares with the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the right one.
    Right,
    /// Escalating is right, but to another team.
    OtherContact,
    /// It does harm.
    Harmful,
    /// It is another one.
    Other,
}

impl Verdict {
    /// Compares an answer with the right one.
    pub fn of(given: &Choice, right: &Right) -> Self {
        if *given == right.choice {
            Self::Right
        } else if given.action == right.choice.action {
            Self::OtherContact
        } else if right.harmful.contains(&given.action) {
            Self::Harmful
        } else {
            Self::Other
        }
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::OtherContact => "right to escalate, but to another team",
            Self::Harmful => "would do harm here",
            Self::Other => "not what the situation asked for",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::testkit::profile;

    fn choice(action: Move, contact: Option<&str>) -> Choice {
        let contact = contact.map(str::to_owned);
        Choice { action, contact }
    }

    #[test]
    fn an_answer_is_right_nearly_right_harmful_or_another() {
        let right = Right {
            choice: choice(Move::Escalate, Some("ocm-support")),
            harmful: vec![Move::RestartPods],
        };
        for (action, contact, verdict) in [
            (Move::Escalate, Some("ocm-support"), Verdict::Right),
            (Move::Escalate, Some("control-plane"), Verdict::OtherContact),
            (Move::RestartPods, None, Verdict::Harmful),
            (Move::Wait, None, Verdict::Other),
        ] {
            assert_eq!(
                Verdict::of(&choice(action, contact), &right),
                verdict,
                "{action:?}"
            );
        }
    }

    #[test]
    fn an_escalation_is_offered_once_for_every_contact() {
        let mut profile = profile();
        profile.contacts.clear();
        assert_eq!(Choice::all(&profile).len(), Move::ALL.len());
        for (id, title) in [("a", "Team A"), ("b", "Team B")] {
            let contact = sopwatch_core::profile::Contact {
                title: title.to_owned(),
                ..sopwatch_core::profile::Contact::default()
            };
            profile.contacts.insert(id.to_owned(), contact);
        }
        let words: Vec<_> = Choice::all(&profile)
            .iter()
            .map(|choice| choice.words(&profile))
            .collect();
        assert_eq!(words.len(), Move::ALL.len() + 1);
        assert_eq!(words[6..], ["escalate to Team A", "escalate to Team B"]);
        let unknown = choice(Move::Escalate, Some("c"));
        assert_eq!(unknown.words(&profile), "escalate to c");
    }
}
