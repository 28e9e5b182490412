//! The laws of SQL: what is rendered reads back as itself, exactly one statement, for every name however odd; what is
//! not understood is an error with its place.

use super::*;
use crate::account::{Account, ObjectInfo, PrincipalInfo};
use crate::model::{
    Change, Container, Ident, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind, Privilege, Properties,
    Property, ValueKind,
};
use proptest::prelude::*;

/// Names that have broken other tools.
const HOSTILE: &[&str] = &[
    "ORDERS",
    "orders",
    "a\"b",
    "\"",
    "\"\"",
    "a.b",
    ".",
    "a;b",
    ";",
    "--",
    "a--b",
    "/*",
    "*/",
    "//",
    "$",
    "$$",
    "$$;$$",
    "'",
    "it''s",
    "\\",
    "\\\"",
    "a\nb",
    "\n",
    "\r\n",
    "\t",
    " ",
    "SELECT",
    "TABLE",
    "ROLE",
    "TO",
    "user@example.com",
    "\u{202e}RTL",
    "\u{200b}",
    "Α",
    "а",
    "é",
    "e\u{301}",
    "💥",
    "(NUMBER)",
    "a)",
    "!",
    "#",
    "`",
    "N'x'",
    "\u{feff}",
];

fn ident() -> impl Strategy<Value = Ident> {
    let odd = proptest::sample::select(HOSTILE).prop_map(str::to_owned);
    let any = proptest::collection::vec(any::<char>().prop_filter("no NUL", |c| *c != '\0'), 1..8)
        .prop_map(|chars| chars.into_iter().collect::<String>());
    let long = proptest::sample::select(vec!["x", "\"", "é", "💥", "$"]).prop_map(|c| c.repeat(255));
    let mixed =
        (proptest::sample::select(HOSTILE), proptest::sample::select(HOSTILE)).prop_map(|(a, b)| format!("{a}{b}"));
    prop_oneof![6 => odd, 3 => any, 1 => long, 3 => mixed].prop_map(|text| Ident::new(text).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(HOSTILE).prop_map(str::to_owned), any::<String>(), Just(String::new())]
}

const SCHEMA_TYPES: &[&str] = &[
    "TABLE",
    "VIEW",
    "EXTERNAL TABLE",
    "DYNAMIC TABLE",
    "HYBRID TABLE",
    "ICEBERG TABLE",
    "MATERIALIZED VIEW",
    "SEMANTIC VIEW",
    "STAGE",
    "FILE FORMAT",
    "SEQUENCE",
    "STREAM",
    "TASK",
    "PIPE",
    "AGENT",
    "CORTEX SEARCH SERVICE",
    "MASKING POLICY",
    "GIT REPOSITORY",
    "TAG",
    "MODEL",
    "MCP SERVER",
    "SECRET",
    "EVENT TABLE",
    "NETWORK RULE",
];

fn object() -> impl Strategy<Value = ObjectRef> {
    let in_schema = (proptest::sample::select(SCHEMA_TYPES), ident(), ident(), ident())
        .prop_map(|(t, d, s, n)| ObjectRef::in_schema(ObjectType::new(t), d, s, n));
    let function = (
        proptest::sample::select(vec!["FUNCTION", "PROCEDURE", "DATA METRIC FUNCTION"]),
        (ident(), ident(), ident()),
        proptest::sample::select(vec![
            "",
            "NUMBER",
            "NUMBER, VARCHAR",
            "TABLE(DATE, NUMBER), FLOAT",
            "VECTOR(FLOAT, 256)",
        ]),
    )
        .prop_map(|(t, (d, s, n), types)| ObjectRef::in_schema(ObjectType::new(t), d, s, n).with_signature(types));
    let top = (
        proptest::sample::select(vec!["DATABASE", "WAREHOUSE", "INTEGRATION", "EXTERNAL VOLUME", "NETWORK POLICY"]),
        ident(),
    )
        .prop_map(|(t, n)| ObjectRef::top(ObjectType::new(t), n));
    let schema = (ident(), ident()).prop_map(|(d, s)| ObjectRef::in_database(ObjectType::SCHEMA, d, s));
    prop_oneof![4 => in_schema, 2 => function, 2 => top, 2 => schema]
}

