//! What `grantd setup` has to know: from flags, from the person at the terminal, or by default.

use super::SetupArgs;
use crate::cli::CliError;
use crate::daemon::snowflake::DEFAULT_ROLE;
use grantd_catalog::model::Ident;
use std::io::{BufRead, Read, Write};
use std::net::IpAddr;
use std::path::PathBuf;

/// Longer answers are a mistake.
const MOST_BYTES: u64 = 4096;

/// Everything that the files need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) account_identifier: String,
    pub(super) name: String,
    pub(super) user: Ident,
    pub(super) role: Ident,
    pub(super) warehouse: Ident,
    /// Addresses or networks, as Snowflake's `ALLOWED_IP_LIST` takes them.
    pub(super) networks: Vec<String>,
    pub(super) usage: bool,
    pub(super) out: PathBuf,
}

impl Answers {
    /// From the flags; what they do not say is asked for, or has its default, or is an error that names the flag.
    pub(super) fn collect<I: BufRead, O: Write>(args: &SetupArgs, asker: &mut Asker<I, O>) -> Result<Self, CliError> {
        let identifier = asker.answer(
            args.account_identifier.as_deref(),
            "--account-identifier",
            "Account identifier (as in https://IDENTIFIER.snowflakecomputing.com)",
            None,
            account_identifier,
        )?;
        let short = identifier.rsplit('-').next().unwrap_or(&identifier).split('.').next().unwrap_or_default();
        let short = short.to_ascii_lowercase();
        let name = asker.answer(args.name.as_deref(), "--name", "Its name in grantd", Some(&short), account_name)?;
        let user =
            asker.answer(args.service_user.as_deref(), "--service-user", "Service user", Some("GRANTD_SVC"), ident)?;
        let role = asker.answer(args.role.as_deref(), "--role", "Role", Some(DEFAULT_ROLE), ident)?;
        let warehouse =
            asker.answer(args.warehouse.as_deref(), "--warehouse", "Warehouse", Some("GRANTD_WH"), ident)?;
        let networks = if args.allowed_ip.is_empty() {
            let question = "Addresses or networks that grantd connects from, with commas (empty: no network policy)";
            asker.answer(None, "--allowed-ip", question, Some(""), networks)?
        } else {
            args.allowed_ip.iter().map(|text| network(text)).collect::<Result<_, _>>().map_err(|problem| {
                CliError::new(problem).at("--allowed-ip").hint("write 203.0.113.10 or 203.0.113.0/24")
            })?
        };
        let question = "Read who used what? It discloses the text and bind values of queries (yes or no)";
        let usage = args.with_usage || asker.answer(None, "--with-usage", question, Some("no"), yes_or_no)?;
        let folder = args.out.as_ref().map(|path| path.display().to_string());
        let out = match &args.out {
            Some(path) => path.clone(),
            None => asker.answer(folder.as_deref(), "--out", "Folder for the files", Some(&name), folder_path)?,
        };
        Ok(Self { account_identifier: identifier, name, user, role, warehouse, networks, usage, out })
    }
}

/// Asks a person, if there is one.
pub(super) struct Asker<I, O> {
    input: I,
    output: O,
    may_ask: bool,
}

impl<I: BufRead, O: Write> Asker<I, O> {
    pub(super) fn new(input: I, output: O, may_ask: bool) -> Self {
        Self { input, output, may_ask }
    }

    /// What the flag said, else what the person says (asked again after a mistake), else the default.
    fn answer<T>(
        &mut self,
        flag_value: Option<&str>,
        flag: &str,
        question: &str,
        default: Option<&str>,
        read: fn(&str) -> Result<T, String>,
    ) -> Result<T, CliError> {
        if let Some(text) = flag_value {
            return read(text).map_err(|problem| CliError::new(problem).at(flag));
        }
        if !self.may_ask {
            let Some(default) = default else {
                return Err(CliError::new(format_args!("{flag} is missing"))
                    .hint(format_args!("give it, or run in a terminal to be asked: {question}")));
            };
            return read(default).map_err(|problem| CliError::new(problem).at(flag));
        }
        loop {
            let shown = default.filter(|text| !text.is_empty()).map(|text| format!(" [{text}]")).unwrap_or_default();
            let asked = write!(self.output, "{question}{shown}: ").and_then(|()| self.output.flush());
            asked.map_err(|error| CliError::new(format_args!("cannot ask: {error}")))?;
            let mut line = String::new();
            let read_bytes = Read::take(&mut self.input, MOST_BYTES)
                .read_line(&mut line)
                .map_err(|error| CliError::new(format_args!("cannot read the answer: {error}")))?;
            if read_bytes == 0 {
                return Err(CliError::new("the answers ended early").hint("--yes takes the defaults"));
            }
            let given = Some(line.trim()).filter(|text| !text.is_empty()).or(default).unwrap_or_default();
            match read(given) {
                Ok(value) => return Ok(value),
                Err(problem) => {
                    // Somebody who cannot be told cannot be asked either, which the next turn finds out.
                    let _ = writeln!(self.output, "  {problem}");
                }
            }
        }
    }
}

