//! The password file of libpq: lines `host:port:database:user:password`, where `*` fits all and `\` keeps `:` and `\`.

use std::fs;
use std::path::Path;

use crate::cli::CliError;

/// Whom a password is looked up for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The host; the folder for a Unix socket.
    pub(super) host: &'a str,
    /// The port.
    pub(super) port: u16,
    /// The database.
    pub(super) database: &'a str,
    /// The user.
    pub(super) user: &'a str,
}

/// The password of the first line that fits. A file that others may read is not used, as libpq does it; one that is not
/// there has no password.
pub(super) fn password(file: &Path, wanted: Wanted<'_>) -> Result<Option<String>, CliError> {
    let Ok(found) = fs::metadata(file) else { return Ok(None) };
    if !found.is_file() {
        return Ok(None);
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0 {
        return Err(CliError::new("the password file can be read by others")
            .at(file.display())
            .hint(format_args!("chmod 0600 {}", file.display())));
    }
    let text = fs::read_to_string(file)
        .map_err(|error| CliError::new(format_args!("cannot read the password file: {error}")).at(file.display()))?;
    Ok(text.lines().find_map(|line| fitting(line, wanted)))
}

fn fitting(line: &str, wanted: Wanted<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let [host, port, database, user, password] = fields.as_slice() else { return None };
    let fits = |(written, raw): &(String, bool), value: &str| (*raw && written == "*") || written == value;
    // libpq calls a Unix socket localhost.
    let is_host = fits(host, wanted.host) || (wanted.host.starts_with('/') && host.0 == "localhost");
    let all =
        is_host && fits(port, &wanted.port.to_string()) && fits(database, wanted.database) && fits(user, wanted.user);
    (all && !password.0.is_empty()).then(|| password.0.clone())
}

/// The five fields, each with whether it was written without a backslash.
fn fields(line: &str) -> Vec<(String, bool)> {
    let mut fields = vec![(String::new(), true)];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let is_last = fields.len() == 5;
        let Some((field, raw)) = fields.last_mut() else { break };
        match c {
            '\\' => {
                field.extend(chars.next());
                *raw = false;
            }
            ':' if !is_last => fields.push((String::new(), true)),
            c => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, host: &str, user: &str) -> Option<String> {
        let wanted = Wanted { host, port: 5433, database: "grantd", user };
        text.lines().find_map(|line| fitting(line, wanted))
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# h:5433:grantd:ann:no\nh:5432:*:ann:other port\nh:5433:grantd:ann:a\\:b\\\\c:d\n*:*:*:bob:all\n";
        assert_eq!(found(text, "h", "ann").as_deref(), Some("a:b\\c:d"));
        assert_eq!(found(text, "elsewhere", "bob").as_deref(), Some("all"));
        assert_eq!(found(text, "elsewhere", "ann"), None);
        assert_eq!(found("localhost:*:*:ann:x", "/run/grantd", "ann").as_deref(), Some("x"));
        assert_eq!(found("\\*:*:*:ann:x", "h", "ann"), None);
        assert_eq!(found("h:5433:grantd:ann:", "h", "ann"), None);
        assert_eq!(found("h:5433:grantd", "h", "ann"), None);
    }

    #[cfg(unix)]
    #[test]
    fn one_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        let wanted = Wanted { host: "h", port: 1, database: "d", user: "u" };
        assert_eq!(password(&file, wanted).unwrap(), None);
        fs::write(&file, "*:*:*:*:secret\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let said = password(&file, wanted).unwrap_err().to_string();
        assert!(said.contains("chmod 0600") && !said.contains("secret"), "{said}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password(&file, wanted).unwrap().as_deref(), Some("secret"));
    }
}
