SELECT created_on AS "time", kind, what, grantee, granted_by
FROM (
    SELECT account, created_on, 'privilege' AS kind, privilege || ' on ' || object_type || ' ' || object AS what,
        grantee, granted_by
    FROM grants
    UNION ALL
    SELECT account, created_on, 'role', role_name, grantee, granted_by FROM role_grants
    UNION ALL
    SELECT account, created_on, 'new user', user_name, NULL, owner FROM users
    UNION ALL
    SELECT account, created_on, 'new role', role_name, NULL, owner FROM roles
) AS made
WHERE created_on IS NOT NULL
  AND account = '$account'
  AND $__timeFilter(created_on)
ORDER BY created_on DESC, kind, what, grantee
LIMIT 1000
