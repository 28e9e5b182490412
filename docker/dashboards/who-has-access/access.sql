SELECT
    account,
    user_name,
    object_type,
    object,
    string_agg(privilege, ', ' ORDER BY privilege) AS privileges,
    bool_and(usable) AS usable,
    bool_or(grant_option) AS may_grant_on,
    max(role_count) AS roles,
    bool_or(user_disabled) AS disabled
FROM effective_privileges
WHERE source <> 'public'
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($privilege) OR privilege IN ($privilege))
  AND ('' IN ($user) OR user_name IN ($user))
  AND object ILIKE '%$object%'
GROUP BY account, user_name, object_type, object
ORDER BY object, user_name, account
LIMIT 1000
