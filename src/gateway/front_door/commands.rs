//! Tokens to a command. Queries go to the parser; session commands are read here, because sqlparser knows only some
//! of them; everything that would change something is refused with PostgreSQL's words.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::error::SqlError;
use super::guard::read_only;
use super::tokens::Cursor;

use super::{Command, ExplainFormat, ExplainOptions, SetValue, copy, cursors, data_types, expressions, one, query};

/// The command that the tokens of one statement make.
pub(super) fn classify(sql: &std::sync::Arc<str>, tokens: &[TokenWithSpan]) -> Result<Command, SqlError> {
    let mut cursor = Cursor::new(sql, tokens);
    let first = match cursor.peek() {
        Some(Token::LParen) => return Ok(Command::Query(query(sql, tokens)?)),
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => return Err(cursor.error()),
    };
    if matches!(first.as_str(), "SELECT" | "VALUES" | "WITH" | "TABLE") {
        return Ok(Command::Query(query(sql, tokens)?));
    }
    cursor.next();
    let command = match first.as_str() {
        "EXPLAIN" => return explain(sql, &mut cursor),
        "SHOW" => show(&mut cursor)?,
        "SET" => set(&mut cursor)?,
        "RESET" => reset(&mut cursor)?,
        "BEGIN" => {
            cursor.one_of(&["WORK", "TRANSACTION"]);
            Command::Begin("BEGIN", transaction_modes(&mut cursor)?)
        }
        "START" => {
            cursor.expect_word("TRANSACTION")?;
            Command::Begin("START TRANSACTION", transaction_modes(&mut cursor)?)
        }
        "COMMIT" | "END" => {
            refuse_prepared(&cursor)?;
            Command::Commit(end_of_transaction(&mut cursor)?)
        }
        "ROLLBACK" | "ABORT" => {
            refuse_prepared(&cursor)?;
            rollback(&mut cursor)?
        }
        "SAVEPOINT" => Command::Savepoint(cursor.identifier()?),
        "RELEASE" => {
            cursor.word("SAVEPOINT");
            Command::Release(cursor.identifier()?)
        }
        "DECLARE" => return cursors::declare(sql, &mut cursor),
        "FETCH" => cursors::fetch(&mut cursor, false)?,
        "MOVE" => cursors::fetch(&mut cursor, true)?,
        "CLOSE" => Command::CloseCursor(name_or_all(&mut cursor)?),
        "PREPARE" => return prepare(sql, &mut cursor),
        "EXECUTE" => {
            let name = cursor.identifier()?;
            let arguments = arguments(&mut cursor)?;
            return Ok(Command::Execute(name, expressions(sql, arguments)?));
        }
        "DEALLOCATE" => {
            cursor.word("PREPARE");
            Command::Deallocate(name_or_all(&mut cursor)?)
        }
        "DISCARD" => match cursor.one_of(&["ALL", "PLANS", "SEQUENCES", "TEMPORARY", "TEMP"]) {
            Some("ALL") => Command::DiscardAll,
            Some("PLANS") => Command::DiscardOther("DISCARD PLANS"),
            Some("SEQUENCES") => Command::DiscardOther("DISCARD SEQUENCES"),
            Some(_) => Command::DiscardOther("DISCARD TEMP"),
            None => return Err(cursor.error()),
        },
        "CALL" => return call(sql, &mut cursor),
        "UNLISTEN" => {
            if !cursor.token(&Token::Mul) {
                cursor.identifier()?;
            }
            Command::Unlisten
        }
        "COPY" => return copy::copy(sql, &mut cursor),
        _ => return Err(refuse(sql, &first, &cursor)),
    };
    cursor.end()?;
    Ok(command)
}

