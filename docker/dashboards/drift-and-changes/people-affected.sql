SELECT count(DISTINCT user_name) AS users
FROM access_diff('$account@baseline', '$account')
