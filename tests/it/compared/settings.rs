//! Settings: what SET takes and SHOW shows, in and out of transactions, as PostgreSQL does; and that no session sees
//! another's.

use std::collections::BTreeMap;

use super::{SIDES, Side, pair, psql};
use crate::support::wire::{column, connect, rows, told};

/// Texts of one message each, whose whole answer is the same.
const TEXTS: &[&str] = &[
    "set application_name = 'x'; show application_name",
    "set application_name to x; show application_name",
    "set application_name = Folded; show application_name",
    "set application_name = 'a\"b\\c'; show application_name",
    "set application_name = 'zwölf'; show application_name",
    "set application_name = E'a\\nb'; show application_name",
    "set application_name = 12; show application_name",
    "set application_name = a, b; show application_name",
    "set datestyle = iso; show datestyle",
    "set datestyle = 'ISO, DMY'; show datestyle",
    "set datestyle = iso, ymd; show datestyle",
    "set datestyle = 'dmy'; show datestyle",
    "set datestyle to default; show datestyle",
    "set timezone = 'Europe/Berlin'; show timezone",
    "set timezone = 'europe/berlin'; show timezone",
    "set time zone 'America/New_York'; show time zone",
    "set time zone local; show timezone",
    "set time zone default; show timezone",
    "set time zone 3; show timezone",
    "set time zone -3.5; show timezone",
    "set timezone = '+3'; show timezone",
    "set timezone = 'EST5EDT'; show timezone",
    "set timezone = 'utc'; show timezone",
    "set timezone = 'GMT'; show timezone",
    "set timezone = 'Z'; show timezone",
    "set timezone = ''; show timezone",
    "set time zone interval '-08:00' hour to minute; show timezone",
    "set timezone = 'Mars/Base'",
    "set statement_timeout = 1000; show statement_timeout",
    "set statement_timeout = '90s'; show statement_timeout",
    "set statement_timeout = '1.5s'; show statement_timeout",
    "set statement_timeout = '1 min'; show statement_timeout",
    "set statement_timeout = '1d'; show statement_timeout",
    "set statement_timeout = '1 S'; show statement_timeout",
    "set statement_timeout = '500us'; show statement_timeout",
    "set statement_timeout = ''; show statement_timeout",
    "set statement_timeout = 'soon'",
    "set client_encoding = 'UTF-8'; show client_encoding",
    "set client_encoding = unicode; show client_encoding",
    "set client_encoding = 'FOO'",
    "set names 'utf8'; show client_encoding",
    "set names; show client_encoding",
    "set extra_float_digits = '2'; show extra_float_digits",
    "set extra_float_digits = -16; show extra_float_digits",
    "set extra_float_digits = 'x'",
    "set bytea_output = 'HEX'; show bytea_output",
    "set client_min_messages = warning; show client_min_messages",
    "set client_min_messages = 'INFO'; show client_min_messages",
    "set client_min_messages = debug; show client_min_messages",
    "set client_min_messages = panic; show client_min_messages",
    "set search_path to public, pg_catalog; show search_path",
    "set search_path = \"My Schema\", public; show search_path",
    "set search_path = '\"$user\", public'; show search_path",
    "set search_path = \"$user\", public; show search_path",
    "set search_path = PUBLIC; show search_path",
    "set schema 'pg_catalog'; show search_path",
    "set search_path = nothing; select count(*) from users",
    "set search_path = pg_catalog; select count(*) from users",
    "set search_path = pg_catalog; select count(*) from public.users",
    "set search_path = pg_catalog; select relname from pg_class where relname = 'pg_class'",
    "set search_path = nothing, public; select count(*) from users",
    "set search_path = ''; select count(*) from pg_class where false",
    "set enable_seqscan = off; show enable_seqscan",
    "set enable_seqscan = 'f'; show enable_seqscan",
    "set enable_seqscan = 1; show enable_seqscan",
    "set enable_seqscan to true; show enable_seqscan",
    "set enable_seqscan = o; show enable_seqscan",
    "set enable_seqscan = maybe",
    "set standard_conforming_strings = on; show standard_conforming_strings",
    "set default_transaction_isolation = 'SERIALIZABLE'; show default_transaction_isolation",
    "set default_transaction_isolation = 'foo'",
    "set session characteristics as transaction isolation level serializable; show default_transaction_isolation",
    "set transaction_read_only = on; show transaction_read_only",
    "set role none",
    "set session authorization default",
    "reset session authorization",
    "reset role",
    "set nothing = 1",
    "set server_version = 'x'",
    "set lc_collate = 'C'",
    "reset nothing",
    "reset server_version",
    "show nothing",
    "show transaction isolation level",
    "show session authorization",
    "show is_superuser",
    "show server_encoding",
    "show integer_datetimes",
    "show \"DateStyle\"",
    "show max_identifier_length",
    "begin; set local application_name = 'x'; show application_name; commit; show application_name",
    "begin; set application_name = 'x'; rollback; show application_name",
    "begin; set application_name = 'x'; commit; show application_name",
    "begin; set local application_name = 'x'; set application_name = 'y'; commit; show application_name",
    "begin; set application_name = 'y'; set local application_name = 'x'; commit; show application_name",
    "begin; set application_name = 'y'; savepoint s; set application_name = 'z'; rollback to s; show application_name; commit",
    "begin; savepoint s; set application_name = 'z'; release s; show application_name; rollback; show application_name",
    "begin; savepoint s; set local application_name = 'z'; release s; show application_name; commit; show application_name",
    "set application_name = 'q'; begin; set local application_name to default; show application_name; commit; show application_name",
    "begin; set transaction isolation level serializable; show transaction_isolation; commit; show transaction_isolation",
    "begin isolation level repeatable read; show transaction_isolation; commit",
    "begin read only; show transaction_read_only; commit",
    "set application_name = 'x'; reset application_name; show application_name",
    "set application_name = 'x'; reset all; show application_name",
    "set application_name = 'x'; select 1/0",
    "select set_config('application_name', 'x', false); show application_name",
    "select set_config('application_name', 'x', true); show application_name",
    "begin; select set_config('application_name', 'x', true); show application_name; commit; show application_name",
    "begin; select set_config('application_name', 'x', false); rollback; show application_name",
    "select set_config('nothing', 'x', false)",
    "select current_setting('application_name')",
    "select current_setting('nothing', true)",
    "select current_setting('nothing')",
    "set timezone = 'Europe/Berlin'; select '2026-07-01 00:00:00+00'::timestamptz",
    "set timezone = 'Europe/Berlin'; select '2026-07-01 00:00:00'::timestamptz",
    "set timezone = 'Asia/Kolkata'; select '2026-07-01 00:00:00+00'::timestamptz",
    "set timezone = 'Europe/Berlin'; select '2026-07-01 00:00:00'::timestamp",
    "set timezone = -3; select '2026-07-01 00:00:00+00'::timestamptz",
    "set timezone = 'America/St_Johns'; select created_on from users order by user_name",
];