/// What CREATE, ALTER and DROP work on: its first word, and how PostgreSQL's tags call it.
const KINDS: &[(&str, &str)] = &[
    ("ACCESS", "ACCESS METHOD"),
    ("AGGREGATE", "AGGREGATE"),
    ("CAST", "CAST"),
    ("COLLATION", "COLLATION"),
    ("CONSTRAINT", "TRIGGER"),
    ("CONVERSION", "CONVERSION"),
    ("DATABASE", "DATABASE"),
    ("DEFAULT", "DEFAULT PRIVILEGES"),
    ("DOMAIN", "DOMAIN"),
    ("EVENT", "EVENT TRIGGER"),
    ("EXTENSION", "EXTENSION"),
    ("FOREIGN", "FOREIGN TABLE"),
    ("FUNCTION", "FUNCTION"),
    ("GROUP", "ROLE"),
    ("INDEX", "INDEX"),
    ("LANGUAGE", "EXTENSION"),
    ("LARGE", "LARGE OBJECT"),
    ("MATERIALIZED", "MATERIALIZED VIEW"),
    ("OPERATOR", "OPERATOR"),
    ("OWNED", "OWNED"),
    ("POLICY", "POLICY"),
    ("PROCEDURAL", "EXTENSION"),
    ("PROCEDURE", "PROCEDURE"),
    ("PUBLICATION", "PUBLICATION"),
    ("ROLE", "ROLE"),
    ("ROUTINE", "ROUTINE"),
    ("RULE", "RULE"),
    ("SCHEMA", "SCHEMA"),
    ("SEQUENCE", "SEQUENCE"),
    ("SERVER", "SERVER"),
    ("STATISTICS", "STATISTICS"),
    ("SUBSCRIPTION", "SUBSCRIPTION"),
    ("SYSTEM", "SYSTEM"),
    ("TABLE", "TABLE"),
    ("TABLESPACE", "TABLESPACE"),
    ("TEXT", "TEXT SEARCH"),
    ("TRANSFORM", "TRANSFORM"),
    ("TRIGGER", "TRIGGER"),
    ("TRUSTED", "EXTENSION"),
    ("TYPE", "TYPE"),
    ("USER", "ROLE"),
    ("VIEW", "VIEW"),
];

/// Whether AS stands outside of parentheses.
fn has_as(tokens: &[TokenWithSpan]) -> bool {
    let mut depth = 0_usize;
    tokens.iter().any(|token| {
        match &token.token {
            Token::LParen => depth = depth.saturating_add(1),
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) => {
                return depth == 0 && word.quote_style.is_none() && word.value.eq_ignore_ascii_case("as");
            }
            _ => {}
        }
        false
    })
}

/// What is not answered: with PostgreSQL's code and words for a session that only reads.
fn refuse(sql: &str, first: &str, cursor: &Cursor<'_>) -> SqlError {
    match first {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" => read_only(first),
        "TRUNCATE" => read_only("TRUNCATE TABLE"),
        "CREATE" | "ALTER" | "DROP" => {
            let rest: Vec<String> = cursor
                .rest()
                .iter()
                .map_while(|token| match &token.token {
                    Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
                    _ => None,
                })
                .collect();
            let noise = ["OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED", "RECURSIVE", "UNIQUE"];
            let Some(at) = rest.iter().position(|word| !noise.contains(&word.as_str())) else { return cursor.error() };
            let kind = rest.get(at).map_or("", String::as_str);
            match KINDS.iter().find(|(word, _)| *word == kind) {
                Some((_, "TABLE")) if first == "CREATE" && has_as(cursor.rest()) => read_only("CREATE TABLE AS"),
                Some((_, tag)) => read_only(&format!("{first} {tag}")),
                None => Cursor::new(sql, cursor.rest().get(at..).unwrap_or_default()).error(),
            }
        }
        "GRANT" | "REVOKE" | "COMMENT" | "REINDEX" | "VACUUM" | "ANALYZE" | "ANALYSE" | "CLUSTER" | "REASSIGN" => {
            read_only(first)
        }
        "CHECKPOINT" | "LOAD" => SqlError::new("42501", format!("permission denied to execute {first}")),
        "LOCK" => read_only("LOCK TABLE"),
        "REFRESH" => read_only("REFRESH MATERIALIZED VIEW"),
        "IMPORT" => read_only("IMPORT FOREIGN SCHEMA"),
        "SECURITY" => read_only("SECURITY LABEL"),
        "LISTEN" | "NOTIFY" => {
            SqlError::unsupported(format!("{first} is not supported: grantd sends no notifications"))
        }
        "DO" => SqlError::unsupported("DO is not supported: grantd has no procedural languages"),
        _ => cursor.error_at_start(),
    }
}

fn refuse_prepared(cursor: &Cursor<'_>) -> Result<(), SqlError> {
    if cursor.at_word("PREPARED") {
        return Err(SqlError::unsupported("prepared transactions are not supported"));
    }
    Ok(())
}

