//! The fewest revokes that end an access: a minimum edge cut between the user and what it needs.
//!
//! Access takes three things: the privilege, reach into the schema and reach into the database. Cutting any one of them
//! ends it, so the smallest of three cuts is the answer. A membership or a grant costs one revoke, whoever granted it;
//! what no REVOKE takes away (ownership, a database role's own database, memberships that the platform makes, PUBLIC
//! being everyone's) cannot be cut.

use super::effective::{Scan, Wanted};
use super::explain::Need;
use super::lens::default_role;
use super::{Lens, Source, Way};
use crate::account::{ApplyError, Reach};
use crate::model::{Change, Principal, PrincipalKind};
use crate::snapshot::Snapshot;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Revokes that end an access.
#[derive(Clone, Debug)]
pub struct Cut {
    /// Which of the three needs they end.
    pub need: Need,
    /// The revokes; each is needed.
    pub changes: Vec<Change>,
    /// The snapshot with all of them applied.
    pub after: Arc<Snapshot>,
}

/// Why there is no cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// There is nothing to end.
    #[error("the user has no usable access of this kind, so there is nothing to revoke")]
    NoAccess,
    /// Some path has nothing on it that can be revoked.
    #[error(
        "no set of revokes ends this access: a role of the user owns the object or its container, or has it from the \
         platform itself; transfer the ownership or drop the role"
    )]
    NotRevocable,
    /// A revoke does not apply.
    #[error("a revoke of the answer does not apply to the account: {0}")]
    Inapplicable(#[from] ApplyError),
    /// The revokes were applied and the access is still there.
    #[error("the revokes found do not end the access when they are applied; please report this account's structure")]
    NotEnded,
}

/// One statement that takes something away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Revoke {
    Membership {
        role: u32,
        member: u32,
    },
    Grant {
        privilege: u16,
        object: u32,
        grantee: u32,
    },
    /// By index of the container grant.
    Inherited(u32),
}

/// The fewest revokes that end a user's privilege (by index) on an object under a lens, applied and checked.
pub fn minimal_cut(s: &Arc<Snapshot>, lens: Lens, user: u32, privilege: u16, object: u32) -> Result<Cut, CutError> {
    if !usable(s, lens, user, privilege, object) {
        return Err(CutError::NoAccess);
    }
    let needs = [
        Some((Need::Privilege, object)),
        s.schema_of(object).map(|schema| (Need::Schema, schema)),
        s.database_of(object).map(|database| (Need::Database, database)),
    ];
    let cuts = needs.into_iter().flatten().filter_map(|(need, target)| {
        let ends = ends(s, need, target, privilege);
        Some((need, Network::new(s, lens, user, &ends).minimum_cut()?))
    });
    // Of cuts of one size the first need wins: it takes the least besides the privilege.
    let (need, revokes) = cuts.min_by_key(|(_, revokes)| revokes.len()).ok_or(CutError::NotRevocable)?;
    let mut account = s.thaw();
    let mut changes = Vec::new();
    let mut cascaded = false;
    for revoke in revokes {
        let Some(change) = change(s, revoke) else { continue };
        match account.apply(&change, Some(s.taken_at())) {
            // An earlier revoke took this one along.
            Err(ApplyError::NotGranted(_)) if cascaded => continue,
            result => result?,
        }
        cascaded |= matches!(change, Change::RevokePrivilege { cascade: true, .. });
        changes.push(change);
    }
    let after = Arc::new(Snapshot::freeze(&account, s.taken_at()));
    let still = || {
        let user = after.principal_id(s.principals().at(user))?;
        let privilege = after.privilege_id(s.privileges().at(u32::from(privilege)).as_str())?;
        let object = after.object_id(&s.object(object))?;
        Some(usable(&after, lens, user, privilege, object))
    };
    if still().unwrap_or(false) {
        return Err(CutError::NotEnded);
    }
    Ok(Cut { need, changes, after })
}

/// Whether a user can use a privilege (by index) on an object under a lens.
pub fn usable(s: &Arc<Snapshot>, lens: Lens, user: u32, privilege: u16, object: u32) -> bool {
    let (users, objects, privileges) = (Some(vec![user]), Some(vec![object]), Some(vec![privilege]));
    let mut scan = Scan::new(Arc::clone(s), Wanted { users, objects, privileges, lens });
    let mut rows = Vec::new();
    while scan.rows(usize::MAX, &mut rows) {}
    rows.iter().any(|row| row.usable)
}

