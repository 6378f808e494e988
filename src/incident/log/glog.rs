//! Headers and severities of the formats that one container log mixes.

use serde::Serialize;

/// How bad a record says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Severity {
    /// No level of its own.
    #[default]
    Plain,
    /// glog `I`, JSON `info`, `debug`.
    Info,
    /// glog `W`.
    Warning,
    /// glog `E`, a gorm error, JSON `error`.
    Error,
    /// glog `F`, a panic.
    Fatal,
}

/// What a line's own header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// How bad.
    pub severity: Severity,
    /// `file.go` and line, of glog.
    pub place: Option<(&'a str, u32)>,
    /// What follows the header.
    pub message: &'a str,
}
