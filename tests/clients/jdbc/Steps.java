// pgjdbc: the calls of DatabaseMetaData that DBeaver, DataGrip and Metabase make, statements, prepared statements that turn
// binary, fetch sizes, savepoints, COPY, cancelling.
// usage: java -cp postgresql.jar Steps.java URL

import java.io.StringWriter;
import java.net.URI;
import java.sql.*;
import java.util.*;

public class Steps {
    interface Work { Object run() throws Exception; }

    static String json(Object value) {
        if (value == null) return "null";
        if (value instanceof Boolean || value instanceof Integer || value instanceof Long) return value.toString();
        if (value instanceof List<?> list) {
            StringJoiner joined = new StringJoiner(", ", "[", "]");
            for (Object one : list) joined.add(json(one));
            return joined.toString();
        }
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    static class Table {
        List<Object> columns = new ArrayList<>();
        List<Object> rows = new ArrayList<>();
    }

    static Table read(ResultSet set) throws SQLException {
        Table table = new Table();
        ResultSetMetaData meta = set.getMetaData();
        for (int i = 1; i <= meta.getColumnCount(); i++)
            table.columns.add(List.of(meta.getColumnLabel(i), meta.getColumnTypeName(i), meta.getColumnType(i), meta.getColumnClassName(i),
                meta.getPrecision(i), meta.getScale(i)));
        while (set.next()) {
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= meta.getColumnCount(); i++) row.add(set.getString(i));
            table.rows.add(row);
        }
        set.close();
        return table;
    }

    static void step(String name, Work work) {
        StringBuilder line = new StringBuilder("{\"step\": " + json(name));
        try {
            Object result = work.run();
            line.append(", \"outcome\": \"ok\"");
            if (result instanceof Table table)
                line.append(", \"columns\": " + json(table.columns) + ", \"rows\": " + json(table.rows));
            else line.append(", \"rows\": " + json(result));
        } catch (SQLException error) {
            line.append(", \"outcome\": " + json(error.getSQLState()) + ", \"message\": " + json(error.getMessage()));
        } catch (Exception error) {
            line.append(", \"outcome\": " + json(error.getClass().getSimpleName()) + ", \"message\": " + json(error.toString()));
        }
        System.out.println(line.append('}'));
    }

    static Connection connection;

