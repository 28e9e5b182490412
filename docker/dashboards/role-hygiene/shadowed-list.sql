SELECT account, grantee, granted_to, privilege, object_type, object_database, shadowed_by AS hidden_by_schema
FROM shadowed_future_grants
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
ORDER BY object_database, shadowed_by, grantee, privilege
LIMIT 1000