fn explain(sql: &str, cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    let mut options = ExplainOptions::default();
    if matches!(cursor.peek(), Some(Token::LParen)) && !starts_query(cursor.rest().get(1)) {
        cursor.next();
        loop {
            let position = cursor.position();
            let name = cursor.identifier()?;
            let value = match cursor.peek() {
                Some(Token::Comma | Token::RParen) => "on".to_owned(),
                Some(Token::Number(text, _)) => {
                    cursor.next();
                    text.clone()
                }
                _ => match cursor.string() {
                    Some(text) => text,
                    None => cursor.identifier()?,
                },
            };
            let on = matches!(value.to_ascii_lowercase().as_str(), "on" | "true" | "1");
            match name.as_str() {
                "analyze" | "analyse" => options.analyze = on,
                "verbose" => options.verbose = on,
                "buffers" => options.buffers = on,
                "format" => match value.to_ascii_lowercase().as_str() {
                    "text" => options.format = ExplainFormat::Text,
                    "json" => options.format = ExplainFormat::Json,
                    "xml" => options.format = ExplainFormat::Xml,
                    "yaml" => options.format = ExplainFormat::Yaml,
                    _ => {
                        let text = format!("unrecognized value for EXPLAIN option \"format\": \"{value}\"");
                        return Err(SqlError { position, ..SqlError::new("22023", text) });
                    }
                },
                "costs" | "settings" | "generic_plan" | "wal" | "timing" | "summary" => {}
                other => return Err(SqlError::syntax(format!("unrecognized EXPLAIN option \"{other}\""), position)),
            }
            if cursor.token(&Token::RParen) {
                break;
            }
            if !cursor.token(&Token::Comma) {
                return Err(cursor.error());
            }
        }
    } else {
        options.analyze = cursor.one_of(&["ANALYZE", "ANALYSE"]).is_some();
        options.verbose = cursor.word("VERBOSE");
    }
    if starts_query(cursor.rest().first()) {
        return Ok(Command::Explain(options, query(sql, cursor.rest())?));
    }
    if cursor.word("EXECUTE") {
        let name = cursor.identifier()?;
        let arguments = arguments(cursor)?;
        return Ok(Command::ExplainExecute(options, name, expressions(sql, arguments)?));
    }
    let at = cursor.rest();
    match cursor.next() {
        Some(Token::Word(word)) if word.quote_style.is_none() => {
            let word = word.value.to_ascii_uppercase();
            Err(match word.as_str() {
                "DECLARE" => SqlError::unsupported(format!("EXPLAIN {word} is not supported")),
                "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "CREATE" | "REFRESH" => refuse(sql, &word, cursor),
                _ => Cursor::new(sql, at).error(),
            })
        }
        _ => Err(cursor.error()),
    }
}

/// Whether a query begins here.
pub(super) fn starts_query(token: Option<&TokenWithSpan>) -> bool {
    match token.map(|token| &token.token) {
        Some(Token::LParen) => true,
        Some(Token::Word(word)) if word.quote_style.is_none() => {
            ["SELECT", "VALUES", "WITH", "TABLE"].iter().any(|start| word.value.eq_ignore_ascii_case(start))
        }
        _ => false,
    }
}

/// A setting's name: `a` or `a.b`, or one of PostgreSQL's phrases.
fn setting_name(cursor: &mut Cursor<'_>) -> Result<String, SqlError> {
    if cursor.word("TIME") {
        cursor.expect_word("ZONE")?;
        return Ok("timezone".to_owned());
    }
    if cursor.word("TRANSACTION") {
        cursor.expect_word("ISOLATION")?;
        cursor.expect_word("LEVEL")?;
        return Ok("transaction_isolation".to_owned());
    }
    if cursor.at_word("SESSION") {
        cursor.next();
        cursor.expect_word("AUTHORIZATION")?;
        return Ok("session_authorization".to_owned());
    }
    let mut name = cursor.identifier()?;
    while cursor.token(&Token::Period) {
        name.push('.');
        name.push_str(&cursor.identifier()?);
    }
    Ok(match name.as_str() {
        "names" => "client_encoding".to_owned(),
        "schema" => "search_path".to_owned(),
        _ => name,
    })
}

fn show(cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    if cursor.word("ALL") {
        return Ok(Command::ShowAll);
    }
    Ok(Command::Show(setting_name(cursor)?))
}

