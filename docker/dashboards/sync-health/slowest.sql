SELECT source, part, count(*) AS times, max(millis) AS slowest, sum(millis) AS total, sum(rows) AS rows
FROM sync_steps
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND $__timeFilter(started_at)
GROUP BY source, part
ORDER BY total DESC, source
LIMIT 20
