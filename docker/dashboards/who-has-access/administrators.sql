SELECT count(DISTINCT user_name) AS users
FROM effective_role_members
WHERE role_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  AND role_type = 'ROLE' AND NOT user_disabled
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($user) OR user_name IN ($user))
