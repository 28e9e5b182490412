SELECT count(*) AS changesets
FROM changesets
WHERE status IN ('draft', 'pending_review', 'approved')
  AND account = '$account'
