//! USERS, ROLES, SHARES and CREDENTIALS.

use super::inventory::{id, is_imported_role};
use super::seen::Seen;
use super::spelling;
use super::table::{Column, batches, boolean, no_boolean, no_number, no_text, no_time, number, text, time, variant};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use grantd_catalog::account::{Micros, PrincipalInfo};
use grantd_catalog::model::{ObjectType, Principal, PrincipalKind, Privilege, Properties, Property};

/// One user, role or share.
struct PrincipalRow {
    principal: Principal,
    properties: Properties,
    /// NULL for what is gone.
    owner: Option<Principal>,
    created: Option<Micros>,
    deleted: Option<Micros>,
    id: i64,
    /// Of a share: the database that it offers.
    database: Option<String>,
}

impl PrincipalRow {
    fn name(&self) -> String {
        self.principal.name.as_str().to_owned()
    }

    fn property(&self, property: Property) -> Option<String> {
        self.properties.get(property).map(str::to_owned)
    }

    fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(spelling::principal_name)
    }

    fn flag(&self, property: Property) -> bool {
        self.properties.is_true(property)
    }

    fn moment(&self, property: Property) -> Option<Micros> {
        let text = self.properties.get(property)?;
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
    }

    fn comment(&self) -> Option<String> {
        self.property(Property::Comment)
    }
}

const USERS: &[Column<PrincipalRow>] = &[
    number("USER_ID", |r| Some(r.id)),
    text("NAME", |r| Some(r.name())),
    time("CREATED_ON", |r| r.created),
    time("DELETED_ON", |r| r.deleted),
    // A user that is created without them logs in and is shown by name.
    text("LOGIN_NAME", |r| r.property(Property::LoginName).or_else(|| Some(r.name()))),
    text("DISPLAY_NAME", |r| r.property(Property::DisplayName).or_else(|| Some(r.name()))),
    no_text("FIRST_NAME"),
    no_text("LAST_NAME"),
    text("EMAIL", |r| r.property(Property::Email)),
    no_boolean("MUST_CHANGE_PASSWORD"),
    boolean("HAS_PASSWORD", |r| Some(r.flag(Property::HasPassword))),
    text("COMMENT", PrincipalRow::comment),
    variant("DISABLED", |r| Some(r.properties.is_true(Property::Disabled).to_string())),
    variant("SNOWFLAKE_LOCK", |_| Some(false.to_string())),
    text("DEFAULT_WAREHOUSE", |r| r.property(Property::DefaultWarehouse)),
    text("DEFAULT_NAMESPACE", |r| r.property(Property::DefaultNamespace)),
    text("DEFAULT_ROLE", |r| r.property(Property::DefaultRole)),
    variant("EXT_AUTHN_DUO", |_| Some(false.to_string())),
    no_text("EXT_AUTHN_UID"),
    boolean("HAS_MFA", |r| Some(r.flag(Property::HasMfa))),
    no_time("BYPASS_MFA_UNTIL"),
    time("LAST_SUCCESS_LOGIN", |r| r.moment(Property::LastSuccessLogin)),
    time("EXPIRES_AT", |r| r.moment(Property::ExpiresAt)),
    no_time("LOCKED_UNTIL_TIME"),
    boolean("HAS_RSA_PUBLIC_KEY", |r| Some(r.flag(Property::HasRsaPublicKey))),
    no_time("PASSWORD_LAST_SET_TIME"),
    text("OWNER", PrincipalRow::owner),
    // The view says NULL for none and for unset; only SHOW USERS tells them apart.
    text("DEFAULT_SECONDARY_ROLE", |r| r.property(Property::DefaultSecondaryRoles).filter(|roles| !roles.is_empty())),
    boolean("HAS_PAT", |_| Some(false)),
    boolean("HAS_WORKLOAD_IDENTITY", |_| Some(false)),
    text("TYPE", |r| r.property(Property::Type)),
    no_text("DATABASE_NAME"),
    no_number("DATABASE_ID"),
    no_text("SCHEMA_NAME"),
    no_number("SCHEMA_ID"),
    boolean("IS_FROM_ORGANIZATION_USER", |_| Some(false)),
];

