//! `connection = "NAME"`: what an account does not say comes from a named connection of Snowflake's own tools.
//!
//! Only when an account asks for it: the daemon never looks for a person's connections by itself. As in Snowflake's
//! drivers the files are `connections.toml` (a table per connection) and, if that is not there, `config.toml`
//! (`[connections.NAME]`), in `$SNOWFLAKE_HOME` or `~/.snowflake` where that exists, else in the configuration folder
//! of the system. Secrets in the text itself (`password`, `token`, `private_key_raw`) are not taken: a file that holds
//! one is.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::ConfigError;
use super::error::{Place, nearest};

/// Keys of a connection and the key of an account that each becomes.
const KEYS: &[(&str, &str)] = &[
    ("account", "account_identifier"),
    ("user", "user"),
    ("role", "role"),
    ("warehouse", "warehouse"),
    ("private_key_file", "private_key_file"),
    ("private_key_path", "private_key_file"),
];

/// Keys of an account that name a proof; where one is, the connection's are not asked for.
const PROOFS: [&str; 3] = ["private_key_file", "access_token_file", "oauth_token_file"];

/// Completes every account that names a connection.
pub(super) fn complete(config: &mut Table, environment: &[(OsString, OsString)]) -> Result<(), ConfigError> {
    let accounts = config.get_mut("account").and_then(Value::as_array_mut).into_iter().flatten();
    for account in accounts.filter_map(Value::as_table_mut) {
        let Some(name) = account.get("connection").and_then(Value::as_str).map(str::to_owned) else { continue };
        let file = file(environment)?;
        let connection = connection(&file, &name)?;
        let refuse = |(what, hint): (String, String)| ConfigError::File {
            what: format!("connection {name:?}: {what}"),
            place: Place::of(&file, "", 0),
            hint: Some(hint),
        };
        merge(account, &connection, environment).map_err(refuse)?;
    }
    Ok(())
}

type Refusal = (String, String);

fn merge(account: &mut Table, connection: &Table, environment: &[(OsString, OsString)]) -> Result<(), Refusal> {
    let has_proof = PROOFS.iter().any(|key| account.contains_key(*key));
    let mut add = |key: &str, value: Value| {
        account.entry(key.to_owned()).or_insert(value);
    };
    for (theirs, ours) in KEYS {
        let Some(value) = connection.get(*theirs) else { continue };
        if PROOFS.contains(ours) {
            if !has_proof {
                add(ours, path(theirs, value, environment)?);
            }
        } else {
            add(ours, value.clone());
        }
    }
    if let Some(host) = connection.get("host").and_then(Value::as_str) {
        add("host", Value::String(url(host, connection)));
    }
    if has_proof {
        return Ok(());
    }
    let authenticator = connection.get("authenticator").and_then(Value::as_str).unwrap_or("snowflake");
    let token = match authenticator.to_ascii_uppercase().as_str() {
        "SNOWFLAKE_JWT" => None,
        "PROGRAMMATIC_ACCESS_TOKEN" => Some("access_token_file"),
        "OAUTH" => Some("oauth_token_file"),
        _ => {
            return Err((
                format!("its authenticator {authenticator:?} asks a person, or for a password"),
                "use SNOWFLAKE_JWT (a key pair), PROGRAMMATIC_ACCESS_TOKEN or OAUTH, or name a proof in the account"
                    .to_owned(),
            ));
        }
    };
    if let Some(key) = token {
        let value = connection.get("token_file_path").ok_or_else(|| {
            (
                "it has no token_file_path".to_owned(),
                "put the token into a file of its own, readable by grantd alone, and name the file".to_owned(),
            )
        })?;
        add(key, path("token_file_path", value, environment)?);
    } else if !account.contains_key("private_key_file") {
        return Err((
            "it has no private_key_file".to_owned(),
            "put the key into a file of its own, readable by grantd alone, and name the file".to_owned(),
        ));
    }
    Ok(())
}

/// Where the connection goes when it names a host.
fn url(host: &str, connection: &Table) -> String {
    let scheme = connection.get("protocol").and_then(Value::as_str).unwrap_or("https");
    match connection.get("port") {
        Some(Value::Integer(port)) => format!("{scheme}://{host}:{port}"),
        Some(Value::String(port)) => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    }
}

/// A path as a daemon can use it: from the root, or from the home folder.
fn path(key: &str, value: &Value, environment: &[(OsString, OsString)]) -> Result<Value, Refusal> {
    let Some(text) = value.as_str() else {
        return Err((format!("{key} is not a text"), format!("{key} = \"/path/to/file\"")));
    };
    let path = match text.strip_prefix("~/") {
        Some(rest) => home(environment).join(rest),
        None => PathBuf::from(text),
    };
    match path.to_str() {
        Some(found) if path.is_absolute() => Ok(Value::String(found.to_owned())),
        _ => Err((
            format!("{key} = {text:?} depends on the folder in which grantd is started"),
            "write the path from the root".to_owned(),
        )),
    }
}

/// The connection's table.
fn connection(file: &Path, name: &str) -> Result<Table, ConfigError> {
    let text =
        std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_path_buf(), source })?;
    let wrong = |what: String, offset: usize, hint: Option<String>| ConfigError::File {
        what,
        place: Place::of(file, &text, offset),
        hint,
    };
    let mut tables: Table = toml::from_str(&text)
        .map_err(|error| wrong(error.message().to_owned(), error.span().map_or(0, |span| span.start), None))?;
    if file.file_name() == Some(OsStr::new("config.toml")) {
        tables = tables.remove("connections").and_then(|c| c.as_table().cloned()).unwrap_or_default();
    }
    match tables.get(name) {
        Some(Value::Table(table)) => Ok(table.clone()),
        _ => {
            let known: Vec<&str> = tables.iter().filter(|(_, v)| v.is_table()).map(|(k, _)| k.as_str()).collect();
            let hint = nearest(name, known.iter().copied())
                .map_or_else(|| format!("it has {}", known.join(", ")), |word| format!("did you mean {word}?"));
            Err(wrong(format!("there is no connection {name:?}"), 0, Some(hint)))
        }
    }
}

/// The file to look in.
fn file(environment: &[(OsString, OsString)]) -> Result<PathBuf, ConfigError> {
    let folder = folder(environment);
    let candidates = ["connections.toml", "config.toml"].map(|name| folder.join(name));
    candidates.iter().find(|file| file.is_file()).cloned().ok_or_else(|| ConfigError::Read {
        file: folder.join("connections.toml"),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

fn folder(environment: &[(OsString, OsString)]) -> PathBuf {
    let home = home(environment);
    let expand = |path: &OsStr| match Path::new(path).strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => PathBuf::from(path),
    };
    let own = variable(environment, "SNOWFLAKE_HOME").map_or_else(|| home.join(".snowflake"), expand);
    if own.is_dir() {
        return own;
    }
    if cfg!(target_os = "macos") {
        return home.join("Library/Application Support/snowflake");
    }
    variable(environment, "XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), expand).join("snowflake")
}

fn home(environment: &[(OsString, OsString)]) -> PathBuf {
    variable(environment, "HOME").map(PathBuf::from).unwrap_or_default()
}

fn variable<'e>(environment: &'e [(OsString, OsString)], name: &str) -> Option<&'e OsStr> {
    let of = |(key, value): &'e (OsString, OsString)| (key == name && !value.is_empty()).then_some(value.as_os_str());
    environment.iter().find_map(of)
}
