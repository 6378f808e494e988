//! Names of keys, as the configuration and `--keys` write them.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sopwatch_console::keymap::{Key, Keymap};

fuzz_target!(|text: &str| {
    match Key::parse_all(text) {
        Ok(keys) => {
            for key in keys {
                let name = key.to_string();
                assert_eq!(Key::parse(&name), Ok(key), "{name:?}");
            }
        }
        Err(why) => assert!(why.contains("is no key"), "{why}"),
    }
    let Some((action, keys)) = text.split_once('=') else {
        return;
    };
    let keys = keys.split(',').map(str::to_owned).collect();
    if let Ok(keymap) = Keymap::with(&BTreeMap::from([(action.to_owned(), keys)])) {
        assert!(keymap.rows().count() > 0);
        keymap.conflict();
    }
});
