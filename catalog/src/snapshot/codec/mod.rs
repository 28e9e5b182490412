//! A snapshot as bytes and back: a versioned file.
//!
//! Every version starts with the 8 bytes `GRANTD\0S` and a little-endian `u32`, the version. Readers take their own
//! version and every older one; a newer one is refused.

mod table;
mod v1;
mod v2;

use super::Snapshot;

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
    /// Something in the file cannot be read.
    #[error("the snapshot file is damaged: {0}")]
    Damaged(String),
    /// The file ends before its last record or byte.
    #[error("the snapshot file is cut short: {found} of {expected}")]
    CutShort {
        /// Records or bytes that are there.
        found: usize,
        /// Records or bytes that the header promises.
        expected: usize,
    },
    /// The snapshot cannot be written.
    #[error("the snapshot cannot be written: {0}")]
    Write(String),
}

impl Snapshot {
    /// The snapshot as bytes of the newest format version.
    ///
    /// # Errors
    /// Arrow refuses a table, such as one of more names than its offsets can count.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        v2::encode(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads bytes of any format version up to the newest.
    ///
    /// # Errors
    /// The bytes are no snapshot, a newer one, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CodecError::NotASnapshot)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::NotASnapshot)?;
        match u32::from_le_bytes(*version) {
            1 => v1::decode(rest),
            2 => v2::decode(rest),
            0 => Err(CodecError::NotASnapshot),
            newer => Err(CodecError::Newer(newer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Grants, Objects, Postings, Snapshot, Strings};
    use super::{CodecError, v1};
    use crate::account::{Account, ContainerGrant, Grant, Membership, ObjectInfo, Ownership, PrincipalInfo, Reach};
    use crate::model::{Container, Ident, ObjectRef, ObjectType, Principal, Privilege, Properties, Property};
    use std::path::{Path, PathBuf};
    use std::time::Instant;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    /// Something of everything, with names that are hard to write.
    fn sample() -> Snapshot {
        let mut account = Account::new("acme \"prod\"");
        let (role, odd) = (Principal::role(id("ANALYST")), Principal::role(id("my \"odd\" Role.$ é\n")));
        let (user, reader) =
            (Principal::user(id("ann.lee@example.com")), Principal::database_role(id("A.B"), id("READER")));
        let instance = Principal {
            kind: crate::model::PrincipalKind::InstanceRole,
            scope: vec![id("D"), id("S"), id("b!1")],
            name: id("ADMIN"),
        };
        let info = |listed, created_on| PrincipalInfo { properties: Properties::default(), created_on, listed };
        for (principal, at) in [(&role, Some(1)), (&odd, None), (&reader, Some(-5)), (&instance, Some(7))] {
            account.put_principal(principal.clone(), info(true, at));
        }
        let properties =
            Properties::default().with(Property::Disabled, "true").with(Property::Comment, "two\nlines, 'x'");
        account.put_principal(user.clone(), PrincipalInfo { properties, created_on: Some(9), listed: true });
        let table = ObjectRef::in_schema(ObjectType::TABLE, id("A.B"), id("C D"), id("x\"y"));
        let function =
            ObjectRef::in_schema(ObjectType::FUNCTION, id("A.B"), id("C D"), id("F")).with_signature("NUMBER, VARCHAR");
        let view = ObjectRef::in_schema(ObjectType::VIEW, id("A.B"), id("C D"), id("V"));
        let managed = Properties::default().with(Property::ManagedAccess, "true");
        let schema = ObjectRef::in_database(ObjectType::SCHEMA, id("A.B"), id("C D"));
        account.put_object(schema, ObjectInfo { properties: managed, created_on: Some(2), listed: true });
        for object in [&table, &function] {
            account
                .put_object(object.clone(), ObjectInfo { created_on: Some(3), listed: true, ..ObjectInfo::default() });
        }
        account.put_ownership(&Ownership {
            object: table.clone(),
            owner: role.clone(),
            granted_by: Some(odd.clone()),
            created_on: Some(4),
        });
        account.put_ownership(&Ownership {
            object: function.clone(),
            owner: reader.clone(),
            granted_by: None,
            created_on: None,
        });
        for (privilege, object, grantee, granted_by, grant_option, created_on) in [
            ("SELECT", &table, &odd, Some(&role), true, Some(5)),
            ("SELECT", &table, &odd, None, false, None),
            ("INSERT", &table, &user, Some(&role), false, Some(6)),
            ("USAGE", &function, &reader, None, true, Some(i64::MAX)),
            ("NOT A KNOWN ONE", &view, &instance, None, false, Some(i64::MIN)),
        ] {
            account.put_grant(Grant {
                privilege: Privilege::new(privilege),
                object: object.clone(),
                grantee: grantee.clone(),
                granted_by: granted_by.cloned(),
                grant_option,
                created_on,
            });
        }
        for (role, member, builtin) in [(&odd, &user, false), (&role, &odd, true), (&reader, &role, false)] {
            account.put_membership(&Membership {
                role: role.clone(),
                member: member.clone(),
                granted_by: (!builtin).then(|| role.clone()),
                grant_option: false,
                builtin,
                created_on: Some(8),
            });
        }
        let schema = Container::Schema(id("A.B"), id("C D"));
        for (reach, container) in [
            (Reach::Future, Container::Database(id("A.B"))),
            (Reach::Inherited, schema),
            (Reach::Inherited, Container::Account),
        ] {
            account.put_container_grant(ContainerGrant {
                reach,
                container,
                object_type: ObjectType::TABLE,
                privilege: Privilege::SELECT,
                grantee: odd.clone(),
                grant_option: reach == Reach::Future,
                granted_by: None,
                created_on: Some(10),
            });
        }
        Snapshot::freeze(&account, 1_760_000_000_000_001)
    }

    fn fixture(version: u32) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/snapshots/v{version}.snap"))
    }

    /// State and evidence: two snapshots that a reader cannot tell apart.
    fn assert_same(a: &Snapshot, b: &Snapshot) {
        assert_eq!(a.state_difference(b), None);
        assert_eq!((a.account(), a.taken_at()), (b.account(), b.taken_at()));
        assert_eq!(v1::encode(a), v1::encode(b), "evidence too");
        assert_eq!(a.privileges(), b.privileges());
        assert_eq!((&a.on_object, a.objects.name.len()), (&b.on_object, b.objects.name.len()));
        for object in 0..a.object_count() {
            assert_eq!(a.object_id(&a.object(object)), Some(object));
            assert_eq!(b.object_id(&a.object(object)), Some(object));
        }
    }

    #[test]
    fn every_version_reads_back_what_was_written() {
        let snapshot = sample();
        let bytes = snapshot.encode().unwrap();
        assert_eq!(bytes[8..12], 2_u32.to_le_bytes());
        let read = Snapshot::decode(&bytes).unwrap();
        assert_same(&snapshot, &read);
        assert_eq!(read.encode().unwrap(), bytes, "writing again changes nothing");
        assert_same(&snapshot, &Snapshot::decode(&v1::encode(&snapshot)).unwrap());
        let empty = Snapshot::freeze(&Account::new("empty"), 0);
        assert_same(&empty, &Snapshot::decode(&empty.encode().unwrap()).unwrap());
    }

    #[test]
    fn the_file_of_every_published_version_decodes() {
        for version in 1..=super::VERSION {
            let bytes = std::fs::read(fixture(version)).unwrap();
            assert_eq!(bytes[8..12], version.to_le_bytes());
            assert_same(&sample(), &Snapshot::decode(&bytes).unwrap());
        }
    }

    #[test]
    #[ignore = "writes the file of a new version; that of a published version never changes"]
    fn write_fixture() {
        let snapshot = sample();
        for (version, bytes) in [(1, v1::encode(&snapshot)), (super::VERSION, snapshot.encode().unwrap())] {
            if !fixture(version).exists() {
                std::fs::create_dir_all(fixture(version).parent().unwrap()).unwrap();
                std::fs::write(fixture(version), bytes).unwrap();
            }
        }
    }

    #[test]
    fn damage_anywhere_is_an_error_and_never_a_panic() {
        let bytes = sample().encode().unwrap();
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            if let Ok(read) = Snapshot::decode(&damaged) {
                // Only the header has no checksum: there a name or a time may change, nothing else.
                assert!(at < 200 && read.grants().len() == sample().grants().len(), "byte {at}");
            }
            assert!(Snapshot::decode(&bytes[..at]).is_err(), "cut at {at}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(matches!(Snapshot::decode(&longer), Err(CodecError::Damaged(_))));
    }

    #[test]
    fn privileges_that_came_to_be_implied_later_are_there_after_reading() {
        let mut older = sample();
        // As a program wrote it that knew of no implied privilege: only those that grants name.
        let used: std::collections::BTreeSet<u16> =
            older.grants.privilege.iter().copied().chain(older.container_grants.iter().map(|c| c.privilege)).collect();
        let place = |id: u16| used.iter().position(|u| *u == id).unwrap() as u16;
        older.grants.privilege = older.grants.privilege.iter().map(|id| place(*id)).collect();
        for row in &mut older.container_grants {
            row.privilege = place(row.privilege);
        }
        older.privileges = used.iter().map(|id| older.privileges.at(u32::from(*id)).clone()).collect();
        assert!(older.privileges.len() < sample().privileges.len());
        assert_same(&sample(), &Snapshot::decode(&older.encode().unwrap()).unwrap());
    }

    #[test]
    fn a_file_in_another_order_of_names_is_put_in_order() {
        let mut other = sample();
        // The last two types swapped, as if names had another order.
        let mut types = other.types.as_slice().to_vec();
        let last = types.len() - 1;
        types.swap(last, last - 1);
        let swap = |id: u16| match usize::from(id) {
            i if i == last => (last - 1) as u16,
            i if i == last - 1 => last as u16,
            _ => id,
        };
        other.types = types.into();
        other.objects.kind = other.objects.kind.iter().map(|id| swap(*id)).collect();
        for row in &mut other.container_grants {
            row.kind = swap(row.kind);
        }
        assert_same(&sample(), &Snapshot::decode(&other.encode().unwrap()).unwrap());
    }

    #[test]
    fn ids_that_point_nowhere_are_refused() {
        let broken: [fn(&mut Snapshot); 4] = [
            |s| s.grants.object = vec![9_999; s.grants.len()].into(),
            |s| s.grants.privilege = vec![9_999; s.grants.len()].into(),
            |s| s.memberships[0].role = 9_999,
            |s| s.objects.database = vec![9_999; s.objects.kind.len()].into(),
        ];
        for change in broken {
            let mut snapshot = sample();
            change(&mut snapshot);
            let error = Snapshot::decode(&snapshot.encode().unwrap()).unwrap_err();
            assert!(matches!(&error, CodecError::Damaged(what) if what.contains("9999")), "{error}");
        }
    }

    /// An account of `grants` grants: 200 tables per schema, ten schemas per database, eight grants per table.
    fn large(grants: usize) -> Snapshot {
        let mut base = sample();
        let tables = grants / 8;
        let (mut name, mut database, mut schema, mut kind) = (Strings::new(), Vec::new(), Vec::new(), Vec::new());
        let (databases, schemas) = (tables / 2_000 + 1, tables / 200 + 1);
        let class = |text: &str| base.types.iter().position(|t| t.as_str() == text).unwrap() as u16;
        let (of_database, of_schema, of_table) = (class("DATABASE"), class("SCHEMA"), class("TABLE"));
        for i in 0..databases {
            name.push(&format!("DB_{i:06}"));
            database.push(super::super::NONE);
            schema.push(super::super::NONE);
            kind.push(of_database);
        }
        for i in 0..schemas {
            name.push(&format!("SCHEMA_{i:06}"));
            database.push((i / 10) as u32);
            schema.push(super::super::NONE);
            kind.push(of_schema);
        }
        for i in 0..tables {
            name.push(&format!("CUSTOMER_ORDERS_{i:08}"));
            database.push((i / 2_000) as u32);
            schema.push((databases + i / 200) as u32);
            kind.push(of_table);
        }
        let objects = kind.len();
        let rows = || (0..grants as u32).map(|i| (i / 8, i % 8));
        let first = (databases + schemas) as u32;
        base.principals = (0..5_000).map(|i| Principal::role(id(&format!("ROLE_{i:05}")))).collect();
        base.principal_info = (0..5_000).map(|_| PrincipalInfo { listed: true, ..PrincipalInfo::default() }).collect();
        base.memberships.clear();
        base.container_grants.clear();
        base.grants = Grants {
            object: rows().map(|(table, _)| first + table).collect(),
            privilege: rows().map(|(_, i)| i as u16 % 5).collect(),
            grantee: rows().map(|(table, i)| (table / 50 * 7 + i * 31) % 5_000).collect(),
            granted_by: rows().map(|(table, _)| table % 2).collect(),
            grant_option: rows().map(|(_, i)| i == 0).collect(),
            created_on: rows()
                .map(|(table, i)| Some(1_700_000_000_000_000 + i64::from(table) * 977_123 + i64::from(i)))
                .collect(),
        };
        base.objects = Objects {
            name,
            kind: kind.into(),
            database: database.into(),
            schema: schema.into(),
            owner: vec![3; objects].into(),
            listed: vec![true; objects].into(),
            created_on: Column::from(vec![Some(1_700_000_000_000_000); objects]),
            ..Objects::default()
        };
        base.on_object = Postings::group(objects, base.grants.object.iter().copied().zip(0..));
        base
    }

    #[test]
    #[ignore = "a measurement: prints time and size of GRANTD_CODEC_GRANTS grants, a million by default"]
    fn measure() {
        let grants = std::env::var("GRANTD_CODEC_GRANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
        let snapshot = large(grants);
        let start = Instant::now();
        let bytes = snapshot.encode().unwrap();
        let encoded = start.elapsed();
        let start = Instant::now();
        let read = Snapshot::decode(&bytes).unwrap();
        let decoded = start.elapsed();
        assert_eq!((read.grants().len(), read.object_count()), (snapshot.grants().len(), snapshot.object_count()));
        println!("{grants} grants: encode {encoded:?}, decode {decoded:?}, {} bytes", bytes.len());
    }
}