    static Table query(String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) statement.setObject(i + 1, parameters[i]);
            return read(statement.executeQuery());
        }
    }

    static String url(String given, String more) {
        URI uri = URI.create(given);
        return "jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath() + "?user=" + uri.getUserInfo() + more;
    }

    static final String LONG =
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c";

    public static void main(String[] arguments) throws Exception {
        String given = arguments[0];
        Driver driver = DriverManager.getDriver("jdbc:postgresql:");
        System.out.println("{\"client\": \"pgjdbc " + driver.getMajorVersion() + "." + driver.getMinorVersion() + "\"}");
        step("connect", () -> {
            connection = DriverManager.getConnection(url(given, "&ApplicationName=steps"));
            return List.of(connection.getCatalog(), connection.getSchema(), connection.isReadOnly(), connection.getAutoCommit(),
                connection.getTransactionIsolation(), connection.isValid(5));
        });
        if (connection == null) return;
        DatabaseMetaData meta = connection.getMetaData();
        step("product", () -> List.of(meta.getDatabaseProductName(), meta.getDatabaseMajorVersion(), meta.getUserName(),
            meta.getMaxColumnNameLength(), meta.getMaxIndexLength(), meta.getIdentifierQuoteString(), meta.supportsSavepoints()));
        step("keywords", () -> meta.getSQLKeywords());
        step("schemas", () -> read(meta.getSchemas()));
        step("catalogs", () -> read(meta.getCatalogs()));
        step("table types", () -> read(meta.getTableTypes()));
        step("views", () -> read(meta.getTables(null, "public", "%", new String[] {"VIEW"})));
        step("tables", () -> read(meta.getTables(null, "public", "%", new String[] {"TABLE"})));
        step("everything in public", () -> read(meta.getTables("grantd", "public", null, null)));
        step("system views", () -> read(meta.getTables(null, "pg_catalog", "pg_roles", null)));
        step("columns of users", () -> read(meta.getColumns(null, "public", "users", "%")));
        step("columns of everything", () -> read(meta.getColumns("grantd", "public", "%", null)));
        step("columns of pg_class", () -> read(meta.getColumns(null, "pg_catalog", "pg_class", null)));
        step("primary keys", () -> read(meta.getPrimaryKeys(null, "public", "users")));
        step("imported keys", () -> read(meta.getImportedKeys(null, "public", "users")));
        step("exported keys", () -> read(meta.getExportedKeys(null, "public", "users")));
        step("cross reference", () -> read(meta.getCrossReference(null, "public", "users", null, "public", "roles")));
        step("indexes", () -> read(meta.getIndexInfo(null, "public", "users", false, true)));
        step("best row", () -> read(meta.getBestRowIdentifier(null, "public", "users", 1, true)));
        step("version columns", () -> read(meta.getVersionColumns(null, "public", "users")));
        step("table privileges", () -> read(meta.getTablePrivileges(null, "public", "users")));
        step("column privileges", () -> read(meta.getColumnPrivileges(null, "public", "users", "%")));
        step("procedures", () -> read(meta.getProcedures(null, "public", "%")));
        step("functions", () -> {
            Table table = read(meta.getFunctions(null, "public", "%"));
            List<Object> names = new ArrayList<>();
            // The last column has the function's oid in its name.
            for (Object row : table.rows) names.add(((List<?>) row).subList(0, 5));
            table.rows = names;
            return table;
        });
        step("function columns", () -> {
            Table table = read(meta.getFunctionColumns(null, "public", "who_can", "%"));
            List<Object> names = new ArrayList<>();
            for (Object row : table.rows) names.add(((List<?>) row).subList(0, 16));
            table.rows = names;
            return table;
        });
        step("types", () -> {
            Table table = read(meta.getTypeInfo());
            table.rows.removeIf(row -> {
                String name = (String) ((List<?>) row).get(0);
                return name.startsWith("_") || !Set.of("bool", "int4", "text", "name", "numeric", "timestamptz", "oid", "json").contains(name);
            });
            return table;
        });
        step("user types", () -> read(meta.getUDTs(null, "public", "%", null)));
        step("client info", () -> read(meta.getClientInfoProperties()));
        step("sequences and super tables", () -> read(meta.getTables(null, "public", "%", new String[] {"SEQUENCE", "MATERIALIZED VIEW"})));

        step("query", () -> query("SELECT user_name, disabled, type FROM users ORDER BY user_name"));
        step("literals", () -> query("SELECT 1, 'x', NULL, 1.5, true, 1e3::float8, 10000000000"));
        step("types of values", () -> query("SELECT 1::int2, 1::int8, 1.5::float4, 1.50::numeric(10,2), 'a'::varchar(5), 'a'::name, 'a'::char(3),"
            + " '2024-02-29'::date, '12:34:56'::time, '2024-02-29 12:34:56'::timestamp, '1 day 02:03:04'::interval, 1::oid"));
        step("arrays", () -> query("SELECT ARRAY[1, 2], ARRAY['a', NULL], ARRAY[1.5], ARRAY[true]"));
        step("array objects", () -> {
            try (ResultSet set = connection.createStatement().executeQuery("SELECT ARRAY['a', 'b'], current_schemas(true)")) {
                set.next();
                return List.of(Arrays.asList((Object[]) set.getArray(1).getArray()), set.getArray(2).getBaseTypeName());
            }
        });
        step("parameters", () -> query("SELECT user_name FROM users WHERE user_name = ? AND disabled = ?", "MAIN", false));
        step("number parameters", () -> query("SELECT ?::int4 + 1, ?::int8, ?::numeric", 1, 2L, new java.math.BigDecimal("1.50")));
        step("limit parameter", () -> query("SELECT user_name FROM users ORDER BY 1 LIMIT ?", 1));
        step("array parameter", () -> query("SELECT user_name FROM users WHERE user_name = ANY(?) ORDER BY 1",
            connection.createArrayOf("text", new Object[] {"MAIN", "x"})));
        step("timestamp parameter", () -> query("SELECT count(*) FROM users WHERE created_on > ?", Timestamp.valueOf("2020-01-01 00:00:00")));
        step("null parameter", () -> query("SELECT user_name FROM users WHERE default_role IS NOT DISTINCT FROM ?", new Object[] {null}));
        step("prepared often", () -> {
            List<Object> all = new ArrayList<>();
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT 1::int4 AS a, 1.5::float8 AS b, 1.25::numeric AS c, timestamp '2024-02-29 12:34:56' AS d, true AS e, 'x' AS f WHERE ? = 1")) {
                for (int i = 0; i < 8; i++) {
                    statement.setInt(1, 1);
                    all.add(read(statement.executeQuery()).rows);
                }
            }
            return all;
        });
        step("parameter metadata", () -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT user_name FROM users WHERE user_name = ? LIMIT ?")) {
                ParameterMetaData data = statement.getParameterMetaData();
                return List.of(data.getParameterTypeName(1), data.getParameterTypeName(2));
            }
        });
        step("column metadata", () -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT user_name, created_on FROM users")) {
                ResultSetMetaData data = statement.getMetaData();
                return List.of(data.getTableName(1), data.getSchemaName(1), data.isNullable(1), data.isAutoIncrement(1), data.getColumnName(2));
            }
        });
        step("fetch size", () -> {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(2);
                return read(statement.executeQuery("SELECT n FROM generate_series(1, 7) AS g(n)"));
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        });
        step("savepoint", () -> {
            connection.setAutoCommit(false);
            try {
                Savepoint savepoint = connection.setSavepoint("a");
                try {
                    query("SELECT 1/0");
                } catch (SQLException error) {
                    connection.rollback(savepoint);
                }
                Object rows = query("SELECT 1").rows;
                connection.releaseSavepoint(savepoint);
                return rows;
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        });
        step("autosave", () -> {
            try (Connection other = DriverManager.getConnection(url(given, "&autosave=always"))) {
                other.setAutoCommit(false);
                try {
                    other.createStatement().executeQuery("SELECT 1/0");
                } catch (SQLException error) {
                    return read(other.createStatement().executeQuery("SELECT 2")).rows;
                }
                return null;
            }
        });
        step("several statements", () -> {
            List<Object> all = new ArrayList<>();
            try (Statement statement = connection.createStatement()) {
                boolean more = statement.execute("SELECT 1; SELECT 'a'; SHOW search_path");
                while (more) {
                    all.add(read(statement.getResultSet()).rows);
                    more = statement.getMoreResults();
                }
            }
            return all;
        });
        step("copy", () -> {
            StringWriter out = new StringWriter();
            long rows = connection.unwrap(org.postgresql.PGConnection.class).getCopyAPI()
                .copyOut("COPY (SELECT user_name FROM users ORDER BY 1) TO STDOUT", out);
            return List.of(rows, out.toString());
        });
        step("read only", () -> {
            connection.setReadOnly(true);
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setAutoCommit(false);
            try {
                return List.of(query("SHOW transaction_read_only").rows, query("SHOW transaction_isolation").rows);
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
                connection.setReadOnly(false);
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            }
        });
        step("query timeout", () -> {
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                return read(statement.executeQuery(LONG));
            }
        });
        step("after the timeout", () -> query("SELECT 1"));
        step("escapes", () -> query("SELECT {fn now()} IS NOT NULL, {d '2024-02-29'}, {ts '2024-02-29 12:34:56'}, {fn concat('a', 'b')}"));
        for (String sql : List.of("SELECT * FROM no_such", "SELECT no_such FROM users", "SELECT 1/0", "SELEC 1", "SELECT 'x'::int4",
                "INSERT INTO users (user_name) VALUES ('x')", "CREATE TABLE t (a int)", "UPDATE users SET comment = 'x'"))
            step(sql, () -> {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(sql);
                    return "done";
                }
            });
        step("primary only", () -> {
            try (Connection other = DriverManager.getConnection(url(given, "&targetServerType=primary"))) {
                return read(other.createStatement().executeQuery("SELECT 1")).rows;
            }
        });
        step("simple protocol", () -> {
            try (Connection other = DriverManager.getConnection(url(given, "&preferQueryMode=simple"))) {
                return read(other.createStatement().executeQuery("SELECT user_name FROM users ORDER BY 1"));
            }
        });
        step("options", () -> {
            try (Connection other = DriverManager.getConnection(url(given, "&options=-c%20statement_timeout=1234&currentSchema=public"))) {
                return read(other.createStatement().executeQuery("SHOW statement_timeout")).rows;
            }
        });
        connection.close();
    }
}
