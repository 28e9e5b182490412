//! Two real Permifrost specifications as accounts: users, roles and who is a member of what, with the figures that
//! `tests/data/permifrost/SOURCES.md` gives.

use super::roles::How;
use super::{Lens, Oracle};
use flate2::read::GzDecoder;
use grantd_catalog::account::{Account, Membership, PrincipalInfo};
use grantd_catalog::model::{Ident, Principal, PrincipalKind, Property};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// The specification of a date; `GRANTD_PERMIFROST_DIR` may name another directory that holds the same files.
fn specification(date: &str) -> String {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/permifrost");
    let directory = std::env::var_os("GRANTD_PERMIFROST_DIR").map_or(shipped, PathBuf::from);
    let (plain, packed) = (format!("account.{date}.yml"), format!("account.{date}.yml.gz"));
    let mut text = String::new();
    if let Ok(file) = File::open(directory.join(&packed)) {
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        File::open(directory.join(&plain)).unwrap().read_to_string(&mut text).unwrap();
    }
    text
}

/// One line of `roles:` or `users:` that matters: who, and what it is a member of.
#[derive(Default, Debug, PartialEq)]
struct Specification {
    roles: Vec<String>,
    users: Vec<String>,
    disabled: Vec<String>,
    /// `(member, role)`, in the order and as often as listed.
    role_members: Vec<(String, String)>,
    user_members: Vec<(String, String)>,
}

/// Reads the subset of YAML that these files are written in: a list of one-key maps under each heading, two spaces a
/// level. A pattern under `include` is no membership by name and is left out, as in the figures.
fn read(text: &str) -> Specification {
    let mut found = Specification::default();
    let (mut heading, mut who, mut key) = (String::new(), String::new(), String::new());
    for line in text.lines() {
        let body = line.trim_start();
        match (line.len() - body.len(), body) {
            (0, _) if !body.starts_with("- ") => heading = body.trim_end_matches(':').to_owned(),
            (0, _) => {
                who = body.trim_start_matches("- ").trim_end_matches(':').to_owned();
                key.clear();
                match heading.as_str() {
                    "roles" => found.roles.push(who.clone()),
                    "users" => found.users.push(who.clone()),
                    _ => {}
                }
            }
            (4, "can_login: false") if heading == "users" => found.disabled.push(who.clone()),
            (4, _) if !body.starts_with("- ") => key = body.to_owned(),
            (4, _) if key == "member_of:" => {
                let role = body.trim_start_matches("- ").to_owned();
                match heading.as_str() {
                    "roles" => found.role_members.push((who.clone(), role)),
                    "users" => found.user_members.push((who.clone(), role)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

/// The specification's users, roles and memberships, without PUBLIC's or the platform's own.
pub(crate) fn account(date: &str) -> Account {
    let specification = read(&specification(date));
    let mut account = Account::new(format!("PERMIFROST {date}"));
    let role = |name: &str| Principal::role(Ident::unquoted(name).unwrap());
    let user = |name: &str| Principal::user(Ident::unquoted(name).unwrap());
    for name in &specification.roles {
        account.put_principal(role(name), PrincipalInfo { listed: true, ..PrincipalInfo::default() });
    }
    for name in &specification.users {
        let mut info = PrincipalInfo { listed: true, ..PrincipalInfo::default() };
        if specification.disabled.contains(name) {
            info.properties.set(Property::Disabled, Some("true".to_owned()));
        }
        account.put_principal(user(name), info);
    }
    let of_roles = specification.role_members.iter().map(|(member, of)| (role(member), role(of)));
    let of_users = specification.user_members.iter().map(|(member, of)| (user(member), role(of)));
    for (member, role) in of_roles.chain(of_users) {
        let row = Membership { role, member, granted_by: None, grant_option: false, builtin: false, created_on: None };
        account.put_membership(&row);
    }
    account
}

/// The figures of one file, in the order of the table.
///
/// They are those of the specification's own edges, so that its PUBLIC is a role like any other here: not everybody's,
/// and not among the roles that come with an account.
#[derive(Debug, PartialEq)]
struct Figures {
    roles: usize,
    users: usize,
    listed_edges: usize,
    edges: usize,
    deepest_chain: usize,
    implied: usize,
    closure_pairs: usize,
    direct_pairs: usize,
    effective_pairs: usize,
    unreachable: usize,
    outside_sysadmin: usize,
    accountadmins: usize,
    securityadmins: usize,
}

fn figures(date: &str) -> Figures {
    let account = account(date);
    let oracle = Oracle::new(&account);
    let everybodys: BTreeSet<Principal> = [Principal::public()].into();
    let of = |kind: PrincipalKind| oracle.granted_roles.iter().filter(move |(member, _)| member.kind == kind);
    let mut effective = oracle.effective_roles(Lens::All);
    effective.retain(|(_, _, how)| *how != How::Public);
    let users_with = |name: &str| {
        let role = Principal::role(Ident::new(name).unwrap());
        effective.iter().filter(|(_, has, _)| *has == role).count()
    };
    let reached: BTreeSet<&Principal> = effective.iter().map(|(_, role, _)| role).collect();
    Figures {
        roles: oracle.roles.len(),
        users: oracle.users.len(),
        listed_edges: read(&specification(date)).role_members.len(),
        edges: of(PrincipalKind::Role).map(|(_, granted)| granted.len()).sum(),
        deepest_chain: deepest_chain(&oracle),
        implied: oracle.redundant_memberships().iter().filter(|(_, m)| m.kind == PrincipalKind::Role).count(),
        closure_pairs: oracle.role_closure().len(),
        direct_pairs: of(PrincipalKind::User).map(|(_, granted)| granted.len()).sum(),
        effective_pairs: effective.len(),
        unreachable: oracle.roles.iter().filter(|role| !reached.contains(role)).count(),
        outside_sysadmin: oracle.not_under_sysadmin().union(&everybodys).count(),
        accountadmins: users_with("ACCOUNTADMIN"),
        securityadmins: users_with("SECURITYADMIN"),
    }
}

/// How many roles the longest chain has: layers until nothing is left that another role reaches.
fn deepest_chain(oracle: &Oracle) -> usize {
    let mut layer = oracle.roles.clone();
    let mut depth = 0;
    while !layer.is_empty() {
        layer = layer.iter().flat_map(|role| oracle.granted_to(role)).collect::<BTreeSet<_>>();
        depth += 1;
    }
    depth
}

#[test]
fn the_figures_of_2022() {
    let want = Figures {
        roles: 189,
        users: 93,
        listed_edges: 557,
        edges: 557,
        deepest_chain: 6,
        implied: 111,
        closure_pairs: 2624,
        direct_pairs: 111,
        effective_pairs: 2304,
        unreachable: 25,
        outside_sysadmin: 185,
        accountadmins: 6,
        securityadmins: 8,
    };
    assert_eq!(figures("2022-08-15"), want);
}

#[test]
fn the_figures_of_2024() {
    let want = Figures {
        roles: 389,
        users: 257,
        listed_edges: 909,
        edges: 908,
        deepest_chain: 6,
        implied: 152,
        closure_pairs: 4028,
        direct_pairs: 267,
        effective_pairs: 3928,
        unreachable: 34,
        outside_sysadmin: 384,
        accountadmins: 6,
        securityadmins: 8,
    };
    assert_eq!(figures("2024-09-25"), want);
}
