SELECT
    $__timeGroupAlias(created_on, $__interval),
    count(*) AS grants_made
FROM grants
WHERE created_on IS NOT NULL
  AND account = '$account'
  AND $__timeFilter(created_on)
GROUP BY 1
ORDER BY 1
