//! Users of the gateway: added, disabled, given passwords and tokens. Secrets are made here, shown once, and not kept.

use super::now;
use crate::config::Secret;
use crate::gateway::CallOutcome;
use crate::gateway::login::scram::{Keys, Salting, parse_verifier};
use crate::gateway::login::{Directory, Person};
use crate::store::{NewSecret, SecretKind, SecretRow, Store, StoreError, UserRow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use rand::Rng as _;
use std::sync::Arc;
use std::time::Duration;

/// The administrator that the first start makes.
pub const FIRST_ADMINISTRATOR: &str = "grantd";
/// How a token begins, so that scanners of source code and logs know one.
const TOKEN_PREFIX: &str = "grantd_";
/// Bytes of chance in a secret.
const CHANCE: usize = 24;

fn random(prefix: &str) -> Secret<String> {
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; CHANCE]>())))
}

/// The users of a store.
#[derive(Clone, Debug)]
pub struct Users {
    store: Arc<Store>,
}

impl Users {
    /// Of this store.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Makes the first administrator when there is no user yet.
    pub fn first_start(&self) -> Result<Option<Secret<String>>, StoreError> {
        if self.store.users()?.is_empty() { self.add(FIRST_ADMINISTRATOR, true).map(Some) } else { Ok(None) }
    }

    /// Adds a user with a password of chance.
    pub fn add(&self, name: &str, administrator: bool) -> Result<Secret<String>, StoreError> {
        let (password, salting) = (random(""), Salting::random());
        self.insert(name, administrator, &salting, &Keys::of(password.expose(), &salting))?;
        Ok(password)
    }

    /// Adds a user with the password of a PostgreSQL role, from its verifier.
    pub fn import(&self, name: &str, administrator: bool, verifier: &str) -> Result<(), StoreError> {
        let (salting, keys) =
            parse_verifier(verifier).map_err(|why| StoreError::Invalid { what: "verifier", detail: why.to_owned() })?;
        self.insert(name, administrator, &salting, &keys)
    }

    fn insert(&self, name: &str, administrator: bool, salting: &Salting, keys: &Keys) -> Result<(), StoreError> {
        if name.is_empty() || name.len() > 63 || name.chars().any(char::is_control) {
            let detail = "a name has 1 to 63 bytes and no control characters".to_owned();
            return Err(StoreError::Invalid { what: "user", detail });
        }
        let user = UserRow {
            name: name.to_owned(),
            administrator,
            disabled: false,
            salt: salting.salt.clone(),
            rounds: salting.rounds,
            created_at: now(),
        };
        self.store.add_user(&user, &new_secret(SecretKind::Password, "", keys, None))
    }

    /// A new password of chance; the one before ends.
    pub fn reset_password(&self, name: &str) -> Result<Secret<String>, StoreError> {
        let password = random("");
        let keys = Keys::of(password.expose(), &salting(self.store.need_user(name)?));
        self.store.add_secret(name, &new_secret(SecretKind::Password, "", &keys, None))?;
        Ok(password)
    }

    /// A token for a program, and its number.
    pub fn token(&self, name: &str, label: &str, lives: Option<Duration>) -> Result<(i64, Secret<String>), StoreError> {
        let token = random(TOKEN_PREFIX);
        let keys = Keys::of(token.expose(), &salting(self.store.need_user(name)?));
        let lives = lives.map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
        let secret = new_secret(SecretKind::Token, label, &keys, lives.map(|time| now().saturating_add(time)));
        Ok((self.store.add_secret(name, &secret)?, token))
    }

    /// A new token in the place of one that goes on for `grace`. It has the same label and lives as long as that one did.
    /// Gives its user and number.
    pub fn rotate(&self, id: i64, grace: Duration) -> Result<(String, i64, Secret<String>), StoreError> {
        let all = self.store.secrets(None)?;
        let known = all.into_iter().find(|row| row.id == id && row.secret.kind == SecretKind::Token);
        let old = known.ok_or_else(|| {
            let detail = format!("there is no token {id}");
            StoreError::Invalid { what: "token", detail }
        })?;
        let token = random(TOKEN_PREFIX);
        let keys = Keys::of(token.expose(), &salting(self.store.need_user(&old.user)?));
        let lives = old.secret.expires_at.map(|end| end.saturating_sub(old.secret.created_at));
        let ends = lives.map(|time| now().saturating_add(time));
        let until = now().saturating_add(i64::try_from(grace.as_micros()).unwrap_or(i64::MAX));
        let secret = new_secret(SecretKind::Token, &old.secret.label, &keys, ends);
        let new = self.store.rotate_token(id, &secret, until)?;
        Ok((old.user, new, token))
    }

