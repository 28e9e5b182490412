//! From a platform or its exports to an account.
