SELECT count(*) AS grants
FROM redundant_grants
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
