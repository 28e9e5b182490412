//! Expressions and the types and text of what they give, in both servers: `values.txt` has one to a line.

use super::{SIDES, pair};
use crate::compared::answer::lines;

#[test]
fn expressions_give_what_postgresql_gives() {
    let pair = pair();
    let mut raws = SIDES.map(|side| pair.open(side));
    for raw in &mut raws {
        raw.send(b'Q', b"set timezone = 'Europe/Berlin'\0");
        raw.until(b'Z');
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for sql in include_str!("values.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let statement = if sql.starts_with("select") || sql.starts_with("with ") {
            sql.to_owned()
        } else {
            format!("select {sql}")
        };
        let [postgres, grantd] = raws.each_mut().map(|raw| {
            raw.send(b'Q', format!("{statement}\0").as_bytes());
            lines(&raw.until(b'Z'))
        });
        count += 1;
        if postgres != grantd {
            wrong.push(format!("{statement}\n  PostgreSQL: {postgres:?}\n  grantd:     {grantd:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
