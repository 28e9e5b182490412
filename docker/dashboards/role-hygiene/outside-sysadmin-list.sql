SELECT o.account, o.role_name, o.role_type, o.owner, o.granted_to_users, o.granted_to_roles, r.effective_users, o.created_on
FROM roles_outside_sysadmin AS o
JOIN roles AS r ON r.account = o.account AND r.role_name = o.role_name AND r.role_type = o.role_type
WHERE o.owner IS NOT NULL
  AND ('' IN ($account) OR o.account IN ($account))
  AND ('' IN ($role) OR o.role_name IN ($role))
ORDER BY r.effective_users DESC, o.role_name, o.account
LIMIT 1000
