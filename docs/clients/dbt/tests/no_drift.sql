-- Nobody went around the agreed way: everything is as it was accepted.
select account, change, object, grantee, revert_sql
from {{ source('grantd', 'drift') }}
