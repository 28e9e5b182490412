SELECT account, grantee, granted_to, privilege, object_type, object, source, users, enabled_users, granted_by, created_on
FROM unusable_grants
WHERE (object_database IS NULL OR object_database <> 'SNOWFLAKE')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
ORDER BY enabled_users DESC, grantee, object, privilege
LIMIT 1000