fn account_identifier(text: &str) -> Result<String, String> {
    let text = text.trim().trim_start_matches("https://").trim_end_matches('/');
    let text = text.strip_suffix(".snowflakecomputing.com").unwrap_or(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(format!("{text:?} is no account identifier: it has letters, digits, and - _ ."));
    }
    Ok(text.to_owned())
}

fn account_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.is_empty() || !text.chars().all(fits) {
        return Err(format!("{text:?} is no name for an account here: use letters, digits, - and _"));
    }
    Ok(text.to_owned())
}

/// A name as Snowflake reads it: upper case unless quoted.
fn ident(text: &str) -> Result<Ident, String> {
    let text = text.trim();
    let wrong = |problem: &dyn std::fmt::Display| format!("{text:?} is no name: {problem}");
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner.replace("\"\"", "").contains('"') => Err(wrong(&"a quote inside quotes is written twice")),
        Some(inner) => Ident::new(inner.replace("\"\"", "\"")).map_err(|error| wrong(&error)),
        None if Ident::is_plain(&text.to_ascii_uppercase()) => Ident::unquoted(text).map_err(|error| wrong(&error)),
        None => Err(wrong(&"put it in double quotes, exactly as it is to be stored")),
    }
}

fn network(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| format!("{text:?} is no address or network"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits.is_some_and(|bits| !bits.parse::<u8>().is_ok_and(|bits| bits <= most)) {
        return Err(format!("{text:?} is no network: its prefix has at most {most} bits"));
    }
    Ok(text.to_owned())
}

fn networks(text: &str) -> Result<Vec<String>, String> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(network).collect()
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer yes or no".to_owned()),
    }
}

fn folder_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("name a folder".to_owned()) } else { Ok(PathBuf::from(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: SetupArgs,
    }

    fn args(flags: &[&str]) -> SetupArgs {
        Only::try_parse_from(std::iter::once("setup").chain(flags.iter().copied())).unwrap().args
    }

    fn collect(flags: &[&str], typed: &str, may_ask: bool) -> (Result<Answers, String>, String) {
        let mut asked = Vec::new();
        let answers = Answers::collect(&args(flags), &mut Asker::new(typed.as_bytes(), &mut asked, may_ask));
        (answers.map_err(|error| error.to_string()), String::from_utf8(asked).unwrap())
    }

    #[test]
    fn without_a_terminal_the_defaults_are_taken_and_the_account_has_none() {
        let (answers, asked) = collect(&["--account-identifier", "myorg-prod_eu"], "", false);
        let answers = answers.unwrap();
        assert_eq!((answers.name.as_str(), answers.user.as_str()), ("prod_eu", "GRANTD_SVC"));
        assert_eq!((answers.role.as_str(), answers.warehouse.as_str()), ("GRANTD_SYNC", "GRANTD_WH"));
        assert_eq!((answers.usage, answers.networks.len(), asked.as_str()), (false, 0, ""));
        let (missing, _) = collect(&[], "", false);
        assert!(missing.unwrap_err().contains("--account-identifier is missing"));
    }

    #[test]
    fn a_person_is_asked_again_after_a_mistake_and_an_empty_answer_is_the_default() {
        let typed = "my org\nhttps://MYORG-TEST.snowflakecomputing.com/\n\n\"svc user\"\n\n\n10.0.0.1/40\n10.0.0.0/8, ::1\nmaybe\nyes\nthere\n";
        let (answers, asked) = collect(&[], typed, true);
        let answers = answers.unwrap();
        assert_eq!((answers.account_identifier.as_str(), answers.name.as_str()), ("MYORG-TEST", "test"));
        assert_eq!((answers.user.as_str(), answers.role.as_str()), ("svc user", "GRANTD_SYNC"));
        assert_eq!((answers.networks, answers.usage), (vec!["10.0.0.0/8".to_owned(), "::1".to_owned()], true));
        assert_eq!(answers.out, PathBuf::from("there"));
        assert!(asked.contains("\"my org\" is no account identifier"), "{asked}");
        assert!(asked.contains("at most 32 bits") && asked.contains("answer yes or no"), "{asked}");
        let (ended, _) = collect(&[], "myorg-prod\n", true);
        assert!(ended.unwrap_err().contains("the answers ended early"));
    }

    #[test]
    fn a_wrong_flag_is_named() {
        for (flags, expected) in [
            (["--account-identifier", "a/b"], "--account-identifier"),
            (["--service-user", ""], "--service-user"),
            (["--name", "a b"], "--name"),
            (["--allowed-ip", "here"], "--allowed-ip"),
        ] {
            let flags: Vec<&str> = if flags[0] == "--account-identifier" {
                flags.to_vec()
            } else {
                [&["--account-identifier", "org-a"], &flags[..]].concat()
            };
            let (answers, _) = collect(&flags, "", false);
            let error = answers.unwrap_err();
            assert!(error.contains(&format!("({expected})")), "{error}");
        }
    }
}
