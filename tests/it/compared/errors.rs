//! Wrong statements and inputs: what PostgreSQL says, where, and whether it has a hint. `wrong.txt` is the table.

use super::answer::field;
use super::{SIDES, pair};

/// What an error says: severity twice, code, place, whether there is a hint, the words; and everything as one text.
struct Told {
    fields: [String; 6],
    all: String,
}

fn told(messages: &[(u8, Vec<u8>)]) -> Option<Told> {
    let (_, body) = messages.iter().find(|(kind, _)| *kind == b'E')?;
    let [severity, same, code, place, words] =
        ['S', 'V', 'C', 'P', 'M'].map(|letter| field(body, letter).unwrap_or_default());
    let hint = field(body, 'H').is_some().to_string();
    let all = ['M', 'D', 'H'].map(|letter| field(body, letter).unwrap_or_default()).join(" | ");
    Some(Told { fields: [severity, same, code, place, hint, words], all })
}

/// Names of types and paths of the program, of which no message may tell.
const INSIDES: &[&str] = &[
    "::",
    "{",
    "}",
    "Utf8",
    "Int64",
    "Int32",
    "Float64",
    "DataType",
    "DataFusion",
    "Arrow",
    "arrow",
    "Some(",
    "None)",
    "Expr",
    "Plan",
    "plan",
    "Span",
    "Ident",
    ".rs",
    "src/",
    "/home",
    "/tmp",
    "panicked",
    "backtrace",
];

/// The lines of the table that explain it.
const HEAD: usize = 7;

#[test]
fn wrong_statements_are_told_what_postgresql_tells() {
    let pair = pair();
    let (mut wrong, mut counts) = (Vec::new(), [0; 4]);
    for line in include_str!("wrong.txt").lines().skip(HEAD) {
        let Some((mark, sql)) = line.split_once(' ') else { continue };
        let level = ["=", "~", "!", "#"].iter().position(|known| *known == mark).unwrap_or_else(|| panic!("{line}"));
        counts[level] += 1;
        let [postgres, grantd] = SIDES.map(|side| {
            let mut raw = pair.open(side);
            raw.send(b'Q', format!("{sql}\0").as_bytes());
            told(&raw.until(b'Z'))
        });
        if let Some(grantd) = &grantd {
            // What the statement says itself may be quoted.
            let said = grantd.all.replace(sql, "");
            // PostgreSQL's own word.
            let said = said.replace("Array value must start with \"{\"", "");
            let inside = INSIDES.iter().find(|inside| said.contains(*inside) && !sql.contains(*inside));
            if grantd.fields[2] == "XX000" || inside.is_some() {
                wrong.push(format!("{sql}\n  tells of the inside: {}", grantd.all));
            }
        }
        let compared = [6, 5, 3, 0][level];
        if compared == 0 {
            continue;
        }
        let (Some(postgres), Some(grantd)) = (postgres, grantd) else {
            wrong.push(format!("{sql}\n  is an error for one of them only"));
            continue;
        };
        if postgres.fields[..compared] != grantd.fields[..compared] {
            wrong.push(format!("{sql}\n  PostgreSQL: {:?}\n  grantd:     {:?}", postgres.fields, grantd.fields));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts[0] > 200 && counts[0] + counts[1] > 250, "{counts:?}");
}
