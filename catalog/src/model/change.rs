//! [`Change`]: one step from a snapshot to another, the currency of diff, apply, render and parse.

use super::{Container, ObjectRef, ObjectType, Principal, Privilege, Properties, Property};

/// What happens to the grants on an object when its ownership moves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OutboundGrants {
    /// `COPY CURRENT GRANTS`: they stay, granted by the new owner.
    Copy,
    /// `REVOKE CURRENT GRANTS`: they go.
    Revoke,
}

/// One step from a snapshot to another.
///
/// `granted_by` is part of a grant's identity, but SQL cannot say it: the platform records the role that
/// authorised the statement. `render` leaves it out and `parse` gives `None`; see [`Change::without_grantor`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A user appears.
    CreateUser {
        /// The user, of kind `User`.
        user: Principal,
        /// Its attributes.
        properties: Properties,
    },
    /// A role appears: account role, database role or application role.
    CreateRole {
        /// The role.
        role: Principal,
        /// Its attributes.
        properties: Properties,
    },
    /// An object appears.
    CreateObject {
        /// The object.
        object: ObjectRef,
        /// Its attributes.
        properties: Properties,
    },
    /// An attribute of a user or role changes; `None` unsets it.
    AlterPrincipal {
        /// The user or role.
        principal: Principal,
        /// Which attribute.
        property: Property,
        /// Its new value.
        value: Option<String>,
    },
    /// An attribute of an object changes; `None` unsets it.
    AlterObject {
        /// The object.
        object: ObjectRef,
        /// Which attribute.
        property: Property,
        /// Its new value.
        value: Option<String>,
    },
    /// A user or role goes, with its memberships and grants.
    DropPrincipal {
        /// The user or role.
        principal: Principal,
    },
    /// An object goes, with everything in it and all grants on it.
    DropObject {
        /// The object.
        object: ObjectRef,
    },
    /// A privilege is granted, or its grant option is added.
    GrantPrivilege {
        /// What is granted.
        privilege: Privilege,
        /// On what.
        object: ObjectRef,
        /// To whom.
        grantee: Principal,
        /// Whether the grantee may grant it on.
        grant_option: bool,
        /// The grantor, when known.
        granted_by: Option<Principal>,
    },
    /// A privilege is revoked, or only its grant option.
    RevokePrivilege {
        /// What is revoked.
        privilege: Privilege,
        /// On what.
        object: ObjectRef,
        /// From whom.
        grantee: Principal,
        /// `GRANT OPTION FOR`: the privilege itself stays.
        grant_option_only: bool,
        /// `CASCADE`: grants that depend on this one go too.
        cascade: bool,
        /// The grantor whose grant goes; `None` means any.
        granted_by: Option<Principal>,
    },
    /// Ownership moves.
    TransferOwnership {
        /// Of what.
        object: ObjectRef,
        /// To which role.
        to: Principal,
        /// What happens to the other grants; `None` refuses when there are some.
        outbound: Option<OutboundGrants>,
    },
    /// A role is granted to a role, user, share or application.
    GrantRole {
        /// The role.
        role: Principal,
        /// Who receives it.
        to: Principal,
        /// `WITH GRANT OPTION` (database roles only).
        grant_option: bool,
        /// The grantor, when known.
        granted_by: Option<Principal>,
    },
    /// A membership ends.
    RevokeRole {
        /// The role.
        role: Principal,
        /// Who loses it.
        from: Principal,
        /// The grantor whose grant goes; `None` means any.
        granted_by: Option<Principal>,
    },
    /// A template for objects yet to come.
    GrantFuture {
        /// What will be granted.
        privilege: Privilege,
        /// On objects of this type.
        object_type: ObjectType,
        /// In this database or schema.
        container: Container,
        /// To whom.
        grantee: Principal,
        /// With grant option.
        grant_option: bool,
    },
    /// A template goes; what it made stays.
    RevokeFuture {
        /// The privilege of the template.
        privilege: Privilege,
        /// Its type.
        object_type: ObjectType,
        /// Its container.
        container: Container,
        /// Its grantee.
        grantee: Principal,
    },
    /// A live grant on every present and future object of a type in a container.
    GrantInherited {
        /// What is granted.
        privilege: Privilege,
        /// On objects of exactly this type.
        object_type: ObjectType,
        /// In the account, a database or a schema.
        container: Container,
        /// To whom.
        grantee: Principal,
    },
    /// A live grant ends.
    RevokeInherited {
        /// Its privilege.
        privilege: Privilege,
        /// Its type.
        object_type: ObjectType,
        /// Its container.
        container: Container,
        /// Its grantee.
        grantee: Principal,
    },
}

impl Change {
    /// The same change as SQL can say it: without grantor.
    pub fn without_grantor(mut self) -> Self {
        match &mut self {
            Self::GrantPrivilege { granted_by, .. }
            | Self::RevokePrivilege { granted_by, .. }
            | Self::GrantRole { granted_by, .. }
            | Self::RevokeRole { granted_by, .. } => *granted_by = None,
            _ => {}
        }
        self
    }

    /// A short name of the kind of change, as the `change` column shows it: `grant privilege`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CreateUser { .. } => "create user",
            Self::CreateRole { .. } => "create role",
            Self::CreateObject { .. } => "create object",
            Self::AlterPrincipal { principal, .. } if principal.kind.is_role() => "alter role",
            Self::AlterPrincipal { .. } => "alter user",
            Self::AlterObject { .. } => "alter object",
            Self::DropPrincipal { principal } if principal.kind.is_role() => "drop role",
            Self::DropPrincipal { .. } => "drop user",
            Self::DropObject { .. } => "drop object",
            Self::GrantPrivilege { .. } => "grant privilege",
            Self::RevokePrivilege { grant_option_only: true, .. } => "revoke grant option",
            Self::RevokePrivilege { .. } => "revoke privilege",
            Self::TransferOwnership { .. } => "transfer ownership",
            Self::GrantRole { .. } => "grant role",
            Self::RevokeRole { .. } => "revoke role",
            Self::GrantFuture { .. } => "grant future privilege",
            Self::RevokeFuture { .. } => "revoke future privilege",
            Self::GrantInherited { .. } => "grant inherited privilege",
            Self::RevokeInherited { .. } => "revoke inherited privilege",
        }
    }
}