    /// All secrets of all users, those that no longer count too.
    pub fn secrets(&self) -> Result<Vec<SecretRow>, StoreError> {
        self.store.secrets(None)
    }

    /// Ends a token or password.
    pub fn revoke(&self, id: i64) -> Result<(), StoreError> {
        self.store.revoke_secret(id, now())
    }

    /// Keeps a user out, or lets him in again.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), StoreError> {
        self.store.set_user_disabled(name, disabled)
    }

    /// All users, each with his secrets that count.
    pub fn list(&self) -> Result<Vec<(UserRow, Vec<SecretRow>)>, StoreError> {
        let secrets = self.store.secrets(None)?;
        let now = now();
        let of = |user: &UserRow| secrets.iter().filter(|s| s.user == user.name && s.counts(now)).cloned().collect();
        Ok(self.store.users()?.into_iter().map(|user| (user.clone(), of(&user))).collect())
    }
}

fn salting(user: UserRow) -> Salting {
    Salting { salt: user.salt, rounds: user.rounds }
}

fn new_secret(kind: SecretKind, label: &str, keys: &Keys, expires_at: Option<i64>) -> NewSecret {
    NewSecret {
        kind,
        label: label.to_owned(),
        stored_key: keys.stored,
        server_key: keys.server,
        created_at: now(),
        expires_at,
    }
}

/// One row per secret that counts, and one for a user who has none.
pub fn listed(users: &Users) -> Result<CallOutcome, StoreError> {
    let users = users.list()?;
    let all: Vec<_> = users
        .iter()
        .flat_map(|(user, secrets)| {
            let none = secrets.is_empty().then_some((user, None));
            secrets.iter().map(move |secret| (user, Some(secret))).chain(none)
        })
        .collect();
    let times = |of: &dyn Fn(&SecretRow) -> Option<i64>| {
        let times: TimestampMicrosecondArray = all.iter().map(|(_, secret)| secret.and_then(of)).collect();
        Arc::new(times.with_timezone("UTC")) as ArrayRef
    };
    let tokens = all.iter().map(|(_, secret)| secret.filter(|s| s.secret.kind == SecretKind::Token));
    let columns = [
        ("user_name", Arc::new(all.iter().map(|(user, _)| Some(&user.name)).collect::<StringArray>()) as ArrayRef),
        ("administrator", Arc::new(all.iter().map(|(user, _)| Some(user.administrator)).collect::<BooleanArray>())),
        ("disabled", Arc::new(all.iter().map(|(user, _)| Some(user.disabled)).collect::<BooleanArray>())),
        (
            "kind",
            Arc::new(all.iter().map(|(_, secret)| secret.map(|s| s.secret.kind.as_str())).collect::<StringArray>()),
        ),
        ("token", Arc::new(tokens.clone().map(|secret| secret.map(|s| s.id)).collect::<Int64Array>())),
        ("label", Arc::new(tokens.map(|secret| secret.map(|s| s.secret.label.as_str())).collect::<StringArray>())),
        ("created_at", times(&|s| Some(s.secret.created_at))),
        ("expires_at", times(&|s| s.secret.expires_at)),
        ("last_used_at", times(&|s| s.last_used_at)),
    ];
    let batch = RecordBatch::try_from_iter(columns)
        .map_err(|error| StoreError::Invalid { what: "users", detail: error.to_string() })?;
    Ok(CallOutcome::Rows(batch.schema(), vec![batch]))
}

impl Directory for Users {
    fn person(&self, name: &str) -> Result<Option<Person>, String> {
        // Both are asked for in any case: the time does not tell whether there is such a user.
        let (user, secrets) = (self.store.user(name), self.store.secrets(Some(name)));
        let (user, secrets) = (user.map_err(|e| e.to_string())?, secrets.map_err(|e| e.to_string())?);
        let Some(user) = user.filter(|user| !user.disabled) else { return Ok(None) };
        let now = now();
        let secrets = secrets.into_iter().filter(|secret| secret.counts(now));
        Ok(Some(Person {
            administrator: user.administrator,
            salting: salting(user),
            secrets: secrets
                .map(|s| (s.id, Keys { stored: s.secret.stored_key, server: s.secret.server_key }))
                .collect(),
        }))
    }

    fn used(&self, secret: i64) {
        // Who logs in is let in all the same.
        if let Err(error) = self.store.note_secret_used(secret, now()) {
            tracing::warn!(%error, secret, "the use of a secret was not noted");
        }
    }