fn reset(cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    if cursor.word("ALL") {
        return Ok(Command::ResetAll);
    }
    if cursor.word("ROLE") {
        return Ok(Command::Nothing("RESET"));
    }
    if cursor.at_word("SESSION") {
        cursor.next();
        cursor.expect_word("AUTHORIZATION")?;
        return Ok(Command::Nothing("RESET"));
    }
    Ok(Command::Reset(setting_name(cursor)?))
}

fn set(cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    let mut local = false;
    if cursor.word("LOCAL") {
        local = true;
    } else if cursor.at_word("SESSION") {
        cursor.next();
        if cursor.word("CHARACTERISTICS") {
            cursor.expect_word("AS")?;
            cursor.expect_word("TRANSACTION")?;
            return Ok(Command::SetTransaction(transaction_modes(cursor)?, true));
        }
        if cursor.word("AUTHORIZATION") {
            if cursor.word("DEFAULT") {
                return Ok(Command::Nothing("SET"));
            }
            return Err(SqlError::new("42501", "permission denied to set session authorization"));
        }
    }
    if cursor.at_word("TRANSACTION") {
        cursor.next();
        if cursor.word("SNAPSHOT") {
            return Err(SqlError::unsupported("SET TRANSACTION SNAPSHOT is not supported"));
        }
        return Ok(Command::SetTransaction(transaction_modes(cursor)?, false));
    }
    if cursor.word("ROLE") {
        if cursor.word("NONE") {
            return Ok(Command::Nothing("SET"));
        }
        return Err(SqlError::new("42501", "permission denied to set role"));
    }
    if cursor.word("CONSTRAINTS") {
        while cursor.next().is_some() {}
        return Ok(Command::Nothing("SET CONSTRAINTS"));
    }
    let phrase = ["TIME", "NAMES", "SCHEMA"].iter().any(|word| cursor.at_word(word));
    let name = setting_name(cursor)?;
    if phrase {
        if cursor.done() && name == "client_encoding" {
            return Ok(Command::Set { name, value: SetValue::Default, local });
        }
        cursor.word("INTERVAL");
    } else if !cursor.token(&Token::Eq) {
        cursor.expect_word("TO")?;
    }
    if cursor.word("DEFAULT") || (phrase && cursor.word("LOCAL")) {
        return Ok(Command::Set { name, value: SetValue::Default, local });
    }
    let mut values = Vec::new();
    loop {
        values.push(set_value(cursor)?);
        if !cursor.token(&Token::Comma) {
            break;
        }
    }
    let one = values.len() == 1;
    let value = match values.pop() {
        // A single value is taken as it is; a list keeps the quotes that its names need.
        Some((text, _)) if one && name != "search_path" => text,
        Some(_) if !one && !matches!(name.as_str(), "search_path" | "datestyle") => {
            return Err(SqlError::new("22023", format!("SET {name} takes only one argument")));
        }
        Some(last) => {
            values.push(last);
            let written =
                values.iter().map(|(text, quoted)| if *quoted { quote_identifier(text) } else { text.clone() });
            written.collect::<Vec<_>>().join(", ")
        }
        None => return Err(cursor.error()),
    };
    if phrase {
        while cursor.one_of(&["HOUR", "TO", "MINUTE"]).is_some() {}
    }
    Ok(Command::Set { name, value: SetValue::Text(value), local })
}

/// A value of SET and whether it was quoted.
fn set_value(cursor: &mut Cursor<'_>) -> Result<(String, bool), SqlError> {
    if let Some(text) = cursor.string() {
        return Ok((text, true));
    }
    let mut sign = String::new();
    if cursor.token(&Token::Minus) {
        sign.push('-');
    } else {
        cursor.token(&Token::Plus);
    }
    match cursor.peek() {
        Some(Token::Number(text, _)) => {
            let number = format!("{sign}{text}");
            cursor.next();
            // `2min` is one token for PostgreSQL and two for the tokenizer.
            Ok((number, false))
        }
        Some(Token::Word(word)) if sign.is_empty() => {
            cursor.next();
            let quoted = word.quote_style.is_some();
            Ok((if quoted { word.value.clone() } else { word.value.to_lowercase() }, quoted))
        }
        _ => Err(cursor.error()),
    }
}

