//! Several changes as one: all of them, or the account as it was.

use super::Account;

impl Account {
    /// Runs changes on the account. When they fail, every row is what it was; the cost of that is proportional to the
    /// rows that were changed.
    pub fn attempt<T, E>(&mut self, changes: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.abandon();
        self.principals.begin();
        self.objects.begin();
        self.grants.begin();
        self.owners.begin();
        self.memberships.begin();
        self.roles_by_member.begin();
        self.container_grants.begin();
        let result = changes(self);
        if result.is_ok() {
            self.commit();
        } else {
            self.roll_back();
        }
        result
    }

    /// Takes back an attempt that ended in a panic and is still open; nothing otherwise.
    pub fn abandon(&mut self) {
        if self.principals.is_open() {
            self.roll_back();
        }
    }

    fn commit(&mut self) {
        self.principals.commit();
        self.objects.commit();
        self.grants.commit();
        self.owners.commit();
        self.memberships.commit();
        self.roles_by_member.commit();
        self.container_grants.commit();
    }

    fn roll_back(&mut self) {
        self.principals.roll_back();
        self.objects.roll_back();
        self.grants.roll_back();
        self.owners.roll_back();
        self.memberships.roll_back();
        self.roles_by_member.roll_back();
        self.container_grants.roll_back();
        self.contents.take();
    }
}

#[cfg(test)]
mod tests {
    use crate::account::{Account, ApplyError, PrincipalInfo};
    use crate::model::{Change, Ident, Principal};
    use crate::sql::parse_changes;

    fn made(sql: &str) -> Account {
        let mut account = Account::new("A");
        for change in parse_changes(sql, &account).unwrap() {
            account.apply(&change, Some(1)).unwrap();
        }
        account
    }

    /// Everything that can be asked of an account.
    fn rows(account: &Account) -> Vec<String> {
        let mut rows: Vec<String> = account.grants().map(|g| format!("{g:?}")).collect();
        rows.extend(account.memberships().map(|m| format!("{m:?}")));
        rows.extend(account.ownerships().map(|o| format!("{o:?}")));
        rows.extend(account.container_grants().map(|g| format!("{g:?}")));
        rows.extend(account.principals().map(|p| format!("{p:?}")));
        rows.extend(account.objects().map(|o| format!("{o:?}")));
        for (principal, _) in account.principals() {
            rows.extend(account.roles_of(principal).map(|m| format!("by member {m:?}")));
        }
        for (object, _) in account.objects().filter(|(o, _)| o.schema.is_none() && o.database.is_none()) {
            let inside = crate::model::Container::Database(object.name.clone());
            rows.extend(account.objects_in(&inside).map(|o| format!("inside {o:?}")));
        }
        rows.sort();
        rows
    }

    const SETUP: &str = "CREATE ROLE A; CREATE ROLE B; CREATE USER U; CREATE DATABASE D; CREATE SCHEMA D.S;
        CREATE TABLE D.S.T (X INT); CREATE DATABASE ROLE D.R; GRANT ROLE A TO ROLE B; GRANT ROLE B TO USER U;
        GRANT DATABASE ROLE D.R TO ROLE A; GRANT SELECT ON TABLE D.S.T TO ROLE A WITH GRANT OPTION;
        GRANT INSERT ON TABLE D.S.T TO DATABASE ROLE D.R; GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE A;
        GRANT OWNERSHIP ON SCHEMA D.S TO ROLE A; GRANT OWNERSHIP ON ROLE B TO ROLE A;";

    #[test]
    fn a_failed_attempt_leaves_every_row_as_it_was() {
        let mut account = made(SETUP);
        // The contents of containers are known before, and wrong after, unless they are forgotten.
        let before = rows(&account);
        for sql in [
            "DROP ROLE A",
            "DROP ROLE B; CREATE ROLE B; GRANT ROLE B TO ROLE A",
            "DROP DATABASE D",
            "DROP SCHEMA D.S; CREATE SCHEMA D.S; CREATE VIEW D.S.T AS SELECT 1",
            "REVOKE SELECT ON TABLE D.S.T FROM ROLE A CASCADE; REVOKE ROLE A FROM ROLE B",
            "REVOKE GRANT OPTION FOR SELECT ON TABLE D.S.T FROM ROLE A",
            "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B REVOKE CURRENT GRANTS",
            "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B COPY CURRENT GRANTS",
            "REVOKE SELECT ON FUTURE TABLES IN SCHEMA D.S FROM ROLE A",
            "ALTER SCHEMA D.S ENABLE MANAGED ACCESS; ALTER USER U SET COMMENT = 'x'",
            "CREATE ROLE C; GRANT ALL ON TABLE D.S.T TO ROLE C; GRANT ROLE C TO USER U",
        ] {
            let changes = parse_changes(sql, &account).unwrap();
            let failed: Result<(), ApplyError> = account.attempt(|account| {
                changes.iter().try_for_each(|change| account.apply(change, Some(2)))?;
                let unknown = Principal::role(Ident::new("NOBODY").unwrap());
                account.apply(&Change::DropPrincipal { principal: unknown }, None)
            });
            assert!(failed.is_err());
            assert_eq!(rows(&account), before, "{sql}");
        }
    }

    #[test]
    fn an_attempt_that_panicked_is_taken_back() {
        let mut account = made(SETUP);
        let before = rows(&account);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            account.attempt(|account| -> Result<(), ()> {
                account.put_principal(Principal::role(Ident::new("HALF").unwrap()), PrincipalInfo::default());
                std::panic::resume_unwind(Box::new("asked for"))
            })
        }));
        assert!(panicked.is_err());
        assert_ne!(rows(&account), before);
        account.abandon();
        assert_eq!(rows(&account), before);
    }

    #[test]
    fn an_attempt_that_works_does_what_its_changes_do() {
        let sql = "DROP SCHEMA D.S; CREATE SCHEMA D.S; DROP ROLE B; CREATE ROLE C; GRANT ROLE C TO USER U";
        let (mut tried, mut plain) = (made(SETUP), made(SETUP));
        let changes = parse_changes(sql, &tried).unwrap();
        tried.attempt(|account| changes.iter().try_for_each(|change| account.apply(change, Some(2)))).unwrap();
        changes.iter().for_each(|change| plain.apply(change, Some(2)).unwrap());
        assert_eq!(rows(&tried), rows(&plain));
    }
}
