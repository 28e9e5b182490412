SELECT account, role_name, role_type, owner, granted_roles, granted_to_roles, created_on
FROM orphan_roles
WHERE owner IS NOT NULL
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role_name IN ($role))
ORDER BY role_name, account
LIMIT 1000
