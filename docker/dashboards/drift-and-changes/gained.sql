SELECT count(*) AS gained
FROM access_diff('$account@baseline', '$account')
WHERE effect = 'gains' AND usable_after
