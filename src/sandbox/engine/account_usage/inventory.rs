//! The rows of objects, live and dropped, that the inventories are made of.

use super::seen::Seen;
use super::spelling;
use grantd_catalog::account::{Account, Micros, ObjectInfo};
use grantd_catalog::model::{ObjectRef, ObjectType, Principal, PrincipalKind, Properties, Property};

/// One object of an inventory.
pub(super) struct ObjectRow {
    pub(super) object: ObjectRef,
    pub(super) properties: Properties,
    /// NULL for what is gone: a dropped object has no owner.
    pub(super) owner: Option<Principal>,
    pub(super) created: Option<Micros>,
    pub(super) deleted: Option<Micros>,
    pub(super) id: i64,
    pub(super) schema_id: Option<i64>,
    pub(super) database_id: Option<i64>,
}

impl ObjectRow {
    pub(super) fn name(&self) -> String {
        self.object.name.as_str().to_owned()
    }

    pub(super) fn schema(&self) -> Option<String> {
        self.object.schema.as_ref().map(|s| s.as_str().to_owned())
    }

    pub(super) fn database(&self) -> Option<String> {
        self.object.database.as_ref().map(|d| d.as_str().to_owned())
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(spelling::principal_name)
    }

    pub(super) fn owner_type(&self) -> Option<String> {
        self.owner.as_ref().map(|o| o.kind.as_str().to_owned())
    }

    pub(super) fn comment(&self) -> Option<String> {
        self.property(Property::Comment)
    }

    pub(super) fn property(&self, property: Property) -> Option<String> {
        self.properties.get(property).map(str::to_owned)
    }

    /// The last change that the sandbox knows of.
    pub(super) fn altered(&self) -> Option<Micros> {
        self.deleted.or(self.created)
    }

    pub(super) fn is(&self, object_type: &str) -> bool {
        self.object.object_type.as_str() == object_type
    }
}

/// The objects of these types, live ones first, each part in the order of their names.
pub(super) fn objects(seen: &Seen<'_>, types: &[&str]) -> Vec<ObjectRow> {
    let wanted = |o: &ObjectRef, info: &ObjectInfo| {
        types.contains(&o.object_type.as_str()) && !is_system(o) && seen.shows(info.created_on)
    };
    let mut live: Vec<ObjectRow> = seen
        .account
        .objects()
        .filter(|(object, info)| info.listed && wanted(object, info))
        .map(|(object, info)| row(seen, object, info, None, seen.owner(object)))
        .collect();
    live.sort_by(|a, b| a.object.cmp(&b.object));
    let gone = seen.removed.objects.iter().filter(|(object, info, _)| wanted(object, info));
    live.extend(gone.map(|(object, info, at)| row(seen, object, info, seen.deleted(*at), None)));
    live
}

/// What no inventory lists: `INFORMATION_SCHEMA`, and what is in the database SNOWFLAKE.
fn is_system(object: &ObjectRef) -> bool {
    let information_schema = |i: &grantd_catalog::model::Ident| i.as_str() == "INFORMATION_SCHEMA";
    let in_it = object.schema.as_ref().is_some_and(information_schema);
    let itself = object.object_type == ObjectType::SCHEMA && information_schema(&object.name);
    let in_snowflake = object.schema.is_some() && object.database.as_ref().is_some_and(|d| d.as_str() == "SNOWFLAKE");
    in_it || itself || in_snowflake
}

fn row(
    seen: &Seen<'_>,
    object: &ObjectRef,
    info: &ObjectInfo,
    deleted: Option<Micros>,
    owner: Option<Principal>,
) -> ObjectRow {
    let container = |o: ObjectRef| {
        let live = seen.account.object(&o).map(|(found, info)| id(found, info.created_on));
        live.or_else(|| seen.dropped_id(&o))
    };
    let database = object.database.clone();
    let schema = database.clone().zip(object.schema.clone());
    ObjectRow {
        object: object.clone(),
        properties: info.properties.clone(),
        owner,
        created: info.created_on,
        deleted,
        id: id(object, info.created_on),
        schema_id: schema.and_then(|(d, s)| container(ObjectRef::in_database(ObjectType::SCHEMA, d, s))),
        database_id: database.and_then(|d| container(ObjectRef::database(d))),
    }
}

/// A stable number for an object. The sandbox numbers nothing, so it is made of the name and the time of creation
/// (FNV-1a, cut to 48 bits: a positive number that every client can hold).
pub(super) fn id(object: &ObjectRef, created: Option<Micros>) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let text = format!("{} {}", object.object_type, object.quoted());
    for byte in text.bytes().chain(created.unwrap_or_default().to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    i64::try_from(hash >> 16).unwrap_or_default()
}

/// Whether a database role is one of an imported database, which the views leave out.
pub(super) fn is_imported_role(account: &Account, principal: &Principal) -> bool {
    if principal.kind != PrincipalKind::DatabaseRole {
        return false;
    }
    let database = principal.scope.first().map(|d| ObjectRef::database(d.clone()));
    let info = database.and_then(|d| account.object(&d).map(|(_, info)| info));
    info.is_some_and(|info| info.properties.get(Property::Kind) == Some("IMPORTED DATABASE"))
}
