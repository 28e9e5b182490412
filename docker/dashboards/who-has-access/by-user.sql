SELECT user_name, count(DISTINCT object) AS objects
FROM effective_privileges
WHERE usable AND NOT user_disabled AND source <> 'public' AND object_type NOT IN ('DATABASE', 'SCHEMA')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($privilege) OR privilege IN ($privilege))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
GROUP BY user_name
ORDER BY objects DESC, user_name
LIMIT 20