fn quote_identifier(name: &str) -> String {
    let plain = name.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn transaction_modes(cursor: &mut Cursor<'_>) -> Result<Vec<(&'static str, String)>, SqlError> {
    let mut modes = Vec::new();
    while !cursor.done() {
        if cursor.word("ISOLATION") {
            cursor.expect_word("LEVEL")?;
            let level = if cursor.word("SERIALIZABLE") {
                "serializable"
            } else if cursor.word("REPEATABLE") {
                cursor.expect_word("READ")?;
                "repeatable read"
            } else {
                cursor.expect_word("READ")?;
                match cursor.one_of(&["COMMITTED", "UNCOMMITTED"]) {
                    Some("COMMITTED") => "read committed",
                    Some(_) => "read uncommitted",
                    None => return Err(cursor.error()),
                }
            };
            modes.push(("transaction_isolation", level.to_owned()));
        } else if cursor.word("READ") {
            match cursor.one_of(&["ONLY", "WRITE"]) {
                Some("ONLY") => modes.push(("transaction_read_only", "on".to_owned())),
                // Drivers send READ WRITE as their default. It is accepted, and writing is still refused.
                Some(_) => {}
                None => return Err(cursor.error()),
            }
        } else if cursor.word("NOT") {
            cursor.expect_word("DEFERRABLE")?;
            modes.push(("transaction_deferrable", "off".to_owned()));
        } else if cursor.word("DEFERRABLE") {
            modes.push(("transaction_deferrable", "on".to_owned()));
        } else {
            return Err(cursor.error());
        }
        cursor.token(&Token::Comma);
    }
    Ok(modes)
}

fn end_of_transaction(cursor: &mut Cursor<'_>) -> Result<bool, SqlError> {
    cursor.one_of(&["WORK", "TRANSACTION"]);
    if !cursor.word("AND") {
        return Ok(false);
    }
    let no = cursor.word("NO");
    cursor.expect_word("CHAIN")?;
    Ok(!no)
}

fn rollback(cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    cursor.one_of(&["WORK", "TRANSACTION"]);
    if cursor.word("TO") {
        cursor.word("SAVEPOINT");
        return Ok(Command::RollbackTo(cursor.identifier()?));
    }
    Ok(Command::Rollback(end_of_transaction(cursor)?))
}

fn name_or_all(cursor: &mut Cursor<'_>) -> Result<Option<String>, SqlError> {
    if cursor.word("ALL") { Ok(None) } else { cursor.identifier().map(Some) }
}

/// The tokens between the parentheses that end the statement; none when there are no parentheses.
fn arguments<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [TokenWithSpan], SqlError> {
    if cursor.done() {
        return Ok(&[]);
    }
    if !cursor.token(&Token::LParen) {
        return Err(cursor.error());
    }
    match cursor.rest().split_last() {
        Some((last, inner)) if last.token == Token::RParen => Ok(inner),
        _ => {
            while cursor.next().is_some() {}
            Err(cursor.error())
        }
    }
}

fn prepare(sql: &std::sync::Arc<str>, cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    if cursor.at_word("TRANSACTION") {
        return Err(SqlError::unsupported("prepared transactions are not supported"));
    }
    let name = cursor.identifier()?;
    let mut types = Vec::new();
    if cursor.token(&Token::LParen) {
        let inner = cursor.rest();
        let mut depth = 1usize;
        let mut length = 0usize;
        while depth > 0 {
            match cursor.next() {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(_) => {}
                None => return Err(cursor.error()),
            }
            length += 1;
        }
        types = data_types(sql, inner.get(..length.saturating_sub(1)).unwrap_or_default())?;
    }
    cursor.expect_word("AS")?;
    // Not `EXECUTE` and the like: what PostgreSQL plans.
    let planned = ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|word| cursor.at_word(word));
    if !planned && !starts_query(cursor.rest().first()) {
        return Err(cursor.error());
    }
    Ok(Command::Prepare { name, types, statement: Box::new(one(sql, cursor.rest())?) })
}

fn call(sql: &str, cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    let mut name = cursor.identifier()?;
    while cursor.token(&Token::Period) {
        if name != "public" {
            return Err(SqlError::new("42883", format!("procedure {name} does not exist")));
        }
        name = cursor.identifier()?;
    }
    if cursor.done() {
        return Err(cursor.error());
    }
    let arguments = arguments(cursor)?;
    Ok(Command::Call(name, expressions(sql, arguments)?))
}

