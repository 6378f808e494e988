//! `sopwatch help`: a topic of the guide, a command's help, or the list of both.

use std::ffi::OsString;

use color_eyre::eyre::Result;

use super::{pager, print};
use crate::cli;
use crate::config::{ConfigError, ConfigProblem};
use crate::guide::{self, TOPICS};
use crate::runtime::terminal;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Columns where the output is no terminal.
const COLUMNS: u16 = 80;

/// Prints what the words name, in the pager where it is longer than the terminal; the exit status. `program` is how we were called.
///
/// # Errors
/// There is no such topic or command.
pub fn help(program: &OsString, words: &[String]) -> Result<u8> {
    let size = terminal::size();
    let (columns, rows) = size.unwrap_or((COLUMNS, u16::MAX));
    let text = text(program, words, columns.into())?;
    let is_longer = text.lines().count() >= usize::from(rows);
    if is_longer {
        // Where it can't be started, the text is printed whole.
        let _ = pager().take_over(&text);
    }
    print(&text).map(|()| 0)
}

fn text(program: &OsString, words: &[String], columns: usize) -> Result<SafeText, ConfigError> {
    if words.is_empty() {
        let commands = cli::help_of(program, words).unwrap_or_default();
        let topics: SafeText = guide::list().into();
        return Ok(safe!(
            "{commands}\nTopics of the guide, each shown by `sopwatch help TOPIC`:\n{topics}"
        ));
    }
    let topic = match words {
        [name] => guide::find(name),
        _ => None,
    };
    if let Some(topic) = topic {
        return Ok(guide::rendered(topic, columns).into());
    }
    cli::help_of(program, words).ok_or_else(|| unknown(words).into())
}

fn unknown(words: &[String]) -> ConfigProblem {
    let named = words.join(" ");
    let problem = ConfigProblem::new("help", format!("there is no topic or command `{named}`"));
    let commands = cli::command_names();
    let topics = TOPICS.iter().map(|topic| topic.name);
    let known: Vec<&str> = topics.chain(commands.iter().map(String::as_str)).collect();
    let guessed = problem.clone().hint_among(&named, known);
    match guessed.hint {
        Some(_) => guessed,
        None => problem.hint("`sopwatch help` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Result<String, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let text = text(&"sopwatch".into(), &words, 80);
        text.map(|text| text.to_string()).map_err(|why| why.to_string())
    }

    #[test]
    fn without_a_word_commands_and_topics_are_listed() {
        let list = shown("").expect("a list");
        for word in [
            "Usage: sopwatch",
            "  doctor ",
            "  vital-signs  ",
            "sopwatch help TOPIC",
        ] {
            assert!(list.contains(word), "{word} is not in\n{list}");
        }
        for topic in TOPICS {
            assert!(list.contains(topic.about), "{}", topic.name);
        }
    }

    #[test]
    fn a_topic_is_shown_as_its_page_and_a_command_as_its_help() {
        for topic in TOPICS {
            let page = shown(topic.name).expect("a page");
            let title = topic.text.lines().next().unwrap_or_default();
            assert!(title.starts_with("# "), "{}", topic.name);
            assert!(page.starts_with(&title[2..]), "{}", topic.name);
        }
        for (line, text) in [
            ("check", "Usage: sopwatch check"),
            ("incidents prune", "--older-than"),
        ] {
            assert!(shown(line).expect(line).contains(text), "{line}");
        }
    }

    #[test]
    fn for_a_wrong_word_the_nearest_topic_or_command_is_named() {
        for (line, hint) in [
            ("kyes", "did you mean `keys`?"),
            ("vital", "did you mean `vital-signs`?"),
            ("docter", "did you mean `doctor`?"),
            ("nonsense", "`sopwatch help` lists them"),
            ("keys logs", "`sopwatch help` lists them"),
        ] {
            let why = shown(line).expect_err(line);
            assert!(
                why.contains(&format!("there is no topic or command `{line}`")),
                "{why}"
            );
            assert!(why.contains(hint), "{line}: {why}");
        }
    }
}