/// Who fulfils a need by itself, each with what takes it away; `None` for what cannot be revoked.
fn ends(s: &Snapshot, need: Need, target: u32, privilege: u16) -> BTreeSet<(u32, Option<Revoke>)> {
    let mut ways = Vec::new();
    s.ways_on(target, &mut ways);
    if need == Need::Privilege {
        ways.retain(|w| w.privilege == privilege);
    }
    let revoke = |way: &Way| match way.kind {
        Source::Ownership => None,
        Source::Inherited => Some(Revoke::Inherited(way.evidence)),
        _ => Some(Revoke::Grant { privilege: way.privilege, object: target, grantee: way.carrier }),
    };
    let mut ends: BTreeSet<_> = ways.iter().map(|way| (way.carrier, revoke(way))).collect();
    if need == Need::Privilege {
        return ends;
    }
    // An inherited grant on what is inside resolves its own container.
    for (row, i) in s.container_grants().iter().zip(0..) {
        if row.reach == Reach::Inherited && row.container == target {
            ends.insert((row.grantee, Some(Revoke::Inherited(i))));
        }
    }
    if need == Need::Database {
        let of_database = |p: &Principal| {
            p.kind == PrincipalKind::DatabaseRole
                && p.scope.first().is_some_and(|d| d.as_str() == s.object_name(target))
        };
        ends.extend(s.principals().iter().zip(0..).filter(|(p, _)| of_database(p)).map(|(_, id)| (id, None)));
    }
    ends
}

/// A revoke as a change; `None` for an index of no inherited grant. Grants that the grantee made with its grant option go too, since SQL refuses otherwise.
fn change(s: &Snapshot, revoke: Revoke) -> Option<Change> {
    let named = |id: u32| s.principals().at(id).clone();
    Some(match revoke {
        Revoke::Membership { role, member } => {
            Change::RevokeRole { role: named(role), from: named(member), granted_by: None }
        }
        Revoke::Grant { privilege, object, grantee } => {
            let grants = s.grants();
            let of_privilege = || s.grants_on(object).filter(|row| grants.privilege(*row) == privilege);
            let grantor = s.principals().at(grantee);
            let depends =
                |row: u32| grants.grantee(row) != grantee && s.grantor(grants.granted_by(row)) == Some(grantor);
            let option = of_privilege().any(|row| grants.grantee(row) == grantee && grants.grant_option(row));
            Change::RevokePrivilege {
                privilege: s.privileges().at(u32::from(privilege)).clone(),
                object: s.object(object),
                grantee: named(grantee),
                grant_option_only: false,
                cascade: option && of_privilege().any(depends),
                granted_by: None,
            }
        }
        Revoke::Inherited(i) => {
            let row = s.container_grant(s.container_grants().get(i as usize)?);
            Change::RevokeInherited {
                privilege: row.privilege,
                object_type: row.object_type,
                container: row.container,
                grantee: row.grantee,
            }
        }
    })
}

/// A place on the way from the user to what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    /// On the way from the user to its default role, when only that is active.
    Above(u32),
    /// Among what is active.
    Active(u32),
    /// The need itself.
    Sink,
}

/// A directed edge; its reverse stands next to it (index xor 1).
#[derive(Debug)]
struct Edge {
    to: usize,
    left: u32,
    revoke: Option<Revoke>,
}

/// Capacity of what cannot be revoked.
const UNLIMITED: u32 = u32::MAX / 2;

/// The flow network between a user and a need.
#[derive(Debug, Default)]
struct Network {
    places: HashMap<Place, usize>,
    out: Vec<Vec<usize>>,
    edges: Vec<Edge>,
    source: usize,
    sink: usize,
}

