SELECT count(DISTINCT user_name) AS users
FROM effective_privileges
WHERE usable AND NOT user_disabled AND source <> 'public'
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($privilege) OR privilege IN ($privilege))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
