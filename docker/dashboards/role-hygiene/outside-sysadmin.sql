SELECT count(*) AS roles
FROM roles_outside_sysadmin
WHERE owner IS NOT NULL
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role_name IN ($role))