impl Network {
    fn new(s: &Snapshot, lens: Lens, user: u32, ends: &BTreeSet<(u32, Option<Revoke>)>) -> Self {
        let graph = s.graph();
        let builtin: BTreeSet<(u32, u32)> =
            s.memberships().iter().filter(|m| m.builtin).map(|m| (m.role, m.member)).collect();
        let mut network = Self::default();
        network.sink = network.place(Place::Sink);
        let secondary = graph.user_roles(s, lens).counts_own_grants(user - graph.users().start);
        let start = if secondary { Place::Active(user) } else { Place::Above(user) };
        network.source = network.place(start);
        let everyones = network.place(Place::Active(graph.public()));
        network.edge(network.source, everyones, None);
        let memberships = |network: &mut Self, from: u32, place: fn(u32) -> Place| {
            for member in graph.closure().includes(from) {
                let below = network.place(place(*member));
                for role in graph.granted_to(*member) {
                    let fixed = builtin.contains(&(*role, *member));
                    let revoke = (!fixed).then_some(Revoke::Membership { role: *role, member: *member });
                    let to = network.place(place(*role));
                    network.edge(below, to, revoke);
                }
            }
        };
        memberships(&mut network, graph.public(), Place::Active);
        if secondary {
            memberships(&mut network, user, Place::Active);
        } else if let Some(role) = default_role(s, graph, user) {
            memberships(&mut network, user, Place::Above);
            memberships(&mut network, role, Place::Active);
            let (above, active) = (network.place(Place::Above(role)), network.place(Place::Active(role)));
            network.edge(above, active, None);
        }
        for (carrier, revoke) in ends {
            // Another user's own grants are nobody else's.
            if !graph.is_user(*carrier) || (*carrier == user && secondary) {
                let carrier = network.place(Place::Active(*carrier));
                network.edge(carrier, network.sink, *revoke);
            }
        }
        network
    }

    fn place(&mut self, place: Place) -> usize {
        let next = self.out.len();
        let id = *self.places.entry(place).or_insert(next);
        if id == next {
            self.out.push(Vec::new());
        }
        id
    }

    fn edge(&mut self, from: usize, to: usize, revoke: Option<Revoke>) {
        let pair = [(from, to, if revoke.is_some() { 1 } else { UNLIMITED }, revoke), (to, from, 0, None)];
        for (from, to, left, revoke) in pair {
            if let Some(out) = self.out.get_mut(from) {
                out.push(self.edges.len());
            }
            self.edges.push(Edge { to, left, revoke });
        }
    }

    /// For each place that can still be reached from the source, the edge that leads to it.
    fn reached(&self) -> HashMap<usize, Option<usize>> {
        let mut reached = HashMap::from([(self.source, None)]);
        let mut queue = VecDeque::from([self.source]);
        while let Some(at) = queue.pop_front() {
            for index in self.out.get(at).into_iter().flatten() {
                let Some(edge) = self.edges.get(*index) else { continue };
                if edge.left > 0 && !reached.contains_key(&edge.to) {
                    reached.insert(edge.to, Some(*index));
                    queue.push_back(edge.to);
                }
            }
        }
        reached
    }

