//! Cursors that go forward and back: random walks over results of every length, in both servers.
//!
//! A long run: `GRANTD_WALKS=2000 cargo test --workspace --test it -- compared::cursors`; `GRANTD_WALK_SEED` is the first seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::{SIDES, pair};
use crate::compared::answer::lines;
use crate::support::number;

/// A step of a cursor called c.
fn step(rng: &mut StdRng) -> String {
    let verb = if rng.random_bool(0.7) { "fetch" } else { "move" };
    let count = || [0, 1, 1, 2, 3, 7, 300, 5_000];
    let count = *count().choose(rng).unwrap() * if rng.random_bool(0.3) { -1 } else { 1 };
    let direction = match rng.random_range(0..12) {
        0 => "next".to_owned(),
        1 => "prior".to_owned(),
        2 => "first".to_owned(),
        3 => "last".to_owned(),
        4 => format!("absolute {count}"),
        5 => format!("relative {count}"),
        6 => "all".to_owned(),
        7 => "backward all".to_owned(),
        8 => "forward all".to_owned(),
        9 => format!("backward {count}"),
        10 => format!("forward {count}"),
        _ => count.to_string(),
    };
    format!("{verb} {direction} from c")
}

#[test]
fn cursors_go_where_postgresql_goes() {
    let pair = pair();
    let first = number("GRANTD_WALK_SEED", 0);
    let mut raws = SIDES.map(|side| pair.open(side));
    for seed in first..first + number("GRANTD_WALKS", 60) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let rows = *[0, 1, 2, 3, 10, 2_048, 2_049, 5_000].choose(rng).unwrap();
        // PostgreSQL lets a plan decide what a cursor without a word may do; this one it lets go back.
        let scroll = *["scroll ", "scroll ", "no scroll ", ""].choose(rng).unwrap();
        let kind = if rng.random_bool(0.2) { "binary " } else { "" };
        let mut statements = vec![
            "begin".to_owned(),
            format!(
                "declare c {kind}{scroll}cursor for select x, x::text as t from generate_series(1, {rows}) as g(x) order by x"
            ),
        ];
        statements.extend((0..rng.random_range(1..12)).map(|_| step(rng)));
        statements.push("rollback".to_owned());
        for sql in &statements {
            let [postgres, grantd] = raws.each_mut().map(|raw| {
                raw.send(b'Q', format!("{sql}\0").as_bytes());
                lines(&raw.until(b'Z'))
            });
            assert_eq!(postgres, grantd, "seed {seed}, {sql} of {statements:#?}");
        }
    }
}

#[test]
fn what_goes_back_is_bounded() {
    let pair = pair();
    let asked = |sql: &str| pair.ask(super::Side::Grantd, sql).join("\n");
    let long = "select repeat('x', 100) from generate_series(1, 100000)";
    // A mebibyte without SCROLL; then it is as with NO SCROLL.
    let said =
        asked(&format!("begin; declare c cursor for {long}; move 100 from c; fetch first from c; move 10000 from c"));
    assert!(!said.contains("E ERROR") && said.contains("MOVE 10000"), "{said}");
    let said = asked(&format!("begin; declare c cursor for {long}; move 10000 from c; move prior from c"));
    assert!(said.contains("E ERROR 55000"), "{said}");
}
