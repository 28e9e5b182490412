SELECT count(*) AS grants
FROM unusable_grants
WHERE (object_database IS NULL OR object_database <> 'SNOWFLAKE')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