    /// The revokes of a minimum cut, those nearest the user, who then loses more and others less; `None` when some path
    /// cannot be cut.
    fn minimum_cut(mut self) -> Option<Vec<Revoke>> {
        loop {
            let reached = self.reached();
            if !reached.contains_key(&self.sink) {
                let crosses = |(index, edge): (usize, &Edge)| {
                    let from = self.edges.get(index ^ 1)?.to;
                    let crossing = reached.contains_key(&from) && !reached.contains_key(&edge.to);
                    edge.revoke.filter(|_| crossing)
                };
                let cut: BTreeSet<Revoke> = self.edges.iter().enumerate().filter_map(crosses).collect();
                return Some(cut.into_iter().collect());
            }
            let mut path = Vec::new();
            let mut at = self.sink;
            while let Some(Some(index)) = reached.get(&at) {
                path.push(*index);
                at = self.edges.get(index ^ 1)?.to;
            }
            let width = path.iter().filter_map(|index| self.edges.get(*index)).map(|edge| edge.left).min()?;
            // All flow together is at most the number of revocable edges: what is wider has nothing to revoke on it.
            if width as usize > self.edges.len() {
                return None;
            }
            for index in path {
                self.edges.get_mut(index)?.left -= width;
                self.edges.get_mut(index ^ 1)?.left += width;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::model::Privilege;
    use crate::sql::parse_changes;
    use std::fmt::Write;

    fn account(sql: &str) -> Account {
        let mut account = Account::new("A");
        for statement in sql.split(';').filter(|s| !s.trim().is_empty()) {
            for change in parse_changes(statement, &account).unwrap() {
                account.apply(&change, None).unwrap();
            }
        }
        account
    }

    fn frozen(account: &Account) -> Arc<Snapshot> {
        Arc::new(Snapshot::freeze(account, 0))
    }

    fn cut(s: &Arc<Snapshot>, lens: Lens) -> Result<Cut, CutError> {
        let user = s.resolve_user("ALICE").unwrap();
        let object = s.resolve_objects("DB.S.T")[0];
        let Some(privilege) = s.privilege_id("SELECT") else { return Err(CutError::NoAccess) };
        minimal_cut(s, lens, user, privilege, object)
    }

    fn sql(cut: &Cut) -> Vec<String> {
        cut.changes.iter().map(|c| crate::sql::render(c).unwrap()).collect()
    }

    const BASE: &str =
        "CREATE USER ALICE; CREATE USER BOB; CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (A INT);
        CREATE ROLE R0; CREATE ROLE R1; CREATE ROLE R2; CREATE ROLE R3;";

    #[test]
    fn two_readers_below_one_reach_are_cut_at_the_container() {
        let a = account(&format!(
            "{BASE} GRANT ROLE R0 TO USER ALICE; GRANT ROLE R1 TO USER ALICE; GRANT ROLE R2 TO USER ALICE;
             GRANT SELECT ON TABLE DB.S.T TO ROLE R0; GRANT SELECT ON TABLE DB.S.T TO ROLE R1;
             GRANT USAGE ON SCHEMA DB.S TO ROLE R0; GRANT USAGE ON SCHEMA DB.S TO ROLE R1; GRANT USAGE ON DATABASE DB TO ROLE R2"
        ));
        let cut = cut(&frozen(&a), Lens::All).unwrap();
        assert_eq!(cut.need, Need::Database);
        assert_eq!(sql(&cut), ["REVOKE ROLE \"R2\" FROM USER \"ALICE\""]);
    }

    #[test]
    fn ownership_is_no_revoke_and_no_access_is_no_cut() {
        let owner = "GRANT ROLE R0 TO USER ALICE; GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE R0 REVOKE CURRENT GRANTS;
            GRANT USAGE ON DATABASE DB TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB.S TO ROLE R0";
        let a = account(&format!("{BASE} {owner}"));
        assert_eq!(sql(&cut(&frozen(&a), Lens::All).unwrap()), ["REVOKE ROLE \"R0\" FROM USER \"ALICE\""]);
        let of_public = "GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE PUBLIC REVOKE CURRENT GRANTS;
            GRANT OWNERSHIP ON SCHEMA DB.S TO ROLE PUBLIC; GRANT OWNERSHIP ON DATABASE DB TO ROLE PUBLIC;
            GRANT SELECT ON TABLE DB.S.T TO ROLE R1";
        let everyones = frozen(&account(&format!("{BASE} {of_public}")));
        assert_eq!(cut(&everyones, Lens::All).unwrap_err(), CutError::NotRevocable);
        let none = frozen(&account(&format!("{BASE} GRANT SELECT ON TABLE DB.S.T TO ROLE R1")));
        assert_eq!(cut(&none, Lens::All).unwrap_err(), CutError::NoAccess);
    }

    #[test]
    fn a_grant_with_dependents_is_revoked_with_them() {
        let mut a = account(&format!(
            "{BASE} GRANT USAGE ON DATABASE DB TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB.S TO ROLE PUBLIC"
        ));
        for (to, by) in [("PUBLIC", None), ("R1", Some("PUBLIC"))] {
            let role = |name: &str| Principal::role(crate::model::Ident::new(name).unwrap());
            a.put_grant(crate::account::Grant {
                privilege: Privilege::SELECT,
                object: frozen(&a).object(frozen(&a).resolve_objects("DB.S.T")[0]),
                grantee: role(to),
                granted_by: by.map(role),
                grant_option: to == "PUBLIC",
                created_on: None,
            });
        }
        let cut = cut(&frozen(&a), Lens::All).unwrap();
        assert!(sql(&cut)[0].ends_with("CASCADE"), "{:?}", sql(&cut));
        assert!(cut.after.grants_on(cut.after.resolve_objects("DB.S.T")[0]).is_empty());
    }

    /// Every revoke that an account allows.
    fn all_revokes(s: &Snapshot) -> Vec<Change> {
        let mut all: BTreeSet<Revoke> =
            s.memberships().iter().map(|m| Revoke::Membership { role: m.role, member: m.member }).collect();
        for object in 0..s.object_count() {
            let grants = s.grants();
            let grant =
                |row: u32| Revoke::Grant { privilege: grants.privilege(row), object, grantee: grants.grantee(row) };
            all.extend(s.grants_on(object).map(grant));
        }
        let inherited = s.container_grants().iter().zip(0..).filter(|(row, _)| row.reach == Reach::Inherited);
        all.extend(inherited.map(|(_, i)| Revoke::Inherited(i)));
        all.into_iter().filter_map(|r| change(s, r)).collect()
    }

    /// Whether some set of exactly `size` of the revokes ends the access.
    fn some_set_ends(account: &Account, revokes: &[Change], size: usize, lens: Lens) -> bool {
        if size == 0 {
            return matches!(cut(&frozen(account), lens), Err(CutError::NoAccess));
        }
        (0..revokes.len()).any(|i| {
            let mut fewer = account.clone();
            fewer.apply(&revokes[i], None).unwrap();
            some_set_ends(&fewer, &revokes[i + 1..], size - 1, lens)
        })
    }

    #[test]
    fn no_smaller_set_of_revokes_ends_an_access() {
        let mut sizes = [0; 5];
        for seed in 0..150_u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut next = |below: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % below
            };
            let mut text = BASE.to_owned();
            for child in 0..4 {
                for parent in 0..child {
                    if next(3) == 0 {
                        write!(text, "GRANT ROLE R{child} TO ROLE R{parent};").unwrap();
                    }
                }
                if next(2) == 0 {
                    write!(text, "GRANT ROLE R{child} TO USER ALICE;").unwrap();
                }
                for grant in
                    ["SELECT ON TABLE DB.S.T", "USAGE ON SCHEMA DB.S", "USAGE ON DATABASE DB", "MONITOR ON SCHEMA DB.S"]
                {
                    if next(3) == 0 {
                        write!(text, "GRANT {grant} TO ROLE R{child};").unwrap();
                    }
                }
            }
            for (one_in, grant) in [
                (5, "SELECT ON TABLE DB.S.T TO USER ALICE"),
                (5, "INHERITED SELECT ON ALL TABLES IN DATABASE DB TO ROLE R1"),
                (5, "INHERITED USAGE ON ALL SCHEMAS IN DATABASE DB TO ROLE R2"),
                (5, "OWNERSHIP ON SCHEMA DB.S TO ROLE R3"),
                (6, "ROLE R2 TO ROLE PUBLIC"),
                (6, "USAGE ON DATABASE DB TO ROLE PUBLIC"),
            ] {
                if next(one_in) == 0 {
                    write!(text, "GRANT {grant};").unwrap();
                }
            }
            let default = next(4);
            write!(text, "ALTER USER ALICE SET DEFAULT_ROLE = R{default}").unwrap();
            let account = account(&text);
            let s = frozen(&account);
            for lens in [Lens::All, Lens::Primary] {
                let revokes = all_revokes(&s);
                let size = match cut(&s, lens) {
                    Err(CutError::NoAccess) => continue,
                    Err(error) => {
                        assert_eq!(error, CutError::NotRevocable, "seed {seed}: {text}");
                        4
                    }
                    Ok(cut) => cut.changes.len(),
                };
                sizes[size.min(4)] += 1;
                for smaller in 0..size.min(4) {
                    let ends = some_set_ends(&account, &revokes, smaller, lens);
                    assert!(!ends, "seed {seed}, {lens}: {smaller} revokes do what {size} were called for\n{text}");
                }
            }
        }
        assert!(sizes[1] > 20 && sizes[2] > 10 && sizes[3] > 2, "{sizes:?}");
    }
}
