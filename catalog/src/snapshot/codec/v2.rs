//! Version 2: a header in JSON with the tables and their lengths, then the tables. Rows hold ids; names are in tables of
//! their own in the same file. Nothing is built row by row as text, in either direction.
//!
//! What the program derives is derived again when a file is read: the privileges that ownership implies, the order of
//! names, the postings. So a file outlives a change of any of them.

use super::super::{ContainerGrantRow, Grants, MembershipRow, NONE, Names, Objects, Postings, Snapshot, Strings, some};
use super::CodecError;
use super::table::{Batch, Entry, Table, write};
use crate::account::{Micros, PrincipalInfo, Reach};
use crate::model::{
    Ident, ObjectType, Offer, Principal, PrincipalKind, Privilege, Properties, Property, Signature, privileges_of,
};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, StringArray, StringBuilder, UInt16Array, UInt32Array,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    account: String,
    taken_at: Micros,
    tables: Vec<Entry>,
}

type Columns = Vec<(&'static str, ArrayRef)>;

/// Writes what follows the version.
pub(super) fn encode(s: &Snapshot, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut tables = Vec::new();
    let mut body = Vec::new();
    let mut add = |name: &str, rows: usize, columns: &dyn Fn(Range<usize>) -> Columns| {
        write(&mut body, name, rows, columns).map(|entry| tables.push(entry))
    };
    add("principals", s.principals.len(), &|range| {
        let infos = || s.principal_info.as_slice().get(range.clone()).unwrap_or_default().iter();
        let mut columns = principal_columns(s.principals.as_slice().get(range.clone()).unwrap_or_default());
        columns.push(("created_on", times(infos().map(|i| i.created_on))));
        columns.push(("listed", flags(infos().map(|i| i.listed))));
        columns
    })?;
    let of_principals: Vec<(u32, Property, &str)> = (0..)
        .zip(&s.principal_info)
        .flat_map(|(id, info)| info.properties.iter().map(move |(property, value)| (id, property, value)))
        .collect();
    add("principal_properties", of_principals.len(), &|range| property_columns(&of_principals, range))?;
    add("grantors", s.grantors.len(), &|range| {
        principal_columns(s.grantors.as_slice().get(range).unwrap_or_default())
    })?;
    add("types", s.types.len(), &|range| {
        vec![("name", texts(s.types.as_slice().get(range).unwrap_or_default().iter().map(|t| Some(t.as_str()))))]
    })?;
    add("privileges", s.privileges.len(), &|range| {
        vec![("name", texts(s.privileges.as_slice().get(range).unwrap_or_default().iter().map(|p| Some(p.as_str()))))]
    })?;
    add("objects", s.object_count() as usize, &|range| object_columns(s, range))?;
    let mut described: Vec<u32> = s.objects.properties.keys().copied().collect();
    described.sort_unstable();
    let of_objects: Vec<(u32, Property, &str)> = described
        .iter()
        .filter_map(|id| Some((*id, s.objects.properties.get(id)?)))
        .flat_map(|(id, properties)| properties.iter().map(move |(property, value)| (id, property, value)))
        .collect();
    add("object_properties", of_objects.len(), &|range| property_columns(&of_objects, range))?;
    add("grants", s.grants.len(), &|range| grant_columns(&s.grants, range))?;
    add("memberships", s.memberships.len(), &|range| {
        let rows = || s.memberships.get(range.clone()).unwrap_or_default().iter();
        vec![
            ("role", ids(rows().map(|m| m.role))),
            ("member", ids(rows().map(|m| m.member))),
            ("granted_by", ids(rows().map(|m| m.granted_by))),
            ("grant_option", flags(rows().map(|m| m.grant_option))),
            ("builtin", flags(rows().map(|m| m.builtin))),
            ("created_on", times(rows().map(|m| m.created_on))),
        ]
    })?;
    add("container_grants", s.container_grants.len(), &|range| {
        let rows = || s.container_grants.get(range.clone()).unwrap_or_default().iter();
        vec![
            ("future", flags(rows().map(|c| c.reach == Reach::Future))),
            ("container", ids(rows().map(|c| c.container))),
            ("kind", small_ids(rows().map(|c| c.kind))),
            ("privilege", small_ids(rows().map(|c| c.privilege))),
            ("grantee", ids(rows().map(|c| c.grantee))),
            ("grant_option", flags(rows().map(|c| c.grant_option))),
            ("granted_by", ids(rows().map(|c| c.granted_by))),
            ("created_on", times(rows().map(|c| c.created_on))),
        ]
    })?;
    add("offers", s.offers.len(), &|range| offer_columns(s.offers.get(range).unwrap_or_default()))?;
    let header = Header { account: s.account.clone(), taken_at: s.taken_at, tables };
    let header = serde_json::to_vec(&header).map_err(|e| CodecError::Write(e.to_string()))?;
    let length = u32::try_from(header.len()).map_err(|e| CodecError::Write(e.to_string()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&header);
    out.append(&mut body);
    Ok(())
}

fn ids(values: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(values.map(some).collect::<UInt32Array>())
}

fn small_ids(values: impl Iterator<Item = u16>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<UInt16Array>())
}

fn times(values: impl Iterator<Item = Option<Micros>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<BooleanArray>())
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn lists<'a, L: Iterator<Item = &'a str>>(values: impl Iterator<Item = L>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for list in values {
        for text in list {
            lists.values().append_value(text);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn offer_columns(offers: &[Offer]) -> Columns {
    vec![
        ("type", texts(offers.iter().map(|o| Some(o.object_type.as_str())))),
        ("privilege", texts(offers.iter().map(|o| Some(o.privilege.as_str())))),
        ("grant_types", lists(offers.iter().map(|o| o.grant_types.iter().map(String::as_str)))),
    ]
}

fn principal_columns(principals: &[Principal]) -> Columns {
    vec![
        ("kind", texts(principals.iter().map(|p| Some(p.kind.as_str())))),
        ("scope", lists(principals.iter().map(|p| p.scope.iter().map(Ident::as_str)))),
        ("name", texts(principals.iter().map(|p| Some(p.name.as_str())))),
    ]
}

fn property_columns(rows: &[(u32, Property, &str)], range: Range<usize>) -> Columns {
    let rows = rows.get(range).unwrap_or_default();
    vec![
        ("id", ids(rows.iter().map(|(id, ..)| *id))),
        ("property", texts(rows.iter().map(|(_, property, _)| Some(property.as_str())))),
        ("value", texts(rows.iter().map(|(.., value)| Some(*value)))),
    ]
}

fn object_columns(s: &Snapshot, range: Range<usize>) -> Columns {
    let o = &s.objects;
    let range = range.start as u32..range.end as u32;
    let all = || range.clone();
    let evidence = |id: u32| o.owner_evidence.get(&id);
    vec![
        ("kind", small_ids(all().map(|id| *o.kind.at(id)))),
        ("database", ids(all().map(|id| *o.database.at(id)))),
        ("schema", ids(all().map(|id| *o.schema.at(id)))),
        ("name", texts(all().map(|id| Some(o.name.get(id))))),
        ("signature", texts(all().map(|id| o.signature.get(&id).map(Signature::as_str)))),
        ("owner", ids(all().map(|id| *o.owner.at(id)))),
        ("owner_known", flags(all().map(|id| evidence(id).is_some()))),
        ("owner_granted_by", ids(all().map(|id| evidence(id).map_or(NONE, |(by, _)| *by)))),
        ("owner_created_on", times(all().map(|id| evidence(id).and_then(|(_, at)| *at)))),
        ("listed", flags(all().map(|id| *o.listed.at(id)))),
        ("created_on", times(all().map(|id| *o.created_on.at(id)))),
    ]
}

fn grant_columns(g: &Grants, range: Range<usize>) -> Columns {
    let range = range.start as u32..range.end as u32;
    let all = || range.clone();
    vec![
        ("object", ids(all().map(|row| g.object(row)))),
        ("privilege", small_ids(all().map(|row| g.privilege(row)))),
        ("grantee", ids(all().map(|row| g.grantee(row)))),
        ("granted_by", ids(all().map(|row| g.granted_by(row)))),
        ("grant_option", flags(all().map(|row| g.grant_option(row)))),
        ("created_on", times(all().map(|row| g.created_on(row)))),
    ]
}

/// Reads what follows the version.
pub(super) fn decode(rest: &[u8]) -> Result<Snapshot, CodecError> {
    let cut = |expected: usize| CodecError::CutShort { found: rest.len(), expected };
    let (length, rest_of_it) = rest.split_first_chunk::<4>().ok_or_else(|| cut(4))?;
    let length = u32::from_le_bytes(*length) as usize;
    let (header, mut body) = rest_of_it.split_at_checked(length).ok_or_else(|| cut(length.saturating_add(4)))?;
    let header: Header = serde_json::from_slice(header).map_err(|e| CodecError::Damaged(format!("the header: {e}")))?;
    let mut tables = HashMap::new();
    for entry in &header.tables {
        let short = CodecError::CutShort { found: body.len(), expected: entry.bytes };
        let (bytes, after) = body.split_at_checked(entry.bytes).ok_or(short)?;
        tables.insert(entry.name.as_str(), Table::open(entry, bytes)?);
        body = after;
    }
    if !body.is_empty() {
        return Err(CodecError::Damaged(format!("{} bytes follow the last table", body.len())));
    }
    let table = |name: &str| tables.get(name).ok_or_else(|| CodecError::Damaged(format!("there is no table {name}")));

    let (principals, mut infos) = principals(table("principals")?, true)?;
    properties(table("principal_properties")?, principals.len(), |id, property, value| {
        if let Some(info) = infos.get_mut(id as usize) {
            info.properties.set(property, Some(value));
        }
    })?;
    let (grantors, _) = self::principals(table("grantors")?, false)?;
    let types: Vec<ObjectType> = names(table("types")?)?.iter().map(|name| ObjectType::new(name)).collect();
    let stored: Vec<Privilege> = names(table("privileges")?)?.iter().map(|name| Privilege::new(name)).collect();
    let (privileges, renumbered) = with_implied(&stored, &types)?;
    let objects = objects(table("objects")?, types.len(), principals.len(), grantors.len())?;
    let mut described: HashMap<u32, Properties> = HashMap::new();
    properties(table("object_properties")?, objects.kind.len(), |id, property, value| {
        described.entry(id).or_default().set(property, Some(value));
    })?;
    let limits = Limits {
        principals: principals.len(),
        grantors: grantors.len(),
        objects: objects.kind.len(),
        types: types.len(),
        privileges: stored.len(),
    };
    let grants = grants(table("grants")?, &limits, &renumbered)?;
    let mut memberships = memberships(table("memberships")?, &limits)?;
    memberships.sort_unstable();
    let mut container_grants = container_grants(table("container_grants")?, &limits, &renumbered)?;
    container_grants.sort_unstable();
    let offers = offers(table("offers")?)?;

    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    for id in 0..objects.kind.len() as u32 {
        by_name.entry(objects.name.get(id).to_owned()).or_default().push(id);
    }
    let on_object = Postings::group(objects.kind.len(), grants.object.iter().copied().zip(0..));
    let snapshot = Snapshot {
        account: header.account,
        taken_at: header.taken_at,
        names: Names { principals: principals.iter().cloned().zip(0..).collect(), objects: by_name },
        principals: principals.into(),
        principal_info: infos.into(),
        types: types.into(),
        privileges: privileges.into(),
        grantors: grantors.into(),
        objects: Objects { properties: described, ..objects },
        grants,
        memberships,
        container_grants,
        offers,
        on_object,
        graph: OnceLock::new(),
    };
    if is_canonical(&snapshot) {
        return Ok(snapshot);
    }
    // Written when names had another order.
    Ok(Snapshot::freeze(&snapshot.thaw(), header.taken_at))
}

/// How many there are of what ids point to.
struct Limits {
    principals: usize,
    grantors: usize,
    objects: usize,
    types: usize,
    privileges: usize,
}

fn ident(batch: &Batch<'_>, text: &str) -> Result<Ident, CodecError> {
    Ident::new(text).map_err(|e| batch.damaged(e))
}

fn principals(table: &Table<'_>, with_info: bool) -> Result<(Vec<Principal>, Vec<PrincipalInfo>), CodecError> {
    let (mut principals, mut infos) = (Vec::with_capacity(table.rows()), Vec::new());
    table.each(|batch| {
        let (kinds, names) = (batch.texts("kind")?, batch.texts("name")?);
        for row in 0..batch.rows() {
            let kind = batch.text(kinds, row)?;
            let kind = PrincipalKind::parse(kind)
                .ok_or_else(|| batch.damaged(format!("unknown kind of principal {kind:?}")))?;
            let scope = batch.list("scope", row)?;
            let scope = scope.iter().map(|part| ident(batch, part)).collect::<Result<_, _>>()?;
            principals.push(Principal { kind, scope, name: ident(batch, batch.text(names, row)?)? });
        }
        if with_info {
            let (mut created, mut listed) = (Vec::new(), Vec::new());
            batch.times("created_on", &mut created)?;
            batch.flags("listed", &mut listed)?;
            let info = |(created_on, listed)| PrincipalInfo { properties: Properties::default(), created_on, listed };
            infos.extend(created.into_iter().zip(listed).map(info));
        }
        Ok(())
    })?;
    Ok((principals, infos))
}

fn properties(table: &Table<'_>, limit: usize, mut put: impl FnMut(u32, Property, String)) -> Result<(), CodecError> {
    table.each(|batch| {
        let mut ids = Vec::with_capacity(batch.rows());
        batch.ids("id", limit, &mut ids)?;
        let (properties, values) = (batch.texts("property")?, batch.texts("value")?);
        for (row, id) in ids.into_iter().enumerate() {
            let name = batch.text(properties, row)?;
            let property = Property::parse(name).ok_or_else(|| batch.damaged(format!("unknown property {name:?}")))?;
            put(id, property, batch.text(values, row)?.to_owned());
        }
        Ok(())
    })
}

fn names(table: &Table<'_>) -> Result<Vec<String>, CodecError> {
    let mut names = Vec::with_capacity(table.rows());
    table.each(|batch| {
        let texts = batch.texts("name")?;
        for row in 0..batch.rows() {
            names.push(batch.text(texts, row)?.to_owned());
        }
        Ok(())
    })?;
    Ok(names)
}

/// The privileges of the file and those that ownership implies today, in order, and where those of the file went.
fn with_implied(stored: &[Privilege], types: &[ObjectType]) -> Result<(Vec<Privilege>, Vec<u16>), CodecError> {
    let mut all: BTreeSet<Privilege> = BTreeSet::from([Privilege::OWNERSHIP, Privilege::USAGE]);
    all.extend(types.iter().flat_map(privileges_of).map(|p| Privilege::new(p)));
    all.extend(stored.iter().cloned());
    let all: Vec<Privilege> = all.into_iter().collect();
    let place = |p: &Privilege| all.binary_search(p).ok().and_then(|i| u16::try_from(i).ok());
    let places: Option<Vec<u16>> = stored.iter().map(place).collect();
    let places = places.ok_or_else(|| CodecError::Damaged("more privileges than can be counted".to_owned()))?;
    Ok((all, places))
}

fn renumber(ids: Vec<u16>, places: &[u16]) -> Vec<u16> {
    ids.into_iter().map(|id| places.get(usize::from(id)).copied().unwrap_or(u16::MAX)).collect()
}

fn objects(table: &Table<'_>, types: usize, principals: usize, grantors: usize) -> Result<Objects, CodecError> {
    let rows = table.rows();
    let (mut kind, mut database, mut schema) = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::new());
    let (mut owner, mut listed, mut created) = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::new());
    let (mut name, mut signature, mut owner_evidence) = (Strings::new(), HashMap::new(), HashMap::new());
    let mut id = 0_u32;
    table.each(|batch| {
        batch.small_ids("kind", types, &mut kind)?;
        batch.optional_ids("database", rows, Some(NONE), &mut database)?;
        batch.optional_ids("schema", rows, Some(NONE), &mut schema)?;
        batch.optional_ids("owner", principals, Some(NONE), &mut owner)?;
        batch.flags("listed", &mut listed)?;
        batch.times("created_on", &mut created)?;
        let (mut known, mut by, mut at) = (Vec::new(), Vec::new(), Vec::new());
        batch.flags("owner_known", &mut known)?;
        batch.optional_ids("owner_granted_by", grantors, Some(NONE), &mut by)?;
        batch.times("owner_created_on", &mut at)?;
        let (names, signatures) = (batch.texts("name")?, batch.texts("signature")?);
        for (row, ((known, by), at)) in known.into_iter().zip(by).zip(at).enumerate() {
            let text = batch.text(names, row)?;
            ident(batch, text)?;
            name.push(text);
            if let Ok(types) = batch.text(signatures, row) {
                signature.insert(id, Signature::new(types));
            }
            if known {
                owner_evidence.insert(id, (by, at));
            }
            id += 1;
        }
        Ok(())
    })?;
    Ok(Objects {
        kind: kind.into(),
        database: database.into(),
        schema: schema.into(),
        name,
        signature,
        owner: owner.into(),
        owner_evidence,
        listed: listed.into(),
        created_on: created.into(),
        properties: HashMap::new(),
    })
}

fn grants(table: &Table<'_>, limits: &Limits, places: &[u16]) -> Result<Grants, CodecError> {
    let rows = table.rows();
    let (mut object, mut privilege) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let (mut grantee, mut granted_by) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let (mut option, mut created) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    table.each(|batch| {
        batch.ids("object", limits.objects, &mut object)?;
        batch.small_ids("privilege", limits.privileges, &mut privilege)?;
        batch.ids("grantee", limits.principals, &mut grantee)?;
        batch.optional_ids("granted_by", limits.grantors, Some(NONE), &mut granted_by)?;
        batch.flags("grant_option", &mut option)?;
        batch.times("created_on", &mut created)
    })?;
    let privilege = renumber(privilege, places);
    let grants = Grants {
        object: object.into(),
        privilege: privilege.into(),
        grantee: grantee.into(),
        granted_by: granted_by.into(),
        grant_option: option.into(),
        created_on: created.into(),
    };
    let key = |row: u32| (grants.object(row), grants.privilege(row), grants.grantee(row), grants.granted_by(row));
    let count = rows as u32;
    if (1..count).all(|row| key(row - 1) <= key(row)) {
        return Ok(grants);
    }
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by_key(|row| key(*row));
    let all = || order.iter().copied();
    Ok(Grants {
        object: all().map(|row| grants.object(row)).collect(),
        privilege: all().map(|row| grants.privilege(row)).collect(),
        grantee: all().map(|row| grants.grantee(row)).collect(),
        granted_by: all().map(|row| grants.granted_by(row)).collect(),
        grant_option: all().map(|row| grants.grant_option(row)).collect(),
        created_on: all().map(|row| grants.created_on(row)).collect(),
    })
}

fn memberships(table: &Table<'_>, limits: &Limits) -> Result<Vec<MembershipRow>, CodecError> {
    let mut out = Vec::with_capacity(table.rows());
    table.each(|batch| {
        let (mut role, mut member, mut by) = (Vec::new(), Vec::new(), Vec::new());
        let (mut option, mut builtin, mut created) = (Vec::new(), Vec::new(), Vec::new());
        batch.ids("role", limits.principals, &mut role)?;
        batch.ids("member", limits.principals, &mut member)?;
        batch.optional_ids("granted_by", limits.grantors, Some(NONE), &mut by)?;
        batch.flags("grant_option", &mut option)?;
        batch.flags("builtin", &mut builtin)?;
        batch.times("created_on", &mut created)?;
        let rows = role.into_iter().zip(member).zip(by).zip(option.into_iter().zip(builtin)).zip(created);
        out.extend(rows.map(|((((role, member), granted_by), (grant_option, builtin)), created_on)| MembershipRow {
            role,
            member,
            granted_by,
            grant_option,
            builtin,
            created_on,
        }));
        Ok(())
    })?;
    Ok(out)
}

fn container_grants(table: &Table<'_>, limits: &Limits, places: &[u16]) -> Result<Vec<ContainerGrantRow>, CodecError> {
    let mut out = Vec::with_capacity(table.rows());
    table.each(|batch| {
        let (mut future, mut container, mut kind, mut privilege) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut grantee, mut option, mut by, mut created) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        batch.flags("future", &mut future)?;
        batch.optional_ids("container", limits.objects, Some(NONE), &mut container)?;
        batch.small_ids("kind", limits.types, &mut kind)?;
        batch.small_ids("privilege", limits.privileges, &mut privilege)?;
        batch.ids("grantee", limits.principals, &mut grantee)?;
        batch.flags("grant_option", &mut option)?;
        batch.optional_ids("granted_by", limits.grantors, Some(NONE), &mut by)?;
        batch.times("created_on", &mut created)?;
        let what = future.into_iter().zip(container).zip(kind).zip(renumber(privilege, places));
        let whom = grantee.into_iter().zip(option).zip(by).zip(created);
        out.extend(what.zip(whom).map(|((((future, container), kind), privilege), whom)| {
            let (((grantee, grant_option), granted_by), created_on) = whom;
            let reach = if future { Reach::Future } else { Reach::Inherited };
            ContainerGrantRow { reach, container, kind, privilege, grantee, grant_option, granted_by, created_on }
        }));
        Ok(())
    })?;
    Ok(out)
}

fn offers(table: &Table<'_>) -> Result<Vec<Offer>, CodecError> {
    let mut out = Vec::with_capacity(table.rows());
    table.each(|batch| {
        let (types, privileges) = (batch.texts("type")?, batch.texts("privilege")?);
        for row in 0..batch.rows() {
            out.push(Offer {
                object_type: ObjectType::new(batch.text(types, row)?),
                privilege: Privilege::new(batch.text(privileges, row)?),
                grant_types: batch.list("grant_types", row)?,
            });
        }
        Ok(())
    })?;
    out.sort_unstable();
    Ok(out)
}

/// Whether names are in the order in which this program would write them.
fn is_canonical(s: &Snapshot) -> bool {
    fn ascending<T: Ord>(values: &[T]) -> bool {
        values.is_sorted_by(|a, b| a < b)
    }
    let name = |id: u32| some(id).map(|id| s.objects.name.get(id));
    let key = |id: u32| {
        let (database, schema) = (*s.objects.database.at(id), *s.objects.schema.at(id));
        (name(database), name(schema), s.object_type(id), s.objects.name.get(id), s.objects.signature.get(&id))
    };
    ascending(s.principals.as_slice())
        && ascending(s.grantors.as_slice())
        && ascending(s.types.as_slice())
        && (1..s.object_count()).all(|id| key(id - 1) < key(id))
}
