SELECT coalesce(sum(r.dangling), 0) AS rows
FROM sync_runs AS r
JOIN accounts AS a ON a.account = r.account AND a.last_sync_at = r.finished_at
WHERE TRUE
  AND ('' IN ($account) OR r.account IN ($account))
