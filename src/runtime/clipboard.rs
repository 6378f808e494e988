//! Text to where the operator can paste it from.
//!
//! tmux drops the terminal's own clipboard sequence in its default configuration, but takes `load-buffer -w` in every one.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::app::event::Outcome;

/// Terminals take about so much in one sequence, bytes before encoding.
const OSC52_LIMIT: usize = 74_000;

/// How long tmux may take.
const TMUX_LIMIT: Duration = Duration::from_secs(2);

/// Gives the text to tmux.
pub async fn to_tmux(text: String) -> Outcome {
    match timeout(TMUX_LIMIT, load_buffer(&text)).await {
        Ok(Ok(())) => Outcome::Copied {
            to: "the tmux buffer (paste with prefix ])".into(),
            file: None,
        },
        Ok(Err(problem)) => Outcome::Failed {
            what: format!("copy to tmux: {problem}").into(),
        },
        Err(_) => Outcome::Failed {
            what: "copy to tmux: no answer in 2 s".into(),
        },
    }
}

async fn load_buffer(text: &str) -> std::io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = tmux.stdin.take() {
        stdin.write_all(text.as_bytes()).await?;
    }
    let status = tmux.wait().await?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(status.to_string()))
    }
}

/// The sequence that asks the terminal to take the text, or why not.
pub fn osc52(text: &str) -> Result<String, Outcome> {
    if text.len() > OSC52_LIMIT {
        let what = format!(
            "copy: {} bytes are more than a terminal's clipboard takes",
            text.len()
        );
        return Err(Outcome::Failed { what: what.into() });
    }
    Ok(format!(
        "\u{1b}]52;c;{}\u{7}",
        base64::engine::general_purpose::STANDARD.encode(text)
    ))
}
