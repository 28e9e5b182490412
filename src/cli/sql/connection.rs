//! Where `grantd sql` connects to, and how: flags, URL, libpq's variables, its password file and its certificates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode as Encrypt};

use super::passfile::{self, Wanted};
use super::tls::{Files, SslMode};
use crate::cli::CliError;
use crate::config::DEFAULT_LISTEN;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where grantd answers; the flags and variables are psql's.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct ConnectionArgs {
    /// The host, or the folder of a Unix socket
    #[arg(short = 'h', long, value_name = "HOST", env = "PGHOST", default_value_t = DEFAULT_LISTEN.ip().to_string())]
    pub host: String,
    /// The port
    #[arg(short, long, value_name = "PORT", env = "PGPORT", default_value_t = DEFAULT_LISTEN.port())]
    pub port: u16,
    /// The user
    #[arg(short = 'U', long, value_name = "USER", env = "PGUSER", default_value = "grantd")]
    pub username: String,
    /// The database, or a whole URL: postgresql://user@host:port/database?sslmode=verify-full
    #[arg(short, long, value_name = "DATABASE", env = "PGDATABASE", default_value = "grantd")]
    pub dbname: String,
}

/// A connection that is to be made.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) mode: SslMode,
    pub(super) files: Files,
}

/// The parts of a URL that are ours to read; the rest of it goes on.
#[derive(Debug, Default, PartialEq, Eq)]
struct OwnParts {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    passfile: Option<String>,
}

/// Takes `sslmode` and the like, which tokio-postgres does not know, out of a URL.
fn take_own(url: &str) -> (String, OwnParts) {
    let mut own = OwnParts::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), own) };
    let mut left = Vec::new();
    for pair in query.split('&') {
        let decoded = url::form_urlencoded::parse(pair.replace('+', "%2B").as_bytes())
            .next()
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        let Some((name, value)) = decoded else { continue };
        match name.as_str() {
            "sslmode" => own.mode = Some(value),
            "sslrootcert" => own.root = Some(value),
            "sslcert" => own.certificate = Some(value),
            "sslkey" => own.key = Some(value),
            "passfile" => own.passfile = Some(value),
            _ => left.push(pair),
        }
    }
    let rest = if left.is_empty() { base.to_owned() } else { format!("{base}?{}", left.join("&")) };
    (rest, own)
}

/// What to connect to, from the flags and those variables of libpq that have no flag.
pub(super) fn target(args: &ConnectionArgs, variable: impl Fn(&str) -> Option<String>) -> Result<Target, CliError> {
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| args.dbname.starts_with(scheme));
    let (mut config, own) = if is_url {
        let (url, own) = take_own(&args.dbname);
        // The URL may hold a password: it is not shown.
        let config = url.parse::<Config>().map_err(|error| {
            CliError::new(format_args!("the connection URL cannot be used: {error}"))
                .hint("postgresql://user@host:port/database?sslmode=verify-full")
        })?;
        (config, own)
    } else {
        let mut config = Config::new();
        config.dbname(&args.dbname);
        (config, OwnParts::default())
    };
    if config.get_hosts().is_empty() {
        config.host(&args.host);
    }
    if config.get_ports().is_empty() {
        config.port(args.port);
    }
    if config.get_user().is_none() {
        config.user(&args.username);
    }
    if config.get_options().is_none()
        && let Some(options) = variable("PGOPTIONS")
    {
        config.options(options);
    }
    let home = variable("HOME").map(PathBuf::from);
    let existing = |file: &str| home.as_ref().map(|home| home.join(file)).filter(|file| file.exists());
    if config.get_password().is_none() {
        let file = own.passfile.or_else(|| variable("PGPASSFILE")).map(PathBuf::from);
        let file = file.or_else(|| existing(".pgpass"));
        let password = match variable("PGPASSWORD") {
            Some(password) => Some(password),
            None => file.map(|file| from_file(&file, &config)).transpose()?.flatten(),
        };
        if let Some(password) = password {
            config.password(password);
        }
    }
    let word = own.mode.or_else(|| variable("PGSSLMODE"));
    let mut mode = word.map_or(Ok(SslMode::Prefer), |word| SslMode::parse(&word))?;
    if matches!(config.get_hosts(), [host] if is_local(host)) {
        // As libpq: the socket does not leave the machine.
        mode = SslMode::Disable;
    }
    let given = |own: Option<String>, name: &str| own.or_else(|| variable(name)).map(PathBuf::from);
    let root = given(own.root, "PGSSLROOTCERT").or_else(|| existing(".postgresql/root.crt"));
    let certificate = given(own.certificate, "PGSSLCERT").or_else(|| existing(".postgresql/postgresql.crt"));
    let key = given(own.key, "PGSSLKEY").or_else(|| existing(".postgresql/postgresql.key"));
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(certificate), None) => {
            return Err(CliError::new("there is a certificate and no key of it")
                .at(certificate.display())
                .hint("sslkey=FILE in the URL, PGSSLKEY, or ~/.postgresql/postgresql.key"));
        }
        (None, _) => None,
    };
    config.ssl_mode(match mode {
        SslMode::Disable | SslMode::Allow => Encrypt::Disable,
        SslMode::Prefer => Encrypt::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Encrypt::Require,
    });
    config.application_name("grantd sql").connect_timeout(CONNECT_TIMEOUT);
    Ok(Target { config, mode, files: Files { root, client } })
}

