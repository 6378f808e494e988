//! Lines of text that the operator types.

pub(crate) mod action_prompt;
pub(crate) mod drawing;
