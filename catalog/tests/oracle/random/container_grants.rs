//! Future and inherited grants.

use super::Fact;
use super::maker::Maker;
use super::names::{OTHERS, RELATIONS};
use grantd_catalog::account::{ContainerGrant, Reach};
use grantd_catalog::model::{Container, ObjectType, Privilege};

impl Maker {
    pub(super) fn container_grants(&mut self) {
        for _ in 0..self.rng.below(10) {
            let reach = if self.rng.percent(30) { Reach::Future } else { Reach::Inherited };
            let Some(container) = self.container(reach) else { continue };
            let object_type = self.type_in(&container);
            let future_owner = reach == Reach::Future && self.rng.percent(20);
            let row = ContainerGrant {
                reach,
                privilege: if future_owner { Privilege::OWNERSHIP } else { self.privilege(&object_type) },
                container,
                object_type,
                grantee: self.grantee(),
                grant_option: reach == Reach::Future && self.rng.percent(20),
                granted_by: self.grantor(),
                created_on: self.time(),
            };
            self.facts.push(Fact::ContainerGrant(row));
        }
    }

    fn container(&mut self, reach: Reach) -> Option<Container> {
        match self.rng.below(3) {
            0 if reach == Reach::Inherited => Some(Container::Account),
            1 => self.rng.pick(&self.schemas).map(|(db, schema)| Container::Schema(db, schema)),
            _ => self.rng.pick(&self.databases).map(Container::Database),
        }
    }

    fn type_in(&mut self, container: &Container) -> ObjectType {
        let (of_databases, of_the_account) =
            (["SCHEMA", "SCHEMA"], ["DATABASE", "DATABASE", "WAREHOUSE", "COMPUTE_POOL"]);
        let mut types = [&RELATIONS[..], &RELATIONS[..3], &OTHERS].concat();
        if !matches!(container, Container::Schema(..)) {
            types.extend(of_databases);
        }
        if *container == Container::Account {
            types.extend(of_the_account);
        }
        ObjectType::new(types[self.rng.below(types.len())])
    }
}
