//! Snowflake's error codes and what to do about them.

use super::config::{Credential, SnowflakeConfig};
use crate::sync::SourceError;

/// The error of a refused login.
pub(super) fn login(config: &SnowflakeConfig, code: &str, message: &str) -> SourceError {
    let user = &config.user;
    let role = &config.role;
    let advice = match (code, &config.credential) {
        ("390189", _) => format!("Grant the role to the user: GRANT ROLE {role} TO USER {user}"),
        ("390201", _) => "Check `warehouse`, and grant USAGE on it to the role".to_owned(),
        ("390420" | "390421" | "390422", _) => {
            "The address of this machine is outside the network policy; add it to the policy's allowed list".to_owned()
        }
        ("390303" | "390318", _) => "Get a new OAuth access token".to_owned(),
        (_, Credential::KeyPair(key)) if code.starts_with("3943") || code == "390144" => format!(
            "The key's fingerprint {} is not the one registered for user {user} of account {}, or the clock of this \
             machine is wrong; compare with DESCRIBE USER {user}, or register the key: ALTER USER {user} SET \
             RSA_PUBLIC_KEY = '{}'",
            key.fingerprint(),
            config.account_name(),
            key.public_key()
        ),
        (_, Credential::AccessToken(_)) => format!(
            "Check that the access token of user {user} has not expired, is not restricted to another role than {role}, \
             and that the user has a network policy"
        ),
        (_, Credential::OAuth(_)) => "Check the OAuth access token and its scope".to_owned(),
        (_, Credential::KeyPair(_)) => format!("Check user {user}, account {} and the key", config.account_name()),
    };
    SourceError::Login { code: code.to_owned(), message: tidy(message), advice }
}

/// The error of a refused statement.
pub(super) fn statement(
    config: &SnowflakeConfig,
    code: &str,
    sqlstate: &str,
    message: &str,
    query_id: &str,
) -> SourceError {
    let role = &config.role;
    let advice = match code {
        "000606" | "090073" => match &config.warehouse {
            Some(warehouse) => format!("Grant the warehouse: GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role}"),
            None => "Name a warehouse in the connection settings (`warehouse`)".to_owned(),
        },
        "002003" | "002043" | "003001" if message.to_ascii_uppercase().contains("SNOWFLAKE") => format!(
            "Grant the views: GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE {role}; GRANT DATABASE ROLE \
             SNOWFLAKE.OBJECT_VIEWER TO ROLE {role}"
        ),
        "000630" => "The statement ran into its time limit; raise `statement_timeout`".to_owned(),
        "090153" => "SHOW gives at most 10,000 rows".to_owned(),
        _ => String::new(),
    };
    SourceError::Server {
        code: code.to_owned(),
        sqlstate: sqlstate.to_owned(),
        message: tidy(message),
        query_id: query_id.to_owned(),
        advice,
    }
}

/// What to do about a status that is no answer.
pub(super) fn http(status: u16) -> String {
    match status {
        301..=308 => "It redirects elsewhere; set `url` to the address it redirects to".to_owned(),
        403 | 404 => "Check the account identifier or `url`: no Snowflake account answers there".to_owned(),
        407 => "A proxy asks for a login; set HTTPS_PROXY with its credentials".to_owned(),
        429 | 500..=599 => "It is overloaded or down; the next run tries again".to_owned(),
        _ => "Check the account identifier or `url`".to_owned(),
    }
}

/// What to do about a connection that failed.
pub(super) fn transport(detail: &str) -> String {
    let lower = detail.to_ascii_lowercase();
    if lower.contains("certificate") || lower.contains("unknownissuer") {
        "The server's certificate is not trusted; add your company's authority with `ca_file`".to_owned()
    } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        "Check the account identifier or `url`, and the name resolution of this machine".to_owned()
    } else {
        "Check `url`, the network and the proxy settings of this machine".to_owned()
    }
}

/// What to do about an answer that broke off or does not unpack.
pub(super) fn damaged() -> String {
    "The answer was cut or damaged on the way; the next run asks again".to_owned()
}

/// A message in one line.
fn tidy(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').to_owned()
}
