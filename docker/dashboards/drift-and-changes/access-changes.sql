SELECT user_name, effect, privilege, object_type, object, usable_before, usable_after, source
FROM access_diff('$account@baseline', '$account')
ORDER BY user_name, effect, object, privilege
LIMIT 1000
