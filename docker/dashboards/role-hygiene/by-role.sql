SELECT role, count(*) AS findings
FROM (
    SELECT account, grantee AS role FROM unusable_grants WHERE (object_database IS NULL OR object_database <> 'SNOWFLAKE')
    UNION ALL
    SELECT account, grantee FROM redundant_grants
    UNION ALL
    SELECT account, role_name FROM redundant_role_grants WHERE NOT (granted_to = 'ROLE' AND grantee = 'SYSADMIN')
    UNION ALL
    SELECT account, role_name FROM orphan_roles WHERE owner IS NOT NULL
    UNION ALL
    SELECT account, role_name FROM roles_outside_sysadmin WHERE owner IS NOT NULL
    UNION ALL
    SELECT account, grantee FROM shadowed_future_grants
) AS finding
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR role IN ($role))
GROUP BY role
ORDER BY findings DESC, role
LIMIT 20
