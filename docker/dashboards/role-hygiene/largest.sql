SELECT role_name, count(*) AS privileges
FROM role_privileges
WHERE role_type = 'ROLE'
  AND role_name NOT IN ('ACCOUNTADMIN', 'GLOBALORGADMIN', 'ORGADMIN', 'SECURITYADMIN', 'SYSADMIN', 'USERADMIN')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role_name IN ($role))
GROUP BY role_name
ORDER BY privileges DESC, role_name
LIMIT 20
