SELECT m.account, m.user_name, m.role_name, u.last_success_login, u.comment
FROM effective_role_members AS m
JOIN users AS u ON u.account = m.account AND u.user_name = m.user_name
WHERE m.user_disabled AND m.direct
  AND ('' IN ($account) OR m.account IN ($account))
  AND ('' IN ($role) OR m.role_name IN ($role))
ORDER BY m.user_name, m.role_name, m.account
LIMIT 1000
