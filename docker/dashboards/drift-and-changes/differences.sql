SELECT count(*) AS differences
FROM drift
WHERE TRUE
  AND account = '$account'
