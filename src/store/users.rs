//! Users of the gateway, and what their secrets are checked against.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::{Micros, Store, StoreError, sql};

/// Between two notes that a secret was used, so that not every login writes to the disk.
const USED_EVERY: Micros = 60_000_000;

words! {
    /// What a secret is.
    SecretKind {
        /// What a person types.
        Password = "password",
        /// What a program has.
        Token = "token",
    }
}

/// A user of the gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserRow {
    /// His name.
    pub name: String,
    /// Whether he may change users and the like.
    pub administrator: bool,
    /// Whether he is kept out.
    pub disabled: bool,
    /// The salt of all his secrets.
    pub salt: Vec<u8>,
    /// How often they are hashed.
    pub rounds: u32,
    /// When he was added.
    pub created_at: Micros,
}

/// What a secret is checked against, and how long. The keys are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// What it is; a password takes the place of the one before.
    pub kind: SecretKind,
    /// What it is for.
    pub label: String,
    /// `StoredKey` of SCRAM-SHA-256.
    pub stored_key: [u8; 32],
    /// `ServerKey`.
    pub server_key: [u8; 32],
    /// When it was made.
    pub created_at: Micros,
    /// When it ends, if it does.
    pub expires_at: Option<Micros>,
}

/// A secret that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub user: String,
    /// As it was added.
    pub secret: NewSecret,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
    /// About when it was used last.
    pub last_used_at: Option<Micros>,
}

impl SecretRow {
    /// Whether it is a token.
    pub fn is_token(&self) -> bool {
        self.secret.kind == SecretKind::Token
    }

    /// Whether it can be used.
    pub fn counts(&self, now: Micros) -> bool {
        self.revoked_at.is_none() && self.secret.expires_at.is_none_or(|end| now < end)
    }
}

impl Store {
    /// Adds a user with a first secret.
    pub fn add_user(&self, user: &UserRow, secret: &NewSecret) -> Result<(), StoreError> {
        let failed = StoreError::database("add the user");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        let known: bool = transaction
            .query_row("SELECT EXISTS (SELECT 1 FROM gateway_users WHERE name = ?1)", [&user.name], |row| row.get(0))
            .map_err(failed)?;
        if known {
            return Err(StoreError::Invalid {
                what: "user",
                detail: format!("there is a user {:?} already", user.name),
            });
        }
        transaction
            .execute(
                "INSERT INTO gateway_users (name, administrator, disabled, salt, rounds, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (&user.name, user.administrator, user.disabled, &user.salt, user.rounds, user.created_at),
            )
            .map_err(failed)?;
        insert_secret(&transaction, &user.name, secret)?;
        transaction.commit().map_err(failed)
    }

    /// All users by name.
    pub fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        let failed = StoreError::database("list the users");
        let database = self.database();
        let mut statement = database.prepare_cached("SELECT * FROM gateway_users ORDER BY name").map_err(failed)?;
        let rows = statement.query_map([], read_user).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Result<Option<UserRow>, StoreError> {
        self.database()
            .query_row("SELECT * FROM gateway_users WHERE name = ?1", [name], read_user)
            .optional()
            .map_err(StoreError::database("read the user"))
    }

    /// The user of that name, who has to be there.
    pub fn need_user(&self, name: &str) -> Result<UserRow, StoreError> {
        self.user(name)?.ok_or_else(|| no_user(name))
    }

