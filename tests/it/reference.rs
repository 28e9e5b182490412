//! The reference page is what the catalog says about itself: relations, columns, functions.

use grantd_catalog::tables::{relations, views};
use grantd_sql_functions::functions;
use std::fmt::Write;
use std::path::Path;

fn reference() -> String {
    let mut page = String::from(
        "# Reference\n\nMade from the catalog's own comments, the ones that `\\d+` shows. To make it anew:\n\
         `GRANTD_UPDATE_REFERENCE=1 cargo test --workspace --test it -- reference`.\n\n## Relations\n",
    );
    let table = |page: &mut String, columns: &[grantd_catalog::tables::ColumnDef]| {
        page.push_str("\n| column | type | meaning |\n| --- | --- | --- |\n");
        for c in columns {
            writeln!(page, "| `{}` | {} | {} |", c.name, c.ty.postgres(), c.comment.replace('|', "\\|")).unwrap();
        }
    };
    for relation in relations() {
        let d = relation.definition();
        write!(page, "\n### {}\n\n{}.\n", d.name, d.comment).unwrap();
        table(&mut page, &d.columns);
    }
    for view in views().unwrap() {
        let d = view.definition();
        write!(page, "\n### {}\n\n{}.\n", d.name, d.comment).unwrap();
        table(&mut page, &d.columns);
        write!(page, "\n```sql\n{}\n```\n", view.sql()).unwrap();
    }
    let users = grantd::daemon::users::Users::new(std::sync::Arc::new(grantd::store::Store::in_memory().unwrap()));
    for relation in grantd::daemon::relations(&users, true) {
        let d = relation.definition();
        write!(page, "\n### {}\n\n{}.\n", d.name, d.comment).unwrap();
        table(&mut page, &d.columns);
    }
    page.push_str("\n## Table functions\n");
    for function in functions() {
        let d = function.definition();
        let arguments: Vec<String> = function
            .arguments()
            .iter()
            .map(|a| format!("{} text{}", a.name, if a.optional { " (optional)" } else { "" }))
            .collect();
        write!(page, "\n### {}({})\n\n{}.\n", d.name, arguments.join(", "), d.comment).unwrap();
        table(&mut page, &d.columns);
    }
    page
}

#[test]
fn the_reference_is_what_the_catalog_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let wanted = reference();
    if std::env::var_os("GRANTD_UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reference.md is out of date: GRANTD_UPDATE_REFERENCE=1 cargo test --workspace --test it -- reference"
    );
}
