SELECT change, count(*) AS differences
FROM drift
WHERE TRUE
  AND account = '$account'
GROUP BY change
ORDER BY differences DESC, change
