SELECT change, object_type, object, grantee, previous_state, current_state, revert_sql, detected_at
FROM drift
WHERE TRUE
  AND account = '$account'
ORDER BY change, object, grantee
LIMIT 1000
