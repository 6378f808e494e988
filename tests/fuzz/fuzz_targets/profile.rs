//! Profiles: the built-in one with a line changed, or a whole text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sopwatch::config::profiles::parse;
use sopwatch_core::profile::Profile;
use sopwatch_core::testkit::BUILT_IN_PROFILE;

fuzz_target!(|bytes: &[u8]| {
    let Some((place, text)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let place = usize::from(u16::from_le_bytes(*place));
    let whole = if place == 0 { text.to_owned() } else { changed(place, text) };
    match parse("fuzzed.toml", &whole) {
        Ok(profile) => {
            let json = serde_json::to_string(&profile).expect("a profile can be written");
            let again: Profile = serde_json::from_str(&json).expect("what was written can be read");
            assert_eq!(again, profile);
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("fuzzed.toml"), "{said}");
            assert!(said.chars().all(|one| one == '\n' || !one.is_control()), "{said:?}");
        }
    }
});

/// The built-in profile with other words in place of one of its lines.
fn changed(place: usize, text: &str) -> String {
    let lines: Vec<&str> = BUILT_IN_PROFILE.lines().collect();
    let place = place % lines.len();
    [&lines[..place], &[text][..], &lines[place + 1..]].concat().join("\n")
}
