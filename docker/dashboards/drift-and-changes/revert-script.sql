SELECT sql FROM drift_sql('$account')
