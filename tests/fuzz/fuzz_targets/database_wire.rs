//! What a client of the drill's database sends: from the first byte, or after it signed in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sopwatch_drill::testkit::converse;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    // Its clock jumps to whatever is waited for.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let sign_in = first % 4 != 0;
    let written = RUNTIME.with(|runtime| runtime.block_on(converse(bytes, sign_in)));
    if sign_in {
        whole_messages(&written);
    }
});

/// What the server writes is messages, each with its length.
fn whole_messages(mut rest: &[u8]) {
    while let Some((kind, after)) = rest.split_first() {
        assert!(kind.is_ascii_alphanumeric(), "{kind}");
        let (length, _) = after.split_first_chunk::<4>().expect("a length");
        let length = u32::from_be_bytes(*length) as usize;
        assert!(length >= 4);
        rest = after.get(length..).expect("a whole message");
    }
}
