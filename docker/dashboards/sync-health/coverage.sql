SELECT account, source, reason, object, object_database, affects, detail
FROM coverage
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
ORDER BY affects NULLS LAST, account, source, object
LIMIT 1000
