//! Lines of text that the operator types.

pub(crate) mod drawing;
