{# Fails with every row. #}
{% test no_rows(model, where="true") %}
select * from {{ model }} where {{ where }}
{% endtest %}
