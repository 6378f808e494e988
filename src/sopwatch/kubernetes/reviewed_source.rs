//! Sources that not everybody may read: they wait for the access review before they are tried, and after a refusal.

use std::time::Duration;

use tokio::sync::watch;

use super::access::Rights;
use super::clock::timeout;
use super::task_context::{ApiSession, TaskContext};

/// How long the access review is waited for before a source is tried without its answer.
const REVIEW_WITHIN: Duration = Duration::from_secs(10);

/// How long after a refusal a source is tried again, unless the access review says otherwise before.
pub(super) const FORBIDDEN_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Waits until the access review says whether a source may be read, or for long enough.
pub(super) async fn until_reviewed(
    rights: &mut watch::Receiver<Rights>,
    allowed: impl Fn(&Rights) -> Option<bool>,
) {
    let _ = timeout(REVIEW_WITHIN, rights.wait_for(|rights| allowed(rights).is_some())).await;
}

/// Waits until the access review says something else, other credentials than the refused ones are there, `sooner` comes, or long enough
/// has passed.
pub(super) async fn until_allowed(
    refused: &ApiSession,
    rights: &mut watch::Receiver<Rights>,
    context: &mut TaskContext,
    sooner: impl Future,
) {
    let again = async {
        tokio::select! {
            changed = rights.changed() => { let _ = changed; }
            () = context.replaced(refused.epoch) => {}
            came = sooner => { let _ = came; }
        }
    };
    let _ = timeout(FORBIDDEN_AGAIN_AFTER, again).await;
}
