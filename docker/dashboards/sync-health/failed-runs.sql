SELECT count(*) AS runs
FROM sync_runs
WHERE status = 'failed'
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