#[test]
fn settings_are_set_and_shown_as_by_postgresql() {
    let pair = pair();
    let mut wrong = Vec::new();
    for sql in TEXTS {
        let [postgres, grantd] = SIDES.map(|side| pair.ask(side, sql));
        if postgres != grantd {
            wrong.push(format!("{sql}\n  PostgreSQL: {postgres:?}\n  grantd:     {grantd:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn settings_of_the_startup_packet_are_those_of_postgresql() {
    let pair = pair();
    for options in [
        "-c statement_timeout=5s",
        "-cstatement_timeout=5s",
        "--statement_timeout=5s",
        "--statement-timeout=5s",
        "-c statement_timeout=5s -c application_name=a\\ b",
        "  -c   application_name=a\\\\b  ",
        "-c datestyle=ISO,\\ DMY",
        "-c search_path=pg_catalog",
        "-c nothing=1",
        "-c statement_timeout=soon",
        "-c statement_timeout",
        "-c",
        "-x",
        "statement_timeout=5s",
        "--statement_timeout",
    ] {
        let show = "show statement_timeout; show application_name; show datestyle; show search_path";
        let answers = SIDES.map(|side| {
            let mut raw = pair.connect(side);
            raw.startup(3 << 16, &[("user", super::READER), ("database", "grantd"), ("options", options)]);
            let first: Vec<_> = raw.until_any(b"ZE");
            if first.last().unwrap().0 == b'E' {
                return super::answer::lines(&first).pop().into_iter().collect();
            }
            raw.send(b'Q', format!("{show}\0").as_bytes());
            super::answer::lines(&raw.until(b'Z'))
        });
        assert_eq!(answers[0], answers[1], "{options}");
    }
}

/// Another value for a setting, by its type in `pg_settings`.
fn another(kind: &str, now: &str, values: &str, name: &str) -> String {
    match kind {
        // So that the session goes on.
        _ if name.ends_with("_timeout") => "1h".to_owned(),
        "bool" => if now == "on" { "off" } else { "on" }.to_owned(),
        "enum" => {
            let all = values.trim_matches(['{', '}']).split(',').map(|value| value.trim_matches('"'));
            all.rev().find(|value| *value != now).unwrap_or(now).to_owned()
        }
        "integer" if now == "3" => "2".to_owned(),
        "integer" => "3".to_owned(),
        _ => match name.to_ascii_lowercase().as_str() {
            "datestyle" => "ISO, YMD",
            "timezone" => "Asia/Tokyo",
            "client_encoding" => "UTF8",
            "grantd.roles" => "primary",
            "search_path" => "pg_catalog",
            _ => "8MB",
        }
        .to_owned(),
    }
}

#[tokio::test]
async fn no_session_sees_the_settings_of_another() {
    let pair = pair();
    let url = pair.url(Side::Grantd);
    let (a, b) = (connect(&url).await, connect(&url).await);
    let settings =
        rows(&b, "select name, setting, vartype, coalesce(enumvals::text, ''), context from pg_settings").await;
    let all: BTreeMap<String, String> =
        rows(&b, "show all").await.into_iter().map(|mut row| (row.remove(0), row.remove(0))).collect();
    let (mut changed, mut refused) = (0, 0);
    for row in &settings {
        let [name, now, kind, values, context] = &row[..] else { panic!("{row:?}") };
        assert_eq!(all.get(name).map(String::as_str), Some(now.as_str()), "SHOW ALL of {name}");
        assert_eq!(&column(&b, &format!("show \"{name}\"")).await[0], now, "SHOW of {name}");
        assert_eq!(
            &column(&b, &format!("select current_setting('{name}')")).await[0],
            now,
            "current_setting of {name}"
        );
        let value = another(kind, now, values, name);
        match a.simple_query(&format!("set \"{name}\" = '{value}'")).await {
            Ok(_) => changed += 1,
            Err(error) => {
                let told = told(&error);
                assert!(
                    ["55P02", "25006", "0A000", "22023"].iter().any(|code| told.starts_with(code)),
                    "{name}: {told}"
                );
                assert!(context != "internal" || told.starts_with("55P02"), "{name}: {told}");
                refused += 1;
            }
        }
        assert_eq!(&column(&b, &format!("show \"{name}\"")).await[0], now, "{name} leaks");
        // So that the next questions are understood.
        a.simple_query(&format!(
            "reset search_path; reset client_min_messages; {}",
            if context == "internal" { "" } else { "select 1" }
        ))
        .await
        .unwrap();
    }
    assert_eq!(settings.len(), all.len());
    assert!(changed > 40 && refused > 10, "{changed} changed, {refused} refused");
    a.simple_query("discard all").await.unwrap();
    for row in &settings {
        assert_eq!(column(&a, &format!("show \"{}\"", row[0])).await[0], row[1], "DISCARD ALL of {}", row[0]);
    }
    // Names and cursors are a session's own, too.
    a.simple_query("prepare p as select 1; declare c cursor with hold for select 1").await.unwrap();
    assert!(told(&b.simple_query("execute p").await.unwrap_err()).starts_with("26000"));
    assert!(told(&b.simple_query("fetch c").await.unwrap_err()).starts_with("34000"));
    assert!(psql(&url, "show application_name", &[]).starts_with("psql"));
}
