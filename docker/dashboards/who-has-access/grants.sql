SELECT account, user_name, privilege, object, role_name AS through_role, source, granted_by, created_on
FROM effective_grants
WHERE source <> 'public' AND NOT user_disabled
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($privilege) OR privilege IN ($privilege))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
ORDER BY object, user_name, privilege, role_name
LIMIT 1000
