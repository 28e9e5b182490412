SELECT
    m.account,
    m.user_name,
    m.role_name,
    CASE WHEN m.direct THEN 'granted to the user' ELSE 'through another role' END AS how,
    coalesce(u.type, 'PERSON') AS type,
    u.has_mfa,
    u.has_password,
    u.last_success_login,
    m.user_disabled AS disabled
FROM effective_role_members AS m
JOIN users AS u ON u.account = m.account AND u.user_name = m.user_name
WHERE m.role_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  AND m.role_type = 'ROLE'
  AND ('' IN ($account) OR m.account IN ($account))
  AND ('' IN ($user) OR m.user_name IN ($user))
ORDER BY m.role_name, m.user_name, m.account
LIMIT 1000
