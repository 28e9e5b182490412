//! Changesets, their changes and the statuses they go through.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::{
    ChangeRow, Changeset, ChangesetStatus, ChangesetStep, Micros, NewChangeset, SnapshotId, Store, StoreError, sql,
};

impl Store {
    /// Stores a changeset with its changes as a draft and gives it its id.
    pub fn create_changeset(&self, new: &NewChangeset) -> Result<Changeset, StoreError> {
        let failed = StoreError::database("create the changeset");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        sql::require_account(&transaction, &new.account)?;
        if let Some(snapshot) = new.base_snapshot {
            sql::require_snapshot(&transaction, &new.account, snapshot)?;
        }
        let changeset = Changeset {
            id: fresh_id(&transaction).map_err(failed)?,
            account: new.account.clone(),
            title: new.title.clone(),
            status: ChangesetStatus::Draft,
            created_by: new.created_by.clone(),
            created_at: new.created_at,
            sql: new.sql.clone(),
            base_snapshot: new.base_snapshot,
        };
        transaction
            .execute(
                "INSERT INTO changesets (id, account, title, status, created_by, created_at, sql, base_snapshot)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (
                    &changeset.id,
                    &changeset.account,
                    &changeset.title,
                    changeset.status.as_str(),
                    &changeset.created_by,
                    changeset.created_at,
                    &changeset.sql,
                    changeset.base_snapshot.map(|snapshot| snapshot.0),
                ),
            )
            .map_err(failed)?;
        insert_changes(&transaction, &changeset.id, &new.changes)?;
        let step = ChangesetStep {
            at: new.created_at,
            by: new.created_by.clone(),
            from: None,
            to: ChangesetStatus::Draft,
            note: String::new(),
        };
        insert_step(&transaction, &changeset.id, &step).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(changeset)
    }

    /// One changeset.
    pub fn changeset(&self, id: &str) -> Result<Option<Changeset>, StoreError> {
        self.database()
            .query_row("SELECT * FROM changesets WHERE id = ?1", [id], read_changeset)
            .optional()
            .map_err(StoreError::database("read the changeset"))
    }

    /// All changesets, newest first.
    pub fn changesets(&self) -> Result<Vec<Changeset>, StoreError> {
        let failed = StoreError::database("list the changesets");
        let database = self.database();
        let mut statement =
            database.prepare_cached("SELECT * FROM changesets ORDER BY created_at DESC, rowid DESC").map_err(failed)?;
        let rows = statement.query_map([], read_changeset).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The changes of a changeset in order.
    pub fn changes(&self, id: &str) -> Result<Vec<ChangeRow>, StoreError> {
        let failed = StoreError::database("list the changes");
        let database = self.database();
        let mut statement =
            database.prepare_cached("SELECT * FROM changes WHERE changeset = ?1 ORDER BY position").map_err(failed)?;
        let rows = statement.query_map([id], read_change).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The statuses a changeset has had, in order.
    pub fn changeset_steps(&self, id: &str) -> Result<Vec<ChangesetStep>, StoreError> {
        let failed = StoreError::database("list the changeset's steps");
        let database = self.database();
        let mut statement = database
            .prepare_cached("SELECT * FROM changeset_steps WHERE changeset = ?1 ORDER BY id")
            .map_err(failed)?;
        let rows = statement.query_map([id], read_step).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Moves a changeset to another status, if [`ChangesetStatus::next`] allows it, and records who did and why.
    pub fn set_changeset_status(
        &self,
        id: &str,
        to: ChangesetStatus,
        who: &str,
        note: &str,
        at: Micros,
    ) -> Result<(), StoreError> {
        let failed = StoreError::database("set the changeset's status");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        let from = transaction
            .query_row("SELECT status FROM changesets WHERE id = ?1", [id], |row| {
                sql::word(row, "status", ChangesetStatus::parse)
            })
            .optional()
            .map_err(failed)?
            .ok_or_else(|| StoreError::NoChangeset { id: id.to_owned() })?;
        if !from.next().contains(&to) {
            return Err(StoreError::Transition { id: id.to_owned(), from, to });
        }
        transaction.execute("UPDATE changesets SET status = ?2 WHERE id = ?1", (id, to.as_str())).map_err(failed)?;
        let step = ChangesetStep { at, by: who.to_owned(), from: Some(from), to, note: note.to_owned() };
        insert_step(&transaction, id, &step).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

/// `cs_` and eight hex digits that no changeset has.
fn fresh_id(transaction: &Transaction<'_>) -> rusqlite::Result<String> {
    loop {
        let id = format!("cs_{:08x}", rand::random::<u32>());
        let taken: bool =
            transaction.query_row("SELECT EXISTS (SELECT 1 FROM changesets WHERE id = ?1)", [&id], |row| row.get(0))?;
        if !taken {
            return Ok(id);
        }
    }
}

fn insert_changes(transaction: &Transaction<'_>, id: &str, changes: &[ChangeRow]) -> Result<(), StoreError> {
    let failed = StoreError::database("record the changes");
    let mut statement = transaction
        .prepare_cached(
            "INSERT INTO changes
               (changeset, position, kind, sql, inverse_sql, privilege, object_type, object_database, object_schema,
                object_name, object, grantee_type, grantee)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .map_err(failed)?;
    for (position, change) in (1_i64..).zip(changes) {
        statement
            .execute((
                id,
                position,
                &change.kind,
                &change.sql,
                &change.inverse_sql,
                &change.privilege,
                &change.object_type,
                &change.object_database,
                &change.object_schema,
                &change.object_name,
                &change.object,
                &change.grantee_type,
                &change.grantee,
            ))
            .map_err(failed)?;
    }
    Ok(())
}

fn insert_step(transaction: &Transaction<'_>, id: &str, step: &ChangesetStep) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO changeset_steps (changeset, at, by, from_status, to_status, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (id, step.at, &step.by, step.from.map(ChangesetStatus::as_str), step.to.as_str(), &step.note),
    )?;
    Ok(())
}

fn read_changeset(row: &Row<'_>) -> rusqlite::Result<Changeset> {
    Ok(Changeset {
        id: row.get("id")?,
        account: row.get("account")?,
        title: row.get("title")?,
        status: sql::word(row, "status", ChangesetStatus::parse)?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        sql: row.get("sql")?,
        base_snapshot: row.get::<_, Option<i64>>("base_snapshot")?.map(SnapshotId),
    })
}

fn read_change(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        kind: row.get("kind")?,
        sql: row.get("sql")?,
        inverse_sql: row.get("inverse_sql")?,
        privilege: row.get("privilege")?,
        object_type: row.get("object_type")?,
        object_database: row.get("object_database")?,
        object_schema: row.get("object_schema")?,
        object_name: row.get("object_name")?,
        object: row.get("object")?,
        grantee_type: row.get("grantee_type")?,
        grantee: row.get("grantee")?,
    })
}

fn read_step(row: &Row<'_>) -> rusqlite::Result<ChangesetStep> {
    let from: Option<String> = row.get("from_status")?;
    Ok(ChangesetStep {
        at: row.get("at")?,
        by: row.get("by")?,
        from: from.map(|_| sql::word(row, "from_status", ChangesetStatus::parse)).transpose()?,
        to: sql::word(row, "to_status", ChangesetStatus::parse)?,
        note: row.get("note")?,
    })
}
