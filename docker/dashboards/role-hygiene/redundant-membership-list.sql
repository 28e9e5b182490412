SELECT account, grantee, granted_to, role_name, via_role AS has_it_through
FROM redundant_role_grants
WHERE NOT (granted_to = 'ROLE' AND grantee = 'SYSADMIN')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role_name IN ($role) OR grantee IN ($role))
ORDER BY grantee, role_name
LIMIT 1000
