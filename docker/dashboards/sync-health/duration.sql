SELECT $__time(started_at), account || ' ' || kind AS metric, extract(epoch FROM finished_at - started_at) AS seconds
FROM sync_runs
WHERE finished_at IS NOT NULL
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
ORDER BY started_at
