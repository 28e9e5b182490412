SELECT
    coalesce(object_database, '(account)') AS database,
    count(DISTINCT user_name) AS any_access,
    count(DISTINCT CASE WHEN privilege = 'SELECT' THEN user_name END) AS read,
    count(DISTINCT CASE WHEN privilege IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'WRITE') THEN user_name END) AS write,
    count(DISTINCT CASE WHEN privilege = 'OWNERSHIP' THEN user_name END) AS own
FROM effective_privileges
WHERE usable AND NOT user_disabled AND source <> 'public'
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
GROUP BY coalesce(object_database, '(account)')
ORDER BY any_access DESC, database
LIMIT 20
