//! A snapshot as bytes and back: a versioned file.
//!
//! Layout: the 8 bytes `GRANTD\0S`, a little-endian `u32` version, then one line of JSON per record: a header and
//! the rows of every table. Names are spelled out, ids are not stored: a file outlives any change of the columns.
//! Readers take their own version and every older one; a newer one is refused.

use super::Snapshot;
use crate::account::{Account, ContainerGrant, Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo, Reach};
use crate::model::{
    Container, Ident, ObjectRef, ObjectType, Offer, Principal, PrincipalKind, Privilege, Properties, Property,
};
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"GRANTD\0S";
/// The version written.
const VERSION: u32 = 2;

/// Why bytes are not a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not start like a snapshot file.
    #[error("this is not a grantd snapshot file")]
    NotASnapshot,
    /// The file was written by a newer grantd.
    #[error("the snapshot file has format version {0}; this grantd reads up to {VERSION}: use a newer grantd")]
    Newer(u32),
    /// A record cannot be read.
    #[error("the snapshot file is damaged at line {line}: {what}")]
    Damaged {
        /// Line of the record, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The file ends before its last record.
    #[error("the snapshot file is cut short: {found} of {expected} records")]
    CutShort {
        /// Records read.
        found: usize,
        /// Records that the header promises.
        expected: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    account: String,
    taken_at: Micros,
    records: usize,
}

#[derive(Serialize, Deserialize)]
struct Name {
    #[serde(rename = "k")]
    kind: String,
    #[serde(rename = "n")]
    parts: Vec<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Principal {
        name: Name,
        #[serde(default)]
        properties: Vec<(String, String)>,
        created_on: Option<Micros>,
        listed: bool,
    },
    Object {
        name: Name,
        #[serde(default)]
        properties: Vec<(String, String)>,
        created_on: Option<Micros>,
        listed: bool,
    },
    Owner {
        object: Name,
        owner: Name,
        granted_by: Option<Name>,
        created_on: Option<Micros>,
    },
    Grant {
        privilege: String,
        object: Name,
        grantee: Name,
        granted_by: Option<Name>,
        grant_option: bool,
        created_on: Option<Micros>,
    },
    Membership {
        role: Name,
        member: Name,
        granted_by: Option<Name>,
        grant_option: bool,
        builtin: bool,
        created_on: Option<Micros>,
    },
    /// Since version 2.
    Offer {
        object_type: String,
        privilege: String,
        grant_types: Vec<String>,
    },
    ContainerGrant {
        future: bool,
        container: Vec<String>,
        object_type: String,
        privilege: String,
        grantee: Name,
        grant_option: bool,
        granted_by: Option<Name>,
        created_on: Option<Micros>,
    },
}

impl Snapshot {
    /// The snapshot as bytes of the newest format version.
    pub fn encode(&self) -> Vec<u8> {
        let account = self.thaw();
        let records = records(&account);
        let header = Header { account: self.account.clone(), taken_at: self.taken_at, records: records.len() };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        push_line(&mut bytes, &header);
        for record in &records {
            push_line(&mut bytes, record);
        }
        bytes
    }

    /// Reads bytes of any format version up to the newest.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CodecError::NotASnapshot)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::NotASnapshot)?;
        let version = u32::from_le_bytes(*version);
        if version > VERSION {
            return Err(CodecError::Newer(version));
        }
        let mut lines = rest.split(|b| *b == b'\n').filter(|l| !l.is_empty()).zip(1..);
        let (line, _) = lines.next().ok_or(CodecError::NotASnapshot)?;
        let header: Header = serde_json::from_slice(line).map_err(|e| damaged(1, &e))?;
        let mut account = Account::new(header.account);
        let mut found = 0;
        let mut offers = Vec::new();
        for (text, line) in lines {
            let record: Record = serde_json::from_slice(text).map_err(|e| damaged(line, &e))?;
            put(&mut account, &mut offers, record).map_err(|what| CodecError::Damaged { line, what })?;
            found += 1;
        }
        account.put_offers(offers);
        if found != header.records {
            return Err(CodecError::CutShort { found, expected: header.records });
        }
        Ok(Self::freeze(&account, header.taken_at))
    }
}

fn damaged(line: usize, error: &serde_json::Error) -> CodecError {
    CodecError::Damaged { line, what: error.to_string() }
}

fn push_line(bytes: &mut Vec<u8>, value: &impl Serialize) {
    // These types hold strings, numbers and lists only: serialising them into memory has no way to fail.
    if let Ok(line) = serde_json::to_vec(value) {
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
    }
}

