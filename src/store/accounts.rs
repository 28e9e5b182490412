//! Accounts: which ones grantd keeps.

use rusqlite::{OptionalExtension, Row};

use super::{AccountRow, AccountSource, Store, StoreError, sql};

impl Store {
    /// Adds an account, or brings its source up to date. `created_at` of a known account stays.
    pub fn put_account(&self, account: &AccountRow) -> Result<(), StoreError> {
        let failed = StoreError::database("put the account");
        if account.name.is_empty() {
            return Err(StoreError::Invalid { what: "account name", detail: "it is empty".to_owned() });
        }
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        let existing: Option<String> = transaction
            .query_row("SELECT platform FROM accounts WHERE name = ?1", [&account.name], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        if let Some(existing) = existing.filter(|existing| *existing != account.platform) {
            return Err(StoreError::OtherPlatform {
                account: account.name.clone(),
                existing,
                wanted: account.platform.clone(),
            });
        }
        transaction
            .execute(
                "INSERT INTO accounts (name, platform, source, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET source = excluded.source",
                (&account.name, &account.platform, account.source.as_str(), account.created_at),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// The account of that name.
    pub fn account(&self, name: &str) -> Result<Option<AccountRow>, StoreError> {
        self.database()
            .query_row("SELECT * FROM accounts WHERE name = ?1", [name], read)
            .optional()
            .map_err(StoreError::database("read the account"))
    }

    /// All accounts by name.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        let failed = StoreError::database("list the accounts");
        let database = self.database();
        let mut statement = database.prepare_cached("SELECT * FROM accounts ORDER BY name").map_err(failed)?;
        let rows = statement.query_map([], read).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        name: row.get("name")?,
        platform: row.get("platform")?,
        source: sql::word(row, "source", AccountSource::parse)?,
        created_at: row.get("created_at")?,
    })
}
