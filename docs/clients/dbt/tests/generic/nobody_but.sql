{# Fails with everybody else who can use a privilege on an object, and why. #}
{% test nobody_but(model, users, privilege, object) %}
select account, user_name, privilege, object, source
from {{ model }}
where privilege = '{{ privilege | replace("'", "''") }}'
  and object = '{{ object | replace("'", "''") }}'
  and usable
  and not user_disabled
  {% for user in users %}
  and user_name <> '{{ user | replace("'", "''") }}'
  {% endfor %}
{% endtest %}
