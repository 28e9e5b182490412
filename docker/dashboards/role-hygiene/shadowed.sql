SELECT count(*) AS templates
FROM shadowed_future_grants
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
