//! `docs/clients/README.md`, made from what the clients found.

use std::fmt::Write as _;
use std::path::Path;

use super::Tally;
use super::differences::Kind;
use super::list::CLIENTS;

/// How the page is made anew.
const COMMAND: &str = "GRANTD_UPDATE_CLIENTS=1 cargo test --workspace --test it -- --ignored clients::";

fn what(name: &str) -> &'static str {
    CLIENTS.iter().find(|client| client.name == name).map_or("", |client| client.what)
}

fn page(tallies: &[(&str, Tally)]) -> String {
    let mut page = String::from(
        "# Clients\n\nReal clients take the same steps against grantd and against a PostgreSQL 15 with the same views and rows: they \
         connect, introspect, query, prepare, cancel and fail. Column names, types, rows and SQLSTATEs of every step are compared; \
         a difference that is not on purpose fails the test. This page is written by that test; to make it anew:\n\n",
    );
    write!(page, "```sh\n{COMMAND}\n```\n\n").unwrap();
    page.push_str("`GRANTD_CLIENTS=psql,asyncpg` in front takes only some of them.\n\n");
    page.push_str("| client | version | what is run | statements and calls | equal | refused on purpose | other on purpose | known gaps |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    let of = |tally: &Tally, kind: Kind| tally.by_kind.get(&kind).map_or(0, Vec::len);
    for (name, tally) in tallies {
        let (refused, meant) = (of(tally, Kind::Refused("")), of(tally, Kind::Meant));
        let rest = tally.steps - tally.equal - refused - meant;
        writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {refused} | {meant} | {rest} |",
            tally.version,
            what(name),
            tally.steps,
            tally.equal
        )
        .unwrap();
    }
    for (kind, title) in [(Kind::Refused(""), "Refused on purpose"), (Kind::Meant, "Other on purpose")] {
        write!(page, "\n## {title}\n\n| client | steps | why |\n| --- | --- | --- |\n").unwrap();
        for (name, tally) in tallies {
            let all = tally.by_kind.get(&kind).map(Vec::as_slice).unwrap_or_default();
            let mut reasons: Vec<&str> = Vec::new();
            for (_, why) in all {
                if !reasons.contains(why) {
                    reasons.push(why);
                }
            }
            for reason in reasons {
                let steps: Vec<String> = all
                    .iter()
                    .filter(|(_, why)| *why == reason)
                    .map(|(step, _)| format!("`{}`", step.replace('|', "\\|").replace('`', "'")))
                    .collect();
                writeln!(page, "| {name} | {} | {reason} |", steps.join(", ")).unwrap();
            }
        }
    }
    page
}

/// The page is what was found.
pub(super) fn check(tallies: &[(&str, Tally)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients/README.md");
    let wanted = page(tallies);
    if std::env::var_os("GRANTD_UPDATE_CLIENTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/clients/README.md is out of date: {COMMAND}");
}