const ROLES: &[Column<PrincipalRow>] = &[
    number("ROLE_ID", |r| Some(r.id)),
    time("CREATED_ON", |r| r.created),
    time("DELETED_ON", |r| r.deleted),
    text("NAME", |r| Some(r.name())),
    text("COMMENT", PrincipalRow::comment),
    text("OWNER", PrincipalRow::owner),
    text("ROLE_TYPE", |r| Some(r.principal.kind.as_str().to_owned())),
    text("ROLE_DATABASE_NAME", |r| r.principal.scope.first().map(|d| d.as_str().to_owned())),
    // The number of the class instance: its role's, as the sandbox numbers none.
    number("ROLE_INSTANCE_ID", |r| (r.principal.kind == PrincipalKind::InstanceRole).then_some(r.id)),
    text("OWNER_ROLE_TYPE", |r| r.owner.as_ref().map(|o| o.kind.as_str().to_owned())),
    boolean("IS_FROM_ORGANIZATION_USER_GROUP", |_| Some(false)),
];

const SHARES: &[Column<PrincipalRow>] = &[
    time("CREATED_ON", |r| r.created),
    time("MODIFIED_ON", |r| r.deleted.or(r.created)),
    time("DELETED_ON", |r| r.deleted),
    text("NAME", |r| Some(r.name())),
    text("OWNER", PrincipalRow::owner),
    text("COMMENT", PrincipalRow::comment),
    text("DATABASE_NAME", |r| r.database.clone()),
    no_boolean("SECURE_OBJECTS_ONLY"),
    no_text("TARGET_ACCOUNTS"),
    no_text("LISTING_GLOBAL_NAME"),
];

/// Keys, tokens and second factors of users. The sandbox keeps only that a user has a key, which the view does not
/// list: always empty.
const CREDENTIALS: &[Column<()>] = &[
    no_number("CREDENTIAL_ID"),
    no_text("NAME"),
    no_text("USER_NAME"),
    no_text("TYPE"),
    no_text("DOMAIN"),
    no_text("COMMENT"),
    no_text("STATUS"),
    variant("ADDITIONAL_DETAILS", |()| None),
    no_text("CREATED_BY"),
    no_text("LAST_ALTERED_BY"),
    no_time("CREATED_ON"),
    no_time("LAST_USED_ON"),
    no_time("LAST_ALTERED"),
    no_time("EXPIRATION_DATE"),
];

pub(super) fn users(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(USERS, rows(seen, |p| p.kind == PrincipalKind::User))
}

pub(super) fn roles(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(ROLES, rows(seen, |p| p.kind.is_role() && !is_imported_role(seen.account, p)))
}

pub(super) fn shares(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut rows = rows(seen, |p| p.kind == PrincipalKind::Share);
    for row in rows.iter_mut().filter(|r| r.deleted.is_none()) {
        let mut offered = seen.account.grants_to(&row.principal);
        let database =
            offered.find(|g| g.privilege == Privilege::USAGE && g.object.object_type == ObjectType::DATABASE);
        row.database = database.map(|g| g.object.name.as_str().to_owned());
    }
    batches(SHARES, rows)
}

pub(super) fn credentials(_: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(CREDENTIALS, Vec::new())
}

/// Live principals in the order of their names, then dropped ones.
fn rows(seen: &Seen<'_>, wanted: impl Fn(&Principal) -> bool) -> Vec<PrincipalRow> {
    let row =
        |principal: &Principal, info: &PrincipalInfo, deleted: Option<Micros>, owner: Option<Principal>| PrincipalRow {
            principal: principal.clone(),
            properties: info.properties.clone(),
            owner,
            created: info.created_on,
            deleted,
            id: id(&principal.as_object(), info.created_on),
            database: None,
        };
    let mut live: Vec<PrincipalRow> = seen
        .account
        .principals()
        .filter(|(p, info)| info.listed && wanted(p) && seen.shows(info.created_on))
        .map(|(p, info)| row(p, info, None, seen.owner(&p.as_object())))
        .collect();
    live.sort_by(|a, b| a.principal.cmp(&b.principal));
    let gone = seen.removed.principals.iter().filter(|(p, info, _)| wanted(p) && seen.shows(info.created_on));
    live.extend(gone.map(|(p, info, at)| row(p, info, seen.deleted(*at), None)));
    live
}