fn role() -> impl Strategy<Value = Principal> {
    prop_oneof![
        3 => ident().prop_map(Principal::role),
        2 => (ident(), ident()).prop_map(|(d, r)| Principal::database_role(d, r)),
        1 => (ident(), ident()).prop_map(|(a, r)| Principal::application_role(a, r)),
    ]
}

fn grantee() -> impl Strategy<Value = Principal> {
    prop_oneof![
        4 => role(),
        2 => ident().prop_map(Principal::user),
        1 => ident().prop_map(|n| Principal::other(PrincipalKind::Share, n)),
        1 => ident().prop_map(|n| Principal::other(PrincipalKind::Application, n)),
    ]
}

fn privilege() -> impl Strategy<Value = Privilege> {
    let names = vec![
        "SELECT",
        "INSERT",
        "USAGE",
        "READ",
        "WRITE",
        "MANAGE GRANTS",
        "CREATE EXTERNAL TABLE",
        "REFERENCE_USAGE",
        "CREATE SNOWFLAKE.ML.FORECAST",
        "IMPORTED PRIVILEGES",
        "EVOLVE SCHEMA",
        "MANAGE FIREWALL_CONFIGURATION",
    ];
    proptest::sample::select(names).prop_map(Privilege::new)
}

fn properties(of: &ObjectType) -> impl Strategy<Value = Properties> + use<> {
    let value = |p: Property| -> BoxedStrategy<String> {
        match p.value_kind() {
            ValueKind::Text => text().boxed(),
            ValueKind::Boolean => any::<bool>().prop_map(|b| b.to_string()).boxed(),
            ValueKind::List => proptest::sample::select(vec!["", "ALL"]).prop_map(str::to_owned).boxed(),
            ValueKind::Word => proptest::sample::select(vec!["SERVICE", "PERSON"]).prop_map(str::to_owned).boxed(),
        }
    };
    let mine: Vec<Property> =
        Property::ALL.iter().copied().filter(|p| expand::has_property(of, *p) && *p != Property::Kind).collect();
    let each: Vec<_> = mine.into_iter().map(|p| proptest::option::of(value(p)).prop_map(move |v| (p, v))).collect();
    each.prop_map(|values| values.into_iter().filter_map(|(p, v)| Some((p, v?))).collect())
}

fn container() -> impl Strategy<Value = Container> {
    prop_oneof![ident().prop_map(Container::Database), (ident(), ident()).prop_map(|(d, s)| Container::Schema(d, s)),]
}

