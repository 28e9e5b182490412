SELECT count(DISTINCT user_name) AS users
FROM effective_privileges
WHERE usable AND NOT user_disabled
  AND privilege IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'WRITE', 'OWNERSHIP')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
