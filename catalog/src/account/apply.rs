//! Applying changes: one step at a time, all of it or an error that names the change.

use super::lookup::{keys_of_grantee, keys_of_privilege};
use super::{
    Account, ContainerGrant, ContainerGrantKey, Grant, GrantInfo, GrantKey, Membership, MembershipKey, Micros,
    NO_GRANTOR, ObjectInfo, Ownership, PrincipalInfo, Reach, keys_of, object_key,
};
use crate::model::{Change, Container, ObjectRef, ObjectType, OutboundGrants, Principal, Privilege, Properties};

/// Why a change does not apply to an account. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A user or role that the change needs does not exist.
    #[error("{0} does not exist")]
    NoPrincipal(String),
    /// An object that the change needs does not exist.
    #[error("{0} does not exist")]
    NoObject(String),
    /// The change creates something that exists.
    #[error("{0} already exists")]
    Exists(String),
    /// The change revokes something that is not granted.
    #[error("{0}: there is no such grant")]
    NotGranted(String),
    /// PUBLIC and the account itself cannot be dropped.
    #[error("{0} cannot be dropped")]
    Permanent(String),
    /// Users and roles are named by the grants that they made.
    #[error("{0} cannot be renamed")]
    NotRenamed(String),
}

impl Account {
    /// Applies one change, at the given time (evidence for `created_on`).
    pub fn apply(&mut self, change: &Change, at: Option<Micros>) -> Result<(), ApplyError> {
        match change {
            Change::CreateUser { user: principal, properties } | Change::CreateRole { role: principal, properties } => {
                self.create_principal(principal, properties, at)
            }
            Change::CreateObject { object, properties } => self.create_object(object, properties, at),
            Change::AlterPrincipal { principal, property, value } => {
                let info = self
                    .principals
                    .find_mut(principal)
                    .ok_or_else(|| ApplyError::NoPrincipal(principal.grantee_sql()))?;
                info.properties.set(*property, value.clone());
                Ok(())
            }
            Change::AlterObject { object, property, value } => {
                let info = self.objects.find_mut(&object_key(object)).ok_or_else(|| no_object(object))?;
                info.properties.set(*property, value.clone());
                Ok(())
            }
            Change::DropPrincipal { principal } => self.drop_principal(principal),
            Change::DropObject { object } => self.drop_object(object),
            Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by } => {
                self.need_object(object)?;
                self.need_principal(grantee)?;
                if self.is_whole_import(privilege, object) {
                    self.grant_imported(self.exposed_by(object), grantee, granted_by.as_ref(), at);
                    return Ok(());
                }
                self.put_grant(Grant {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee: grantee.clone(),
                    granted_by: granted_by.clone(),
                    grant_option: *grant_option,
                    created_on: at,
                });
                Ok(())
            }
            Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, granted_by } => {
                if *privilege == Privilege::OWNERSHIP {
                    return self.disown(object, grantee);
                }
                if self.is_whole_import(privilege, object) {
                    return self.revoke_imported(object, grantee);
                }
                let rows = self.matching(privilege, object, grantee, granted_by.as_ref())?;
                let rows: Vec<_> = rows.into_iter().filter(|(_, option)| *option || !grant_option_only).collect();
                if rows.is_empty() {
                    return Err(not_granted(privilege, object, grantee));
                }
                for (key, _) in rows {
                    if *grant_option_only {
                        if let Some(info) = self.grants.get(&key).copied() {
                            self.grants.insert(key, GrantInfo { grant_option: false, ..info });
                        }
                    } else {
                        self.grants.remove(&key);
                    }
                    if *cascade {
                        self.revoke_dependents(key);
                    }
                }
                Ok(())
            }
            Change::TransferOwnership { object, to, outbound } => self.transfer(object, to, *outbound, at),
            Change::GrantRole { role, to, grant_option, granted_by } => {
                self.need_principal(role)?;
                self.need_principal(to)?;
                self.put_membership(&Membership {
                    role: role.clone(),
                    member: to.clone(),
                    granted_by: granted_by.clone(),
                    grant_option: *grant_option,
                    builtin: false,
                    created_on: at,
                });
                Ok(())
            }
            Change::RevokeRole { role, from, granted_by } => self.revoke_role(role, from, granted_by.as_ref()),
            Change::GrantFuture { privilege, object_type, container, grantee, grant_option } => {
                self.grant_container(Reach::Future, privilege, object_type, container, grantee, *grant_option, at)
            }
            Change::GrantInherited { privilege, object_type, container, grantee } => {
                self.grant_container(Reach::Inherited, privilege, object_type, container, grantee, false, at)
            }
            Change::RevokeFuture { privilege, object_type, container, grantee } => {
                self.revoke_container(Reach::Future, privilege, object_type, container, grantee)
            }
            Change::RevokeInherited { privilege, object_type, container, grantee } => {
                self.revoke_container(Reach::Inherited, privilege, object_type, container, grantee)
            }
        }
    }

    fn need_principal(&self, principal: &Principal) -> Result<u32, ApplyError> {
        let found = self.principals.find(principal).map(|(id, ..)| id);
        found.ok_or_else(|| ApplyError::NoPrincipal(principal.grantee_sql()))
    }

    /// Users and roles are securables without an entry of their own until something is granted on them.
    fn need_object(&self, object: &ObjectRef) -> Result<(), ApplyError> {
        let known = self.objects.find(&object_key(object)).is_some()
            || Principal::from_object(object).is_some_and(|p| self.principals.find(&p).is_some());
        if known { Ok(()) } else { Err(no_object(object)) }
    }

    fn create_principal(
        &mut self,
        principal: &Principal,
        properties: &Properties,
        at: Option<Micros>,
    ) -> Result<(), ApplyError> {
        if self.principals.find(principal).is_some() {
            return Err(ApplyError::Exists(principal.grantee_sql()));
        }
        self.put_principal(
            principal.clone(),
            PrincipalInfo { properties: properties.clone(), created_on: at, listed: true },
        );
        Ok(())
    }

    fn create_object(
        &mut self,
        object: &ObjectRef,
        properties: &Properties,
        at: Option<Micros>,
    ) -> Result<(), ApplyError> {
        if let Some((_, existing, _)) = self.objects.find(&object_key(object)) {
            return Err(ApplyError::Exists(format!("{} {}", existing.object_type.sql(), existing.quoted())));
        }
        self.put_object(object.clone(), ObjectInfo { properties: properties.clone(), created_on: at, listed: true });
        Ok(())
    }

    fn drop_principal(&mut self, principal: &Principal) -> Result<(), ApplyError> {
        if *principal == Principal::public() {
            return Err(ApplyError::Permanent("ROLE \"PUBLIC\"".to_owned()));
        }
        let id = self.need_principal(principal)?;
        self.forget_object(&principal.as_object());
        self.grants.retain(|key| key.grantee != id);
        let owned: Vec<u32> = self.owners.iter().filter(|(_, info)| info.owner == id).map(|(key, _)| *key).collect();
        for object in owned {
            self.owners.remove(&object);
        }
        self.memberships.retain(|key| key.role != id && key.member != id);
        self.roles_by_member.retain(|(member, role, _)| *role != id && *member != id);
        self.container_grants.retain(|key| key.grantee != id);
        self.principals.remove(principal);
        Ok(())
    }

    fn drop_object(&mut self, object: &ObjectRef) -> Result<(), ApplyError> {
        if object.object_type == ObjectType::ACCOUNT {
            return Err(ApplyError::Permanent("the account".to_owned()));
        }
        if self.objects.find(&object_key(object)).is_none() {
            return Err(no_object(object));
        }
        let container = match object.object_type.as_str() {
            "DATABASE" => Some(Container::Database(object.name.clone())),
            "SCHEMA" => object.database.clone().map(|d| Container::Schema(d, object.name.clone())),
            _ => None,
        };
        if let Some(container) = container {
            let inside: Vec<ObjectRef> = self.objects_in(&container).map(|(o, _)| o.clone()).collect();
            for child in inside {
                self.forget_object(&child);
            }
            if let Container::Database(database) = &container {
                let roles: Vec<Principal> = self
                    .principals
                    .iter()
                    .filter(|(_, p, _)| p.kind == crate::model::PrincipalKind::DatabaseRole)
                    .filter(|(_, p, _)| p.scope.first() == Some(database))
                    .map(|(_, p, _)| p.clone())
                    .collect();
                for role in roles {
                    self.drop_principal(&role)?;
                }
                self.container_grants.retain(|key| key.container.database() != Some(database));
            } else {
                self.container_grants.retain(|key| key.container != container);
            }
        }
        self.forget_object(object);
        Ok(())
    }

    /// Removes an object with its grants and owner; nothing when it has no entry.
    fn forget_object(&mut self, object: &ObjectRef) {
        if let Some(id) = self.objects.remove(&object_key(object)) {
            self.contents.take();
            let keys: Vec<GrantKey> = self.grants.range(keys_of(id)).map(|(key, _)| *key).collect();
            for key in keys {
                self.grants.remove(&key);
            }
            self.owners.remove(&id);
        }
    }

    /// The rows of one privilege on one object to one grantee: their keys and grant options.
    fn matching(
        &self,
        privilege: &Privilege,
        object: &ObjectRef,
        grantee: &Principal,
        granted_by: Option<&Principal>,
    ) -> Result<Vec<(GrantKey, bool)>, ApplyError> {
        self.need_object(object)?;
        let grantee_id = self.need_principal(grantee)?;
        let found = self.objects.find(&object_key(object)).zip(self.privileges.find(privilege));
        let Some(((object_id, ..), privilege_id)) = found else { return Ok(Vec::new()) };
        let wanted = match granted_by {
            None => None,
            Some(g) => match self.grantors.find(g) {
                None => return Ok(Vec::new()),
                id => id,
            },
        };
        let rows = self.grants.range(keys_of_grantee(object_id, privilege_id, grantee_id));
        let rows = rows.filter(|(key, _)| wanted.is_none_or(|granted_by| key.granted_by == granted_by));
        Ok(rows.map(|(key, info)| (*key, info.grant_option)).collect())
    }

    /// Removes the grants that the grantee of a removed row made of the same privilege, and theirs in turn.
    fn revoke_dependents(&mut self, removed: GrantKey) {
        let mut queue = vec![removed.grantee];
        while let Some(grantee) = queue.pop() {
            let still_holds = self
                .grants
                .range(keys_of_grantee(removed.object, removed.privilege, grantee))
                .any(|(_, info)| info.grant_option);
            let Some(grantor) = self.principals.name(grantee).and_then(|p| self.grantors.find(p)) else { continue };
            if still_holds {
                continue;
            }
            let dependents: Vec<GrantKey> = self
                .grants
                .range(keys_of_privilege(removed.object, removed.privilege))
                .filter(|(k, _)| k.granted_by == grantor)
                .map(|(k, _)| *k)
                .collect();
            for key in dependents {
                self.grants.remove(&key);
                queue.push(key.grantee);
            }
        }
    }

    fn disown(&mut self, object: &ObjectRef, owner: &Principal) -> Result<(), ApplyError> {
        let id = self.need_principal(owner)?;
        let (object_id, ..) = self.objects.find(&object_key(object)).ok_or_else(|| no_object(object))?;
        if self.owners.get(&object_id).is_none_or(|info| info.owner != id) {
            return Err(not_granted(&Privilege::OWNERSHIP, object, owner));
        }
        self.owners.remove(&object_id);
        Ok(())
    }

    fn transfer(
        &mut self,
        object: &ObjectRef,
        to: &Principal,
        outbound: Option<OutboundGrants>,
        at: Option<Micros>,
    ) -> Result<(), ApplyError> {
        self.need_object(object)?;
        self.need_principal(to)?;
        self.put_ownership(&Ownership {
            object: object.clone(),
            owner: to.clone(),
            granted_by: Some(to.clone()),
            created_on: at,
        });
        let Some(outbound) = outbound else { return Ok(()) };
        let id = self.object_id(object);
        let rows: Vec<(GrantKey, GrantInfo)> = self.grants.range(keys_of(id)).map(|(k, info)| (*k, *info)).collect();
        let new_owner = self.grantor_id(Some(to));
        for (key, info) in rows {
            self.grants.remove(&key);
            if outbound == OutboundGrants::Copy {
                let copied = GrantKey { granted_by: new_owner, ..key };
                let known = self.grants.get(&copied).copied().unwrap_or(info);
                let grant_option = known.grant_option || info.grant_option;
                self.grants.insert(copied, GrantInfo { grant_option, ..known });
            }
        }
        Ok(())
    }

    fn revoke_role(
        &mut self,
        role: &Principal,
        from: &Principal,
        granted_by: Option<&Principal>,
    ) -> Result<(), ApplyError> {
        let (role_id, from_id) = (self.need_principal(role)?, self.need_principal(from)?);
        let wanted = granted_by.map(|g| self.grantors.find(g).unwrap_or(NO_GRANTOR));
        let key = |n| MembershipKey { role: role_id, member: from_id, granted_by: n };
        let rows = self.memberships.range(key(0)..=key(u32::MAX));
        let keys: Vec<MembershipKey> =
            rows.map(|(key, _)| *key).filter(|key| wanted.is_none_or(|g| key.granted_by == g)).collect();
        if keys.is_empty() {
            return Err(ApplyError::NotGranted(format!("{} to {}", role.grantee_sql(), from.grantee_sql())));
        }
        for key in keys {
            self.memberships.remove(&key);
            self.roles_by_member.remove(&(key.member, key.role, key.granted_by));
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one grant row")]
    fn grant_container(
        &mut self,
        reach: Reach,
        privilege: &Privilege,
        object_type: &ObjectType,
        container: &Container,
        grantee: &Principal,
        grant_option: bool,
        at: Option<Micros>,
    ) -> Result<(), ApplyError> {
        self.need_container(container)?;
        self.need_principal(grantee)?;
        self.put_container_grant(ContainerGrant {
            reach,
            container: container.clone(),
            object_type: object_type.clone(),
            privilege: privilege.clone(),
            grantee: grantee.clone(),
            grant_option,
            granted_by: None,
            created_on: at,
        });
        Ok(())
    }

    fn revoke_container(
        &mut self,
        reach: Reach,
        privilege: &Privilege,
        object_type: &ObjectType,
        container: &Container,
        grantee: &Principal,
    ) -> Result<(), ApplyError> {
        let grantee_id = self.need_principal(grantee)?;
        let removed = self.privileges.find(privilege).and_then(|privilege| {
            let key = ContainerGrantKey {
                reach,
                container: container.clone(),
                object_type: object_type.clone(),
                privilege,
                grantee: grantee_id,
            };
            self.container_grants.remove(&key)
        });
        match removed {
            Some(_) => Ok(()),
            None => Err(ApplyError::NotGranted(format!(
                "{privilege} on {} {} in {container:?} to {}",
                if reach == Reach::Future { "future" } else { "all" },
                object_type.plural_sql(),
                grantee.grantee_sql()
            ))),
        }
    }

    fn need_container(&self, container: &Container) -> Result<(), ApplyError> {
        match container {
            Container::Account => Ok(()),
            Container::Database(d) => self.need_object(&ObjectRef::database(d.clone())),
            Container::Schema(d, s) => {
                self.need_object(&ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone()))
            }
        }
    }
}

fn no_object(object: &ObjectRef) -> ApplyError {
    ApplyError::NoObject(format!("{} {}", object.object_type.sql(), object.quoted()))
}

fn not_granted(privilege: &Privilege, object: &ObjectRef, grantee: &Principal) -> ApplyError {
    ApplyError::NotGranted(format!(
        "{privilege} on {} {} to {}",
        object.object_type.sql(),
        object.quoted(),
        grantee.grantee_sql()
    ))
}
