-- A user who is disabled has no role but PUBLIC: his grants would count again as soon as somebody enables him.
select m.account, m.user_name, m.role_name
from {{ source('grantd', 'effective_role_members') }} as m
where m.user_disabled
  and m.source <> 'public'
