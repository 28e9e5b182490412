SELECT count(*) AS lost
FROM access_diff('$account@baseline', '$account')
WHERE effect = 'loses' AND usable_before
