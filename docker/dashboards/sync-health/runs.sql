SELECT started_at AS "time", account, run_id, kind, status, extract(epoch FROM finished_at - started_at) AS seconds,
    statements, rows, dangling, snapshot_id, as_of, error
FROM sync_runs
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
ORDER BY started_at DESC, account
LIMIT 200
