{# Fails with everybody else who ends up with a role, by any path. #}
{% test only_members(model, role, users) %}
select account, role_name, user_name, source
from {{ model }}
where role_name = '{{ role | replace("'", "''") }}'
  and role_type = 'ROLE'
  and not user_disabled
  {% for user in users %}
  and user_name <> '{{ user | replace("'", "''") }}'
  {% endfor %}
{% endtest %}
