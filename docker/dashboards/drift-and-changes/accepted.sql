SELECT extract(epoch FROM now() - baseline_at) AS age
FROM accounts
WHERE TRUE
  AND account = '$account'