fn records(account: &Account) -> Vec<Record> {
    let properties = |p: &Properties| p.iter().map(|(k, v)| (k.as_str().to_owned(), v.to_owned())).collect();
    let mut out = Vec::new();
    out.extend(account.principals().map(|(p, info)| Record::Principal {
        name: principal_name(p),
        properties: properties(&info.properties),
        created_on: info.created_on,
        listed: info.listed,
    }));
    out.extend(account.objects().map(|(o, info)| Record::Object {
        name: object_name(o),
        properties: properties(&info.properties),
        created_on: info.created_on,
        listed: info.listed,
    }));
    out.extend(account.ownerships().map(|o| Record::Owner {
        object: object_name(&o.object),
        owner: principal_name(&o.owner),
        granted_by: o.granted_by.as_ref().map(principal_name),
        created_on: o.created_on,
    }));
    out.extend(account.grants().map(|g| Record::Grant {
        privilege: g.privilege.as_str().to_owned(),
        object: object_name(&g.object),
        grantee: principal_name(&g.grantee),
        granted_by: g.granted_by.as_ref().map(principal_name),
        grant_option: g.grant_option,
        created_on: g.created_on,
    }));
    out.extend(account.memberships().map(|m| Record::Membership {
        role: principal_name(&m.role),
        member: principal_name(&m.member),
        granted_by: m.granted_by.as_ref().map(principal_name),
        grant_option: m.grant_option,
        builtin: m.builtin,
        created_on: m.created_on,
    }));
    out.extend(account.offers().iter().map(|o| Record::Offer {
        object_type: o.object_type.as_str().to_owned(),
        privilege: o.privilege.as_str().to_owned(),
        grant_types: o.grant_types.clone(),
    }));
    out.extend(account.container_grants().map(|c| Record::ContainerGrant {
        future: c.reach == Reach::Future,
        container: match &c.container {
            Container::Account => Vec::new(),
            Container::Database(d) => vec![d.as_str().to_owned()],
            Container::Schema(d, s) => vec![d.as_str().to_owned(), s.as_str().to_owned()],
        },
        object_type: c.object_type.as_str().to_owned(),
        privilege: c.privilege.as_str().to_owned(),
        grantee: principal_name(&c.grantee),
        grant_option: c.grant_option,
        granted_by: c.granted_by.as_ref().map(principal_name),
        created_on: c.created_on,
    }));
    out
}

fn principal_name(p: &Principal) -> Name {
    let parts = p.scope.iter().chain(std::iter::once(&p.name)).map(|i| i.as_str().to_owned()).collect();
    Name { kind: p.kind.as_str().to_owned(), parts, signature: None }
}

fn object_name(o: &ObjectRef) -> Name {
    let parts = o.parts().map(|i| i.as_str().to_owned()).collect();
    let signature = o.signature.as_ref().map(|s| s.as_str().to_owned());
    Name { kind: o.object_type.as_str().to_owned(), parts, signature }
}

fn idents(parts: &[String]) -> Result<Vec<Ident>, String> {
    parts.iter().map(|p| Ident::new(p).map_err(|e| e.to_string())).collect()
}

fn principal(name: &Name) -> Result<Principal, String> {
    let kind = PrincipalKind::parse(&name.kind).ok_or_else(|| format!("unknown kind of principal {:?}", name.kind))?;
    let mut parts = idents(&name.parts)?;
    let last = parts.pop().ok_or("a name without parts")?;
    Ok(Principal { kind, scope: parts, name: last })
}

fn object(name: &Name) -> Result<ObjectRef, String> {
    let mut parts = idents(&name.parts)?.into_iter();
    let object_type = ObjectType::new(&name.kind);
    let mut object = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(n), None, ..) => ObjectRef::top(object_type, n),
        (Some(d), Some(n), None, _) => ObjectRef::in_database(object_type, d, n),
        (Some(d), Some(s), Some(n), None) => ObjectRef::in_schema(object_type, d, s, n),
        _ => return Err("an object's name has one to three parts".to_owned()),
    };
    if let Some(types) = &name.signature {
        object = object.with_signature(types);
    }
    Ok(object)
}

fn optional(name: Option<&Name>) -> Result<Option<Principal>, String> {
    name.map(principal).transpose()
}

fn properties(list: Vec<(String, String)>) -> Result<Properties, String> {
    list.into_iter()
        .map(|(k, v)| Property::parse(&k).map(|p| (p, v)).ok_or_else(|| format!("unknown property {k:?}")))
        .collect()
}

fn put(account: &mut Account, offers: &mut Vec<Offer>, record: Record) -> Result<(), String> {
    match record {
        Record::Principal { name, properties: list, created_on, listed } => {
            let info = PrincipalInfo { properties: properties(list)?, created_on, listed };
            account.put_principal(principal(&name)?, info);
        }
        Record::Object { name, properties: list, created_on, listed } => {
            account.put_object(object(&name)?, ObjectInfo { properties: properties(list)?, created_on, listed });
        }
        Record::Owner { object: o, owner, granted_by, created_on } => account.put_ownership(&Ownership {
            object: object(&o)?,
            owner: principal(&owner)?,
            granted_by: optional(granted_by.as_ref())?,
            created_on,
        }),
        Record::Grant { privilege, object: o, grantee, granted_by, grant_option, created_on } => {
            account.put_grant(Grant {
                privilege: Privilege::new(&privilege),
                object: object(&o)?,
                grantee: principal(&grantee)?,
                granted_by: optional(granted_by.as_ref())?,
                grant_option,
                created_on,
            });
        }
        Record::Membership { role, member, granted_by, grant_option, builtin, created_on } => {
            account.put_membership(&Membership {
                role: principal(&role)?,
                member: principal(&member)?,
                granted_by: optional(granted_by.as_ref())?,
                grant_option,
                builtin,
                created_on,
            });
        }
        Record::Offer { object_type, privilege, grant_types } => offers.push(Offer {
            object_type: ObjectType::new(&object_type),
            privilege: Privilege::new(&privilege),
            grant_types,
        }),
        Record::ContainerGrant {
            future,
            container,
            object_type,
            privilege,
            grantee,
            grant_option,
            granted_by,
            created_on,
        } => {
            let mut parts = idents(&container)?.into_iter();
            let container = match (parts.next(), parts.next()) {
                (None, _) => Container::Account,
                (Some(d), None) => Container::Database(d),
                (Some(d), Some(s)) => Container::Schema(d, s),
            };
            account.put_container_grant(ContainerGrant {
                reach: if future { Reach::Future } else { Reach::Inherited },
                container,
                object_type: ObjectType::new(&object_type),
                privilege: Privilege::new(&privilege),
                grantee: principal(&grantee)?,
                grant_option,
                granted_by: optional(granted_by.as_ref())?,
                created_on,
            });
        }
    }
    Ok(())
}
