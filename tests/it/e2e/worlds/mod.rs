//! Accounts as text, with assertions of who can and who cannot, through every door: a sandbox behind HTTP, a login and a
//! sync, or exported files and an import; then the gateway, the view and the function, by both protocols. And the sandbox
//! itself is asked as the user of the assertion: it lets in whom grantd says it does.
//!
//! The worlds are those of `catalog/tests/worlds`. All of them are accounts of one daemon in this process.

mod doors;
mod platform;
mod served;
#[path = "../../../../catalog/tests/oracle/worlds/text.rs"]
mod text;

use crate::support::wire::{connect, rows};
use doors::{Door, Function, View, ViewWithParameters, literal, wrong};
use served::{Served, imported, served};
use std::path::Path;
use text::World;
use tokio_postgres::Client;

/// Every assertion about one account of the daemon, by every door.
async fn check_account(client: &Client, account: &str, world: &World) -> Vec<String> {
    let mut failures = Vec::new();
    // A misspelled name would be a "cannot" that cannot fail.
    let named = literal(account);
    let known = format!(
        "SELECT user_name FROM users WHERE account = {named} UNION ALL \
         SELECT object_type || ' ' || object FROM objects WHERE account = {named} UNION ALL \
         SELECT role_type || ' ' || role_name FROM roles WHERE account = {named}"
    );
    let known = rows(client, &known).await;
    for a in &world.assertions {
        for name in [a.user.clone(), format!("{} {}", a.object_type, a.object)] {
            if !known.iter().any(|row| row[0] == name) {
                failures.push(format!("{account}: {}: there is no {name}", a.line));
            }
        }
        rows(client, &format!("SET grantd.roles = '{}'", a.lens)).await;
        for door in [&View as &dyn Door, &ViewWithParameters, &Function] {
            if let Some(why) = wrong(a, &door.row(client, account, a).await) {
                failures.push(format!("{account}: {}: by {}: {why}", a.line, door.name()));
            }
        }
    }
    failures
}

async fn check(worlds: &[World]) {
    let served: Served = served(worlds).await;
    let client = connect(&served.url).await;
    let (mut failures, mut read) = (Vec::new(), 0);
    for (world, sandbox) in worlds.iter().zip(&served.sandboxes) {
        failures.extend(check_account(&client, &world.name, world).await);
        failures.extend(check_account(&client, &imported(world), world).await);
        read += platform::check(sandbox, world, &mut failures).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(read >= worlds.len(), "only {read} assertions are about reading a relation");
}

/// Every world of the catalog, by name.
fn worlds() -> Vec<World> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/tests/worlds");
    text::worlds_in(&folder).into_iter().map(|read| read.unwrap_or_else(|why| panic!("{why}"))).collect()
}

/// In `four-accounts-*` each has the opposite answer in another tool.
fn is_of_the_four(world: &World) -> bool {
    world.name.starts_with("four-accounts-")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_four_accounts_that_another_tool_gets_wrong() {
    let four: Vec<World> = worlds().into_iter().filter(is_of_the_four).collect();
    assert_eq!(four.len(), 4);
    check(&four).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_world_is_true_through_every_door() {
    let worlds: Vec<World> = worlds().into_iter().filter(|world| !is_of_the_four(world)).collect();
    assert!(worlds.len() >= 48, "only {} worlds were found", worlds.len());
    check(&worlds).await;
}
