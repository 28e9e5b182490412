//! Offline exports.