fn is_local(host: &Host) -> bool {
    #[cfg(unix)]
    if matches!(host, Host::Unix(_)) {
        return true;
    }
    let _ = host;
    false
}

/// A host as people write it.
pub(super) fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

fn from_file(file: &Path, config: &Config) -> Result<Option<String>, CliError> {
    let host = config.get_hosts().first().map(shown).unwrap_or_default();
    let user = config.get_user().unwrap_or_default();
    let wanted = Wanted {
        host: &host,
        port: config.get_ports().first().copied().unwrap_or(DEFAULT_LISTEN.port()),
        database: config.get_dbname().unwrap_or(user),
        user,
    };
    passfile::password(file, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dbname: &str) -> ConnectionArgs {
        ConnectionArgs { host: "h".into(), port: 1, username: "u".into(), dbname: dbname.into() }
    }

    fn of(dbname: &str, variables: &[(&str, &str)]) -> Result<Target, CliError> {
        let variables = variables.to_vec();
        target(&args(dbname), move |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_url_takes_the_place_of_the_flags() {
        let config = of("postgresql://ann@example.org:77/d", &[]).unwrap().config;
        assert_eq!((config.get_user(), config.get_ports(), config.get_dbname()), (Some("ann"), &[77][..], Some("d")));
        let config = of("db", &[]).unwrap().config;
        assert_eq!((config.get_user(), config.get_ports(), config.get_dbname()), (Some("u"), &[1][..], Some("db")));
    }

    #[test]
    fn the_variables_of_libpq_count() {
        let all = [("PGPASSWORD", "p"), ("PGOPTIONS", "-c a=b"), ("PGSSLMODE", "require"), ("PGSSLROOTCERT", "r.crt")];
        let target = of("db", &all).unwrap();
        assert_eq!((target.config.get_password(), target.config.get_options()), (Some(&b"p"[..]), Some("-c a=b")));
        assert_eq!((target.mode, target.files.root.as_deref()), (SslMode::Require, Some(Path::new("r.crt"))));
        assert!(of("db", &[("PGSSLMODE", "yes")]).is_err());
        assert!(of("db", &[("PGSSLCERT", "c.crt")]).is_err());
    }

    #[test]
    fn a_url_says_how_to_encrypt_and_the_rest_of_it_goes_on() {
        let url = "postgresql://u:p%40ss@h/db?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt&application_name=x";
        let target = of(url, &[("PGSSLMODE", "disable"), ("PGPASSWORD", "other")]).unwrap();
        assert_eq!((target.mode, target.config.get_ssl_mode()), (SslMode::VerifyFull, Encrypt::Require));
        assert_eq!(target.files.root.as_deref(), Some(Path::new("/etc/ca.crt")));
        assert_eq!(target.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(take_own("postgresql://h?sslmode=a+b").1.mode.as_deref(), Some("a+b"));
    }

    #[test]
    fn a_socket_of_this_machine_has_no_tls() {
        let local = ConnectionArgs { host: "/run/grantd".into(), ..args("db") };
        let target = target(&local, |name| (name == "PGSSLMODE").then(|| "verify-full".to_owned())).unwrap();
        assert_eq!(target.mode, SslMode::Disable);
    }
}
