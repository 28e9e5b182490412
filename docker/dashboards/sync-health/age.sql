SELECT max(extract(epoch FROM now() - as_of)) AS age
FROM accounts
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