fn plural_type() -> impl Strategy<Value = ObjectType> {
    proptest::sample::select(SCHEMA_TYPES).prop_map(ObjectType::new)
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (ident(), properties(&ObjectType::USER))
            .prop_map(|(n, properties)| Change::CreateUser { user: Principal::user(n), properties }),
        (role(), properties(&ObjectType::ROLE)).prop_map(|(role, properties)| Change::CreateRole { role, properties }),
        object()
            .prop_flat_map(|o| (properties(&o.object_type), Just(o)))
            .prop_map(|(properties, object)| Change::CreateObject { object, properties }),
        (ident(), properties(&ObjectType::USER))
            .prop_flat_map(|(n, properties)| {
                let all: Vec<(Property, Option<String>)> = properties
                    .state()
                    .iter()
                    .map(|(p, v)| (p, Some(v.to_owned())))
                    .chain([(Property::Email, None)])
                    .collect();
                (Just(Principal::user(n)), proptest::sample::select(all))
            })
            .prop_map(|(principal, (property, value))| Change::AlterPrincipal { principal, property, value }),
        (object(), proptest::option::of(text())).prop_map(|(object, value)| Change::AlterObject {
            object,
            property: Property::Comment,
            value
        }),
        (ident(), ident(), any::<bool>()).prop_map(|(d, s, on)| Change::AlterObject {
            object: ObjectRef::in_database(ObjectType::SCHEMA, d, s),
            property: Property::ManagedAccess,
            value: Some(on.to_string()),
        }),
        prop_oneof![role(), ident().prop_map(Principal::user)]
            .prop_map(|principal| Change::DropPrincipal { principal }),
        object().prop_map(|object| Change::DropObject { object }),
        (privilege(), object(), grantee(), any::<bool>(), proptest::option::of(role())).prop_map(
            |(privilege, object, grantee, grant_option, granted_by)| Change::GrantPrivilege {
                privilege,
                object,
                grantee,
                grant_option,
                granted_by
            }
        ),
        (privilege(), object(), grantee(), any::<bool>(), any::<bool>(), proptest::option::of(role())).prop_map(
            |(privilege, object, grantee, grant_option_only, cascade, granted_by)| Change::RevokePrivilege {
                privilege,
                object,
                grantee,
                grant_option_only,
                cascade,
                granted_by
            }
        ),
        (privilege(), role(), any::<bool>()).prop_map(|(privilege, grantee, grant_option)| Change::GrantPrivilege {
            privilege,
            object: ObjectRef::account(),
            grantee,
            grant_option,
            granted_by: None
        }),
        (
            object(),
            role(),
            proptest::option::of(proptest::sample::select(vec![OutboundGrants::Copy, OutboundGrants::Revoke]))
        )
            .prop_map(|(object, to, outbound)| Change::TransferOwnership { object, to, outbound }),
        (role(), role()).prop_map(|(role, to)| Change::TransferOwnership {
            object: role.as_object(),
            to,
            outbound: None
        }),
        (role(), grantee(), any::<bool>(), proptest::option::of(role()))
            .prop_map(|(role, to, grant_option, granted_by)| Change::GrantRole { role, to, grant_option, granted_by }),
        (role(), grantee()).prop_map(|(role, from)| Change::RevokeRole { role, from, granted_by: None }),
        (privilege(), plural_type(), container(), grantee(), any::<bool>()).prop_map(
            |(privilege, object_type, container, grantee, grant_option)| Change::GrantFuture {
                privilege,
                object_type,
                container,
                grantee,
                grant_option
            }
        ),
        (plural_type(), container(), role()).prop_map(|(object_type, container, grantee)| Change::GrantFuture {
            privilege: Privilege::OWNERSHIP,
            object_type,
            container,
            grantee,
            grant_option: false
        }),
        (privilege(), plural_type(), container(), grantee()).prop_map(
            |(privilege, object_type, container, grantee)| Change::RevokeFuture {
                privilege,
                object_type,
                container,
                grantee
            }
        ),
        (privilege(), plural_type(), prop_oneof![Just(Container::Account), container()], grantee()).prop_map(
            |(privilege, object_type, container, grantee)| Change::GrantInherited {
                privilege,
                object_type,
                container,
                grantee
            }
        ),
        (privilege(), plural_type(), prop_oneof![Just(Container::Account), container()], grantee()).prop_map(
            |(privilege, object_type, container, grantee)| Change::RevokeInherited {
                privilege,
                object_type,
                container,
                grantee
            }
        ),
    ]
}

