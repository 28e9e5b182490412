SELECT count(*) AS memberships
FROM redundant_role_grants
WHERE NOT (granted_to = 'ROLE' AND grantee = 'SYSADMIN')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role_name IN ($role) OR grantee IN ($role))
