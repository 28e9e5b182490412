SELECT account, platform, source, last_sync_status, as_of, extract(epoch FROM now() - as_of) AS age, last_success_at,
    failed_syncs, last_sync_error, users, roles, objects, grants, drift
FROM accounts
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
ORDER BY as_of NULLS FIRST, account
LIMIT 1000