/// An account in which everything exists that the change needs, and nothing that it creates.
fn account_for(change: &Change) -> Account {
    let mut account = Account::new("A");
    let info = || ObjectInfo { listed: true, ..ObjectInfo::default() };
    let principal = |account: &mut Account, p: &Principal| {
        account.put_principal(p.clone(), PrincipalInfo { listed: true, ..PrincipalInfo::default() });
    };
    let within = |account: &mut Account, database: Option<&Ident>, schema: Option<&Ident>| {
        if let Some(d) = database {
            account.put_object(ObjectRef::database(d.clone()), info());
            if let Some(s) = schema {
                account.put_object(ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone()), info());
            }
        }
    };
    let object = |account: &mut Account, o: &ObjectRef| match Principal::from_object(o) {
        Some(p) => principal(account, &p),
        None => account.put_object(o.clone(), info()),
    };
    match change {
        Change::CreateUser { .. } => {}
        Change::CreateRole { role, .. } => within(&mut account, role.scope.first(), None),
        Change::CreateObject { object, .. } => within(&mut account, object.database.as_ref(), object.schema.as_ref()),
        Change::AlterPrincipal { principal: p, .. } | Change::DropPrincipal { principal: p } => {
            principal(&mut account, p);
        }
        Change::AlterObject { object: o, .. } | Change::DropObject { object: o } => object(&mut account, o),
        Change::GrantPrivilege { object: o, grantee, .. } | Change::RevokePrivilege { object: o, grantee, .. } => {
            object(&mut account, o);
            principal(&mut account, grantee);
        }
        Change::TransferOwnership { object: o, to, .. } => {
            object(&mut account, o);
            principal(&mut account, to);
        }
        Change::GrantRole { role, to: member, .. } | Change::RevokeRole { role, from: member, .. } => {
            principal(&mut account, role);
            principal(&mut account, member);
        }
        Change::GrantFuture { container, grantee, .. }
        | Change::RevokeFuture { container, grantee, .. }
        | Change::GrantInherited { container, grantee, .. }
        | Change::RevokeInherited { container, grantee, .. } => {
            within(&mut account, container.database(), container.schema());
            principal(&mut account, grantee);
        }
    }
    account
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_rendered_reads_back_as_one_statement_that_says_the_same(change in change()) {
        let sql = render(&change).unwrap();
        let statements = parse_script(&sql).map_err(|e| TestCaseError::fail(format!("{sql}\n{e}")))?;
        prop_assert_eq!(statements.len(), 1, "{}", sql);
        let account = account_for(&change);
        let read = statements[0].expand(&account, &Names::default());
        prop_assert_eq!(read.as_deref(), Ok(&[canonical(&change)][..]), "{}", sql);
        // Between other statements it is still one.
        let three = format!("USE ROLE A;{sql};\n-- end\nUSE ROLE B");
        prop_assert_eq!(parse_script(&three).map(|s| s.len()), Ok(3), "{}", three);
    }

    #[test]
    fn one_name_is_one_identifier(name in ident(), other in ident()) {
        let sql = format!("GRANT ROLE {} TO USER {}", name.quoted(), other.quoted());
        let statements = parse_script(&sql).unwrap();
        let Kind::GrantRole { role: ast::RoleName::Role(_, role), to, .. } = &statements[0].kind else { panic!("{sql}") };
        prop_assert_eq!(&role.parts, &vec![name]);
        prop_assert_eq!(&to.name.parts, &vec![other]);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place(sql in any::<String>()) {
        if let Err(e) = parse_script(&sql) {
            prop_assert!(e.at.line >= 1 && e.at.column >= 1);
        }
    }

    #[test]
    fn any_words_of_sql_are_read_or_refused(words in proptest::collection::vec(proptest::sample::select(vec![
        "GRANT", "REVOKE", "CREATE", "ALTER", "DROP", "ROLE", "DATABASE", "TABLE", "ON", "ALL", "FUTURE", "IN", "TO",
        "FROM", "(", ")", ",", "'x'", "\"x\"", "X", ".", ";", "=", "SET", "COMMENT", "USER", "SELECT", "$$", "--\n", "/*",
    ]), 0..14)) {
        let _ = parse_script(&words.join(" "));
    }

    #[test]
    fn a_privilege_or_type_from_outside_cannot_become_another_statement(text in text()) {
        let grant = |privilege, object_type| Change::GrantPrivilege {
            privilege,
            object: ObjectRef::top(object_type, Ident::new("X").unwrap()),
            grantee: Principal::public(),
            grant_option: false,
            granted_by: None,
        };
        for change in [
            grant(Privilege::new(&text), ObjectType::DATABASE),
            grant(Privilege::new(&format!("SELECT ON ACCOUNT TO ROLE A; {text}")), ObjectType::DATABASE),
            grant(Privilege::USAGE, ObjectType::new(&text)),
        ] {
            if let Ok(sql) = render(&change) {
                let account = account_for(&change);
                let statements = parse_script(&sql).map_err(|e| TestCaseError::fail(format!("{sql}\n{e}")))?;
                prop_assert_eq!(statements.len(), 1);
                prop_assert_eq!(statements[0].expand(&account, &Names::default()), Ok(vec![canonical(&change)]));
            }
        }
    }
}
