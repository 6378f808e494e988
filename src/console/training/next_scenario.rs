//! From one scenario of a drill to another: the palette finds it, and a question stands before the one that is left.

use crossterm::event::KeyCode;

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::Dialog;
use crate::dialogs::button::Button;
use crate::dialogs::dialog_text::{DialogText, Tone};

impl App {
    /// Asks whether to leave this scenario for another.
    pub(crate) fn ask_next_scenario(&mut self, id: String) {
        self.dialogs.push(Dialog::NextScenario {
            id,
            button: Button::default(),
        });
    }

    pub(crate) fn press_next_scenario(&mut self, id: &str, button: Button, key: KeyCode) -> Vec<Effect> {
        match (key, button) {
            (KeyCode::Esc, _) | (KeyCode::Enter, Button::Safe) => {
                self.dialogs.pop();
            }
            (KeyCode::Enter, Button::Acting) => {
                self.dialogs.pop();
                if self.quit().contains(&Effect::Quit) {
                    return vec![Effect::StartScenario(id.to_owned())];
                }
            }
            _ => {
                if let (Some(moved), Some(Dialog::NextScenario { button, .. })) =
                    (button.after(key), self.dialogs.last_mut())
                {
                    *button = moved;
                }
            }
        }
        Vec::new()
    }

    pub(crate) fn next_scenario_page(&self, id: &str, button: Button) -> DialogText {
        let mut page = DialogText::titled("Start another scenario?");
        if let Some(item) = self.session.scenarios.iter().find(|item| item.id == id) {
            page.add(Tone::Heading, format!("{id}: {}", item.title));
            page.add(Tone::Plain, item.story.as_str());
        }
        page.add(Tone::Plain, "");
        page.add(
            Tone::Plain,
            "This drill ends, with its cluster and database. Its debriefing is printed when you leave.",
        );
        page.add(Tone::Plain, "");
        page.add(Tone::Heading, button.line("Stay here", "Start it"));
        page
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use crate::app::App;
    use crate::app::event::{Effect, Event};
    use crate::dialogs::Dialog;
    use crate::dialogs::scenario_choice::ScenarioItem;
    use crate::keymap::Key;
    use crate::screen::fixture;
    use crate::screen::tests::screen;

    fn keys(app: &mut App, names: &str) -> Vec<Effect> {
        let keys = Key::parse_all(names).unwrap().into_iter();
        let now = app.clock.now;
        keys.flat_map(|key| app.update(Event::Key(KeyEvent::from(key)), now))
            .collect()
    }

    fn drill() -> App {
        let mut app = fixture::well();
        app.session.scenarios = vec![ScenarioItem {
            id: "two-leaders".to_owned(),
            title: "Two pods say that they lead".to_owned(),
            story: "The pager says: two leaders.".to_owned(),
            sop: "Leaders".to_owned(),
        }];
        app
    }

    #[test]
    fn a_scenario_is_found_and_started_by_the_second_button_only() {
        let mut app = drill();
        assert_eq!(keys(&mut app, ": 'twolead' enter"), []);
        assert!(matches!(app.dialog(), Some(Dialog::NextScenario { .. })));
        let shown = screen(&app, 80, 24);
        assert!(shown.contains("Two pods say that they lead"), "{shown}");
        assert!(shown.contains("[ Stay here ]"), "{shown}");
        assert_eq!(keys(&mut app, "enter"), [], "the safe button has the focus");
        assert!(app.dialog().is_none());
        assert_eq!(keys(&mut app, ": 'twolead' enter esc"), []);
        assert!(app.dialog().is_none());
        assert_eq!(
            keys(&mut app, ": 'twolead' enter right enter"),
            [Effect::StartScenario("two-leaders".to_owned())]
        );
    }

    #[test]
    fn outside_a_drill_there_is_no_scenario() {
        let app = fixture::well();
        assert!(
            !app.palette_matches("")
                .iter()
                .any(|entry| entry.kind == "scenario")
        );
    }
}
