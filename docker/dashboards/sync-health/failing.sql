SELECT count(*) AS accounts
FROM accounts
WHERE (last_sync_status <> 'succeeded' OR as_of IS NULL)
  AND ('' IN ($account) OR account IN ($account))
