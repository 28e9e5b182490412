SELECT
    $__timeGroupAlias(started_at, $__interval),
    count(CASE WHEN status = 'succeeded' THEN 1 END) AS succeeded,
    count(CASE WHEN status = 'failed' THEN 1 END) AS failed
FROM sync_runs
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
GROUP BY 1
ORDER BY 1