    /// Keeps a user out, or lets him in again. The last administrator stays.
    pub fn set_user_disabled(&self, name: &str, disabled: bool) -> Result<(), StoreError> {
        let failed = StoreError::database("change the user");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        let changed = transaction
            .execute("UPDATE gateway_users SET disabled = ?2 WHERE name = ?1", (name, disabled))
            .map_err(failed)?;
        if changed == 0 {
            return Err(no_user(name));
        }
        let administrators: i64 = transaction
            .query_row("SELECT count(*) FROM gateway_users WHERE administrator = 1 AND disabled = 0", [], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        if administrators == 0 {
            let detail = format!("{name:?} is the last administrator, and nobody could let him in again");
            return Err(StoreError::Invalid { what: "user", detail });
        }
        transaction.commit().map_err(failed)
    }

    /// Keeps a further secret of a user, and gives its number. A password takes the place of the one before.
    pub fn add_secret(&self, user: &str, secret: &NewSecret) -> Result<i64, StoreError> {
        let failed = StoreError::database("keep the secret");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        if secret.kind == SecretKind::Password {
            transaction
                .execute(
                    "UPDATE gateway_secrets SET revoked_at = ?2
                     WHERE user = ?1 AND kind = 'password' AND revoked_at IS NULL",
                    (user, secret.created_at),
                )
                .map_err(failed)?;
        }
        let known: bool = transaction
            .query_row("SELECT EXISTS (SELECT 1 FROM gateway_users WHERE name = ?1)", [user], |row| row.get(0))
            .map_err(failed)?;
        if !known {
            return Err(no_user(user));
        }
        let id = insert_secret(&transaction, user, secret)?;
        transaction.commit().map_err(failed)?;
        Ok(id)
    }

    /// The secrets of a user, or of all, those that no longer count too.
    pub fn secrets(&self, user: Option<&str>) -> Result<Vec<SecretRow>, StoreError> {
        let failed = StoreError::database("list the secrets");
        let database = self.database();
        let mut statement = database
            .prepare_cached("SELECT * FROM gateway_secrets WHERE ?1 IS NULL OR user = ?1 ORDER BY id")
            .map_err(failed)?;
        let rows = statement.query_map([user], read_secret).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Ends a secret.
    pub fn revoke_secret(&self, id: i64, at: Micros) -> Result<(), StoreError> {
        let sql = "UPDATE gateway_secrets SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        let changed = self.database().execute(sql, (id, at)).map_err(StoreError::database("revoke the secret"))?;
        if changed == 0 {
            let detail = format!("there is no token {id} that could be revoked");
            return Err(StoreError::Invalid { what: "token", detail });
        }
        Ok(())
    }

    /// Keeps a token in the place of another one of the same user, which ends at `until` at the latest. Gives its number.
    pub fn rotate_token(&self, id: i64, secret: &NewSecret, until: Micros) -> Result<i64, StoreError> {
        let failed = StoreError::database("rotate the token");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        let user: Option<String> = transaction
            .query_row(
                "UPDATE gateway_secrets SET expires_at = min(coalesce(expires_at, ?2), ?2)
                 WHERE id = ?1 AND kind = 'token' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)
                 RETURNING user",
                (id, until, secret.created_at),
                |row| row.get(0),
            )
            .optional()
            .map_err(failed)?;
        let Some(user) = user else {
            let detail = format!("there is no token {id} that could be rotated");
            return Err(StoreError::Invalid { what: "token", detail });
        };
        let new = insert_secret(&transaction, &user, secret)?;
        transaction.commit().map_err(failed)?;
        Ok(new)
    }

    /// Notes that a secret was used, to the minute.
    pub fn note_secret_used(&self, id: i64, at: Micros) -> Result<(), StoreError> {
        let sql = "UPDATE gateway_secrets SET last_used_at = ?2
                   WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2 - ?3)";
        self.database().execute(sql, (id, at, USED_EVERY)).map_err(StoreError::database("note the login"))?;
        Ok(())
    }

    /// The value of a name.
    pub(super) fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database()
            .query_row("SELECT value FROM gateway_values WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(StoreError::database("read a value"))
    }

    /// Gives a name another value.
    pub(super) fn set_value(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO gateway_values (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.database()
            .prepare_cached(sql)
            .and_then(|mut s| s.execute((name, value)))
            .map_err(StoreError::database("keep a value"))?;
        Ok(())
    }

    /// The value of a name, made when it is first asked for.
    pub fn value_or(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let failed = StoreError::database("keep a value");
        let database = self.database();
        let known: Option<Vec<u8>> = database
            .query_row("SELECT value FROM gateway_values WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        if let Some(known) = known {
            return Ok(known);
        }
        let value = make();
        database.execute("INSERT INTO gateway_values (name, value) VALUES (?1, ?2)", (name, &value)).map_err(failed)?;
        Ok(value)
    }
}

fn no_user(name: &str) -> StoreError {
    StoreError::Invalid { what: "user", detail: format!("there is no user {name:?}") }
}

fn insert_secret(transaction: &Transaction<'_>, user: &str, secret: &NewSecret) -> Result<i64, StoreError> {
    transaction
        .execute(
            "INSERT INTO gateway_secrets (user, kind, label, stored_key, server_key, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                user,
                secret.kind.as_str(),
                &secret.label,
                secret.stored_key,
                secret.server_key,
                secret.created_at,
                secret.expires_at,
            ),
        )
        .map_err(StoreError::database("keep the secret"))?;
    Ok(transaction.last_insert_rowid())
}

fn read_user(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        name: row.get("name")?,
        administrator: row.get("administrator")?,
        disabled: row.get("disabled")?,
        salt: row.get("salt")?,
        rounds: row.get("rounds")?,
        created_at: row.get("created_at")?,
    })
}

fn read_secret(row: &Row<'_>) -> rusqlite::Result<SecretRow> {
    Ok(SecretRow {
        id: row.get("id")?,
        user: row.get("user")?,
        secret: NewSecret {
            kind: sql::word(row, "kind", SecretKind::parse)?,
            label: row.get("label")?,
            stored_key: row.get("stored_key")?,
            server_key: row.get("server_key")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        },
        revoked_at: row.get("revoked_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}
