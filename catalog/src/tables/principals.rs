//! `users`, `roles` and `role_grants`.

use super::definition::{ACCOUNT, Definition, bool, columns, int, text, time};
use super::provider::{BatchSource, Relation, ScanRequest, once};
use crate::graph::Lens;
use crate::model::{Ident, Principal, Property};
use crate::snapshot::Snapshot;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(Users), Arc::new(Roles), Arc::new(RoleGrants)]
}

#[derive(Debug)]
struct Users;

#[derive(Debug)]
struct Roles;

#[derive(Debug)]
struct RoleGrants;

/// The owner of a user or role, when it is known.
fn owner(snapshot: &Snapshot, principal: &Principal) -> Option<String> {
    let object = snapshot.object_id(&principal.as_object())?;
    snapshot.owner(object).map(Principal::shown)
}

impl Relation for Users {
    fn definition(&self) -> Definition {
        Definition::new(
            "users",
            "Users of the account",
            columns([
                &[ACCOUNT],
                &[
                    text("user_name", "Name, as stored"),
                    text("login_name", "Name typed at login"),
                    text("display_name", "Name shown"),
                    text("email", "E-mail address"),
                    text("type", "PERSON, SERVICE, LEGACY_SERVICE; NULL counts as PERSON"),
                    bool("disabled", "Whether the user cannot log in; its grants remain"),
                    text("default_role", "Role of a new session; Snowflake does not check the name"),
                    text(
                        "default_secondary_roles",
                        "ALL, empty for none, NULL when not known (Snowflake's default is ALL)",
                    ),
                    text("default_warehouse", "Warehouse of a new session"),
                    text("default_namespace", "Database and schema of a new session"),
                    bool("has_password", "Whether a password is set"),
                    bool("has_mfa", "Whether a second factor is enrolled"),
                    bool("has_rsa_public_key", "Whether a public key is set"),
                    text("last_success_login", "Last successful login, as the platform reports it"),
                    text("owner", "Role that owns the user"),
                    text("comment", "Comment on the user"),
                    time("created_on", "When it was created"),
                    bool("listed", "Whether the inventory lists it; false when only a grant mentions it"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                for id in s.graph().users() {
                    let principal = s.principals().at(id);
                    let info = s.principal_info(id);
                    let get = |p| info.properties.get(p);
                    let flag = |p| get(p).map(|v| v == "true");
                    out.text(Some(&view.name))
                        .text(Some(principal.name.as_str()))
                        .text(get(Property::LoginName))
                        .text(get(Property::DisplayName))
                        .text(get(Property::Email))
                        .text(get(Property::Type))
                        .bool(Some(info.properties.is_true(Property::Disabled)))
                        .text(get(Property::DefaultRole))
                        .text(get(Property::DefaultSecondaryRoles))
                        .text(get(Property::DefaultWarehouse))
                        .text(get(Property::DefaultNamespace))
                        .bool(flag(Property::HasPassword))
                        .bool(flag(Property::HasMfa))
                        .bool(flag(Property::HasRsaPublicKey))
                        .text(get(Property::LastSuccessLogin))
                        .text_with(|| owner(s, principal))
                        .text(get(Property::Comment))
                        .time(info.created_on)
                        .bool(Some(info.listed))
                        .end();
                }
            }
            Ok(())
        })
    }
}

impl Relation for Roles {
    fn definition(&self) -> Definition {
        Definition::new(
            "roles",
            "Roles of every kind: account roles, database roles, application roles and PUBLIC",
            columns([
                &[ACCOUNT],
                &[
                    text("role_name", "Name; database and application roles by their full name: DB.READER"),
                    text("role_type", "ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE"),
                    text("role_database", "Database (or application) of the role"),
                    text("owner", "Role that owns it"),
                    int("granted_to_users", "Users it is granted to directly"),
                    int("granted_to_roles", "Roles it is granted to directly"),
                    int("granted_roles", "Roles granted to it directly"),
                    int("included_roles", "Roles it includes, directly or not"),
                    int("effective_users", "Users that end up with it by any path; every user for PUBLIC"),
                    bool("under_sysadmin", "Whether SYSADMIN includes it, directly or not"),
                    text("comment", "Comment on the role"),
                    time("created_on", "When it was created"),
                    bool("listed", "Whether the inventory lists it; false when only a grant mentions it"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                let graph = s.graph();
                let holders = graph.user_roles(s, Lens::All);
                let sysadmin = Ident::new("SYSADMIN").ok().and_then(|name| s.principal_id(&Principal::role(name)));
                for id in s.role_ids() {
                    let principal = s.principals().at(id);
                    let everyones = graph.public_roles().binary_search(&id).is_ok();
                    let holders = if everyones { graph.users().len() } else { holders.users_of(id).len() };
                    let under_sysadmin = sysadmin.is_some_and(|top| graph.closure().contains(top, id));
                    let info = s.principal_info(id);
                    let members = graph.members_of(id);
                    let users = members.iter().filter(|m| graph.is_user(**m)).count();
                    let included = graph.closure().includes(id).len().saturating_sub(1);
                    out.text(Some(&view.name))
                        .text_with(|| Some(principal.shown()))
                        .text(Some(principal.kind.as_str()))
                        .text(principal.scope.first().map(Ident::as_str))
                        .text_with(|| owner(s, principal))
                        .int(Some(users as i64))
                        .int(Some((members.len() - users) as i64))
                        .int(Some(graph.granted_to(id).len() as i64))
                        .int(Some(included as i64))
                        .int(Some(holders as i64))
                        .bool(Some(under_sysadmin))
                        .text(info.properties.get(Property::Comment))
                        .time(info.created_on)
                        .bool(Some(info.listed))
                        .end();
                }
            }
            Ok(())
        })
    }
}

impl Relation for RoleGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "role_grants",
            "Memberships: which role is granted to which role or user; PUBLIC is everyone's and not listed",
            columns([
                &[ACCOUNT],
                &[
                    text("role_name", "Role that is granted"),
                    text("role_type", "ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE"),
                    text("granted_to", "Kind of the grantee: ROLE, DATABASE_ROLE, USER, SHARE, APPLICATION"),
                    text("grantee", "Who receives it"),
                    bool("grant_option", "Whether the grantee may grant it on (database roles only)"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                    text("origin", "granted, or builtin for memberships the platform itself makes"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                for m in s.memberships() {
                    let (role, member) = (s.principals().at(m.role), s.principals().at(m.member));
                    out.text(Some(&view.name))
                        .text_with(|| Some(role.shown()))
                        .text(Some(role.kind.as_str()))
                        .text(Some(member.kind.as_str()))
                        .text_with(|| Some(member.shown()))
                        .bool(Some(m.grant_option))
                        .text_with(|| s.grantor(m.granted_by).map(Principal::shown))
                        .time(m.created_on)
                        .text(Some(if m.builtin { "builtin" } else { "granted" }))
                        .end();
                }
            }
            Ok(())
        })
    }
}
