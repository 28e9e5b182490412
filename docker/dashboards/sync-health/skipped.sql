SELECT count(*) AS steps
FROM sync_steps
WHERE status = 'skipped'
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