#[cfg(test)]
mod tests {
    use super::super::{Command, parse};

    fn code(sql: &str) -> String {
        match parse(sql).map(|mut statements| statements.pop().map(|last| last.command)) {
            Ok(Some(Command::Refused { error, .. })) => error.sqlstate.to_owned(),
            Err(error) => error.sqlstate.to_owned(),
            Ok(_) => "ok".to_owned(),
        }
    }

    #[test]
    fn what_writes_is_refused_by_every_route() {
        for sql in [
            "insert into t values (1)",
            "update t set a = 1",
            "delete from t",
            "merge into t using s on true when matched then delete",
            "create table t (a int)",
            "create or replace view v as select 1",
            "create temp table t as select 1",
            "drop table t",
            "alter table t add b int",
            "truncate t",
            "grant select on t to u",
            "vacuum",
            "select 1 into t",
            "select * from t for update",
            "with x as (insert into t values (1) returning *) select * from x",
            "with x as (delete from t returning *) select * from x",
            "select * from (select * from t for share) x",
            "explain analyze insert into t values (1)",
            "copy t from stdin",
            "copy (delete from t returning *) to stdout",
            "lock table t",
            "refresh materialized view v",
        ] {
            assert_eq!(code(sql), "25006", "{sql}");
        }
        for sql in ["copy t to '/etc/x'", "copy (select 1) to program 'cat'", "load 'x'", "set role x", "checkpoint"] {
            assert_eq!(code(sql), "42501", "{sql}");
        }
        for sql in ["listen x", "notify x", "do $$ begin end $$", "commit prepared 'x'"] {
            assert_eq!(code(sql), "0A000", "{sql}");
        }
        // It may be prepared, as in PostgreSQL; what is prepared is the refusal.
        let mut statements = parse("prepare p as insert into t values ($1, $3)").unwrap();
        let Some(Command::Prepare { statement, .. }) = statements.pop().map(|one| one.command) else { panic!() };
        assert!(matches!(&statement.command, Command::Refused { error, params: 3 } if error.sqlstate == "25006"));
        for sql in [
            "declare c cursor for delete from t",
            "selec 1",
            "foo bar",
            "show",
            "fetch",
            "select 1 2",
            "call x",
            "begin foo",
            "(",
            "copy t to stdout (",
            ")",
        ] {
            assert_eq!(code(sql), "42601", "{sql}");
        }
    }

    #[test]
    fn session_commands_are_read() {
        for sql in [
            "begin",
            "begin isolation level serializable, read only",
            "start transaction read only",
            "commit and chain",
            "end work",
            "rollback to savepoint a",
            "release a",
            "savepoint a",
            "declare \"A:1\" no scroll cursor with hold for select 1",
            "fetch 10 from c",
            "fetch forward all in c",
            "fetch next from c",
            "fetch c",
            "fetch backward 1 from c",
            "move 5 in c",
            "close all",
            "prepare p (int, numeric(10,2)) as select $1",
            "execute p (1, 'a')",
            "execute p",
            "deallocate all",
            "deallocate prepare p",
            "discard all",
            "discard temp",
            "unlisten *",
            "set time zone 'UTC'",
            "set timezone to 'UTC'",
            "set search_path to public, \"My\"",
            "set local statement_timeout = 100",
            "set session characteristics as transaction read only",
            "set names 'utf8'",
            "reset all",
            "show transaction isolation level",
            "show time zone",
            "show all",
            "reset grantd.changeset",
            "set grantd.changeset = '2026-01-01'",
            "call sync('demo')",
            "explain (analyze, format json) select 1",
            "explain verbose select 1",
            "explain (verbose, format json) execute a(null, $1)",
            "explain execute a",
            "explain (select 1)",
            "copy (select 1) to stdout (format \"binary\")",
            "copy t (a, b) to stdout with csv header",
            "copy t to stdout",
            "table t",
            "values (1), (2)",
            "(select 1) union (select 2)",
            "set extra_float_digits = -1",
            "set session timezone to 'UTC'",
            ";;",
            "",
        ] {
            assert_eq!(code(sql), "ok", "{sql}");
        }
    }

    #[test]
    fn several_statements_are_several_commands() {
        assert_eq!(parse("begin; select 1; commit;").unwrap().len(), 3);
    }
}
