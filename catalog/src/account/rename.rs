//! Renaming: an object gets another name and stays what it is, with everything that hangs on it or lies in it.

use super::{Account, ApplyError, ContainerGrantInfo, ContainerGrantKey, object_key};
use crate::model::{Container, ObjectRef, ObjectType};

impl Account {
    /// Gives an object another name. What is granted on it, its owner and its attributes stay; what lies in it is named
    /// after it, and so are future and inherited grants in it.
    ///
    /// Users and roles cannot be renamed, nor can a database that has database roles: grants name them as grantors.
    pub fn rename_object(&mut self, from: &ObjectRef, to: &ObjectRef) -> Result<(), ApplyError> {
        let shown = |o: &ObjectRef| format!("{} {}", o.object_type.sql(), o.quoted());
        if self.object(from).is_none() {
            return Err(ApplyError::NoObject(shown(from)));
        }
        if self.object(to).is_some() {
            return Err(ApplyError::Exists(shown(to)));
        }
        let inside = match from.object_type.as_str() {
            "DATABASE" => Some(Container::Database(from.name.clone())),
            "SCHEMA" => from.database.clone().map(|d| Container::Schema(d, from.name.clone())),
            _ => None,
        };
        let has_roles = from.object_type == ObjectType::DATABASE
            && self.principals().any(|(p, _)| p.scope.first() == Some(&from.name));
        if from.object_type.is_role() || from.object_type == ObjectType::USER || has_roles {
            return Err(ApplyError::NotRenamed(shown(from)));
        }
        let moved = |object: &ObjectRef| {
            let mut object = object.clone();
            if from.object_type == ObjectType::DATABASE {
                object.database = Some(to.name.clone());
            } else {
                object.database.clone_from(&to.database);
                object.schema = Some(to.name.clone());
            }
            object
        };
        let mut names = vec![(from.clone(), to.clone())];
        if let Some(container) = &inside {
            names.extend(self.objects_in(container).map(|(o, _)| (o.clone(), moved(o))));
            let templates: Vec<(ContainerGrantKey, ContainerGrantInfo)> =
                self.container_grants.iter().map(|(key, info)| (key.clone(), *info)).collect();
            for (key, info) in templates {
                let container = match (&key.container, container) {
                    (here, there) if here == there => match &to.database {
                        Some(database) => Container::Schema(database.clone(), to.name.clone()),
                        None => Container::Database(to.name.clone()),
                    },
                    (Container::Schema(d, s), Container::Database(old)) if d == old => {
                        Container::Schema(to.name.clone(), s.clone())
                    }
                    _ => continue,
                };
                self.container_grants.remove(&key);
                self.container_grants.insert(ContainerGrantKey { container, ..key }, info);
            }
        }
        for (old, new) in names {
            self.objects.rename(&object_key(&old), object_key(&new), new);
        }
        self.contents.take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::account::Account;
    use crate::model::{Ident, ObjectRef, ObjectType};
    use crate::sql::parse_changes;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    fn account() -> Account {
        let sql = "CREATE ROLE R; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE TABLE D.S.T (X INT);
            GRANT SELECT ON TABLE D.S.T TO ROLE R; GRANT OWNERSHIP ON TABLE D.S.T TO ROLE R;
            GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE R; GRANT USAGE ON SCHEMA D.S TO ROLE R";
        let mut account = Account::new("A");
        for change in parse_changes(sql, &account).unwrap() {
            account.apply(&change, None).unwrap();
        }
        account
    }

    fn rows(account: &Account) -> Vec<String> {
        let mut rows: Vec<String> = account.grants().map(|g| format!("{} {}", g.privilege, g.object.shown())).collect();
        rows.extend(account.container_grants().map(|g| format!("{} {:?}", g.privilege, g.container)));
        rows.extend(account.ownerships().map(|o| format!("OWNERSHIP {}", o.object.shown())));
        rows.sort();
        rows
    }

    #[test]
    fn a_renamed_container_takes_what_is_in_it_along() {
        for (from, to) in [
            (ObjectRef::database(id("D")), ObjectRef::database(id("E"))),
            (
                ObjectRef::in_database(ObjectType::SCHEMA, id("D"), id("S")),
                ObjectRef::in_database(ObjectType::SCHEMA, id("D"), id("Z")),
            ),
            (
                ObjectRef::in_schema(ObjectType::TABLE, id("D"), id("S"), id("T")),
                ObjectRef::in_schema(ObjectType::TABLE, id("D"), id("S"), id("NEW")),
            ),
        ] {
            let mut account = account();
            let before = rows(&account);
            account.rename_object(&from, &to).unwrap();
            assert_ne!(rows(&account), before);
            assert_eq!(rows(&account).len(), before.len());
            assert!(account.object(&from).is_none());
            account.rename_object(&to, &from).unwrap();
            assert_eq!(rows(&account), before);
            let failed: Result<(), ()> = account.attempt(|account| {
                account.rename_object(&from, &to).unwrap();
                Err(())
            });
            assert!(failed.is_err());
            assert_eq!(rows(&account), before);
        }
    }

    #[test]
    fn a_name_that_is_taken_or_unknown_is_refused() {
        let mut account = account();
        let database = |name| ObjectRef::database(id(name));
        assert!(account.rename_object(&database("X"), &database("Y")).is_err());
        assert!(account.rename_object(&database("D"), &database("D")).is_err());
    }
}
