SELECT changeset, title, status, created_by, created_at, changes, sql
FROM changesets
WHERE TRUE
  AND account = '$account'
ORDER BY created_at DESC, changeset
LIMIT 1000
