//! Statements for the drill's database.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sopwatch_drill::testkit::{Answer, answer_sql};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    // Its clock jumps to whatever is waited for.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

fuzz_target!(|sql: &str| {
    let answers = RUNTIME.with(|runtime| runtime.block_on(answer_sql(sql)));
    for answer in &answers {
        match answer {
            Answer::Rows(columns, rows) => assert!(rows.iter().all(|row| row.len() == columns.len())),
            Answer::Done(command) => assert!(!command.is_empty()),
            Answer::Refused(code, position) => {
                assert!(code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
                let most = sql.chars().count() + 1;
                assert!(position.is_none_or(|position| (1..=most).contains(&position)), "{position:?}");
            }
        }
    }
});
