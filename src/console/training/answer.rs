//! What the operator would do, and whether that is right here.

use sopwatch_core::profile::Profile;
use sopwatch_core::profile::rule::Advice;

/// An answer's advice as it is said in a sentence: what somebody does, where [`Advice::words`] says what is to be done.
pub fn in_a_sentence(advice: Advice) -> &'static str {
    match advice {
        Advice::None => "do nothing",
        Advice::Gather => "restore access or check yourself",
        other => other.words(),
    }
}

/// When an answer is the right one.
pub fn when(advice: Advice) -> &'static str {
    match advice {
        Advice::None => "nothing is wrong any more",
        Advice::Wait => "something just changed: check again later",
        Advice::Gather => "the evidence is not enough to act",
        Advice::StartPods => "no pod is running",
        Advice::RestartPods => "one by one, leaders last",
        Advice::ScaleUp => "the pods can't handle the load",
        Advice::Escalate => "hand over with the evidence and what was done",
    }
}

/// An answer: what to do, and for an escalation the team to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What.
    pub action: Advice,
    /// A key of the profile's contacts.
    pub contact: Option<String>,
}

impl Choice {
    /// What is offered: an escalation once for every contact of the profile.
    pub fn all(profile: &Profile) -> Vec<Self> {
        let plain = |action: &Advice| *action != Advice::Escalate || profile.contacts.is_empty();
        let plain = Advice::ALL.into_iter().filter(plain);
        let moves = plain.map(|action| Self {
            action,
            contact: None,
        });
        let escalations = profile.contacts.keys().map(|contact| Self {
            action: Advice::Escalate,
            contact: Some(contact.clone()),
        });
        moves.chain(escalations).collect()
    }

    /// As it is said: `escalate to OCM support`.
    pub fn words(&self, profile: &Profile) -> String {
        let Some(contact) = &self.contact else {
            return in_a_sentence(self.action).to_owned();
        };
        let title = profile
            .contacts
            .get(contact)
            .map_or(contact.as_str(), |known| &known.title);
        format!("{} to {title}", in_a_sentence(self.action))
    }
}

/// What is right in a scenario, and what does harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The right thing to do.
    pub choice: Choice,
    /// What is as right.
    pub or: Vec<Choice>,
    /// What does harm here.
    pub harmful: Vec<Advice>,
}

/// How an answer compares with the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerVerdict {
    /// It is the right one.
    Right,
    /// Escalating is right, but to another team.
    OtherContact,
    /// It does harm.
    Harmful,
    /// It is another one.
    Other,
}

impl AnswerVerdict {
    /// Compares an answer with the right one.
    pub fn of(given: &Choice, right: &Right) -> Self {
        if *given == right.choice || right.or.contains(given) {
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
            Self::OtherContact => "right to escalate, wrong team",
            Self::Harmful => "harmful here",
            Self::Other => "not what was needed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopwatch_core::testkit::profile;

    fn choice(action: Advice, contact: Option<&str>) -> Choice {
        let contact = contact.map(str::to_owned);
        Choice { action, contact }
    }

    #[test]
    fn an_answer_that_is_as_right_is_right() {
        let right = Right {
            choice: choice(Advice::StartPods, None),
            or: vec![choice(Advice::RestartPods, None)],
            harmful: Vec::new(),
        };
        for (action, verdict) in [
            (Advice::StartPods, AnswerVerdict::Right),
            (Advice::RestartPods, AnswerVerdict::Right),
            (Advice::Wait, AnswerVerdict::Other),
        ] {
            assert_eq!(AnswerVerdict::of(&choice(action, None), &right), verdict);
        }
    }

    #[test]
    fn an_answer_is_right_nearly_right_harmful_or_another() {
        let right = Right {
            choice: choice(Advice::Escalate, Some("ocm-support")),
            or: Vec::new(),
            harmful: vec![Advice::RestartPods],
        };
        for (action, contact, verdict) in [
            (Advice::Escalate, Some("ocm-support"), AnswerVerdict::Right),
            (
                Advice::Escalate,
                Some("control-plane"),
                AnswerVerdict::OtherContact,
            ),
            (Advice::RestartPods, None, AnswerVerdict::Harmful),
            (Advice::Wait, None, AnswerVerdict::Other),
        ] {
            assert_eq!(
                AnswerVerdict::of(&choice(action, contact), &right),
                verdict,
                "{action:?}"
            );
        }
    }

    #[test]
    fn an_escalation_is_offered_once_for_every_contact() {
        let mut profile = profile();
        profile.contacts.clear();
        assert_eq!(Choice::all(&profile).len(), Advice::ALL.len());
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
        assert_eq!(words.len(), Advice::ALL.len() + 1);
        assert_eq!(words[6..], ["escalate to Team A", "escalate to Team B"]);
        let unknown = choice(Advice::Escalate, Some("c"));
        assert_eq!(unknown.words(&profile), "escalate to c");
    }
}
