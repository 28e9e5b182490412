//! The platform as the last door: the sandbox over HTTP, asked as the user of an assertion in the session of its lens.

use super::served::PLATFORM;
use super::text::{Assertion, World};
use crate::support::operator::Operator;
use grantd_catalog::model::ObjectType;

/// How the session of a lens is made from a login without further words.
fn session_of(lens: &str) -> Option<&'static str> {
    match lens {
        "all" => Some("USE SECONDARY ROLES ALL"),
        "primary" => Some("USE SECONDARY ROLES NONE"),
        _ => None,
    }
}

fn is_about_reading(a: &Assertion) -> bool {
    a.privilege == "SELECT" && ObjectType::new(&a.object_type).is_relation()
}

/// Every assertion about SELECT on a relation: what can be read can be read there, anything else is denied. How many
/// there were.
pub(super) async fn check(sandbox: &str, world: &World, failures: &mut Vec<String>) -> usize {
    let mut asked = 0;
    for a in world.assertions.iter().filter(|a| is_about_reading(a)) {
        asked += 1;
        let told = read(sandbox, a).await;
        // Who is disabled keeps every grant, and does not get in.
        let disabled = a.with.iter().any(|(name, value)| name == "user_disabled" && value == "true");
        let right = match &told {
            Ok(()) => a.expected == "can" && !disabled,
            Err(why) if disabled => why.contains("User access disabled"),
            Err(why) => a.expected != "can" && why.contains("does not exist or not authorized"),
        };
        if !right {
            failures.push(format!("{}: {}: the platform says {told:?}", world.name, a.line));
        }
    }
    asked
}

async fn read(sandbox: &str, a: &Assertion) -> Result<(), String> {
    let session = Operator::log_in(sandbox, PLATFORM, &a.user).await?;
    if let Some(sql) = session_of(a.lens) {
        session.run(sql).await?;
    }
    session.run(&format!("SELECT COUNT(*) FROM {}", a.object)).await.map(drop)
}