    fn mock_secret(&self) -> [u8; 32] {
        let kept = self.store.value_or("mock secret", || rand::rng().random::<[u8; 32]>().to_vec());
        // Without the store the salts of unknown users differ after a restart, and nobody gets in anyway.
        kept.ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or_else(|| rand::rng().random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        Users::new(Arc::new(Store::in_memory().unwrap()))
    }

    fn opens(users: &Users, name: &str, secret: &str) -> bool {
        let Some(person) = users.person(name).unwrap() else { return false };
        let keys = Keys::of(secret, &person.salting);
        person.secrets.iter().any(|(_, own)| *own == keys)
    }

    #[test]
    fn the_first_start_makes_one_administrator() {
        let users = users();
        let password = users.first_start().unwrap().unwrap();
        assert!(opens(&users, "grantd", password.expose()) && users.person("grantd").unwrap().unwrap().administrator);
        assert_eq!(users.first_start().unwrap(), None);
        assert!(!format!("{password:?}").contains(password.expose()));
    }

    #[test]
    fn a_user_has_one_password_and_many_tokens() {
        let users = users();
        let first = users.add("ann", false).unwrap();
        let (id, token) = users.token("ann", "dbt", None).unwrap();
        let (_, late) = users.token("ann", "old", Some(Duration::ZERO)).unwrap();
        let second = users.reset_password("ann").unwrap();
        let seen = [&first, &second, &token, &late].map(|secret| opens(&users, "ann", secret.expose()));
        assert_eq!(seen, [false, true, true, false]);
        assert!(token.expose().starts_with("grantd_"));
        users.revoke(id).unwrap();
        assert!(!opens(&users, "ann", token.expose()) && users.revoke(id).is_err());
        assert!(users.rotate(id, Duration::ZERO).is_err());
        let listed = users.list().unwrap();
        assert_eq!(
            listed.iter().map(|(user, secrets)| (user.name.as_str(), secrets.len())).collect::<Vec<_>>(),
            [("ann", 1)]
        );
        assert!(users.token("bob", "", None).is_err() && users.reset_password("bob").is_err());
    }

    #[test]
    fn a_token_goes_on_for_its_grace_beside_the_new_one() {
        let users = users();
        users.add("ann", false).unwrap();
        let (id, old) = users.token("ann", "dbt", Some(Duration::from_hours(24 * 90))).unwrap();
        let (user, next, new) = users.rotate(id, Duration::from_hours(1)).unwrap();
        let rows = users.secrets().unwrap();
        let of = |id: i64| rows.iter().find(|row| row.id == id).unwrap().secret.clone();
        let lives = |id: i64| of(id).expires_at.unwrap() - of(id).created_at;
        assert_eq!((user.as_str(), of(next).label.as_str()), ("ann", "dbt"));
        // Both were made a moment apart.
        let second = 1_000_000;
        assert!((lives(next) - 90 * 24 * 3_600 * second).abs() < 60 * second);
        assert!((lives(id) - 3_600 * second).abs() < 60 * second);
        assert!(opens(&users, "ann", old.expose()) && opens(&users, "ann", new.expose()));
        users.rotate(next, Duration::ZERO).unwrap();
        assert!(!opens(&users, "ann", new.expose()));
        assert!(users.rotate(next, Duration::ZERO).is_err(), "it has ended");
        assert!(users.rotate(1, Duration::ZERO).is_err(), "a password is no token");
    }

    #[test]
    fn a_disabled_user_is_nobody_and_the_last_administrator_stays() {
        let users = users();
        let password = users.add("root", true).unwrap();
        users.add("ann", false).unwrap();
        users.set_disabled("ann", true).unwrap();
        assert!(users.person("ann").unwrap().is_none());
        users.set_disabled("ann", false).unwrap();
        assert!(users.person("ann").unwrap().is_some());
        assert!(users.set_disabled("root", true).unwrap_err().to_string().contains("last administrator"));
        assert!(opens(&users, "root", password.expose()));
        assert!(users.set_disabled("bob", true).is_err());
    }

    #[test]
    fn names_and_verifiers_are_checked() {
        let users = users();
        for name in ["", "a\nb", &"x".repeat(64)] {
            assert!(users.add(name, false).is_err(), "{name:?}");
        }
        users.add("ann", false).unwrap();
        assert!(users.add("ann", false).is_err());
        assert!(users.import("bob", false, "md5abc").is_err());
        let verifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        users.import("bob", false, verifier).unwrap();
        assert!(opens(&users, "bob", "pencil"));
    }

    #[test]
    fn users_who_do_not_exist_keep_their_salt() {
        let users = users();
        assert_eq!(users.mock_secret(), users.mock_secret());
    }
}
