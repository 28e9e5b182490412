//! The login of the Unix socket by the system's word: which of its users has opened the socket.

use std::collections::BTreeMap;

/// Whether the system's user of that number may be `user` here: by the same name, or by one that the configuration
/// gives him. One whom the system does not know is nobody.
pub(super) fn is_user(uid: u32, user: &str, aliases: &BTreeMap<String, Vec<String>>) -> bool {
    let known = uzers::get_user_by_uid(uid);
    known.as_ref().and_then(|known| known.name().to_str()).is_some_and(|known| {
        known == user || aliases.get(known).is_some_and(|names| names.iter().any(|name| name == user))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_name_counts_and_what_is_said_beside_it() {
        let aliases = BTreeMap::from([("root".to_owned(), vec!["grantd".to_owned()])]);
        assert!(is_user(0, "root", &BTreeMap::new()) && is_user(0, "grantd", &aliases));
        assert!(!is_user(0, "grantd", &BTreeMap::new()) && !is_user(0, "ann", &aliases));
        // Far above what systems give.
        assert!(!is_user(u32::MAX - 7, "root", &aliases));
    }
}
