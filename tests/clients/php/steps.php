<?php
// PHP: PDO with server side and emulated prepares, and the pgsql extension.
// usage: php steps.php URL

preg_match('~^postgresql://(\w+)@([\d.]+):(\d+)/(\w+)~', $argv[1], $part);
[, $user, $host, $port, $database] = $part;

function step(string $name, callable $work): void {
    $line = ['step' => $name];
    try {
        $result = $work();
        $line['outcome'] = 'ok';
        if (is_array($result) && isset($result['columns'])) {
            $line += $result;
        } else {
            $line['rows'] = $result;
        }
    } catch (PDOException $error) {
        $line['outcome'] = $error->errorInfo[0] ?? (string) $error->getCode();
        $line['message'] = $error->getMessage();
    } catch (Throwable $error) {
        $line['outcome'] = get_class($error);
        $line['message'] = $error->getMessage();
    }
    echo json_encode($line), "\n";
}

$db = null;
function read(PDOStatement $statement): array {
    $columns = [];
    for ($i = 0; $i < $statement->columnCount(); $i++) {
        $meta = $statement->getColumnMeta($i);
        $columns[] = [$meta['name'], $meta['native_type'], $meta['pgsql:oid'], $meta['len'], $meta['precision']];
    }
    return ['columns' => $columns, 'rows' => $statement->fetchAll(PDO::FETCH_NUM)];
}
function query(string $sql, array $values = [], array $options = []): array {
    global $db;
    $statement = $db->prepare($sql, $options);
    $statement->execute($values);
    return read($statement);
}

echo json_encode(['client' => 'PHP PDO_PGSQL ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION]), "\n";
step('connect', function () use (&$db, $host, $port, $database, $user) {
    $db = new PDO("pgsql:host=$host;port=$port;dbname=$database;user=$user;application_name=steps");
    $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    return $db->inTransaction();
});
step('users', fn () => query('SELECT user_name, disabled, type FROM users ORDER BY user_name'));
step('literals', fn () => query("SELECT 1, 'x', NULL, 1.5, true, 10000000000, 'a'::varchar(5)"));
step('placeholder', fn () => query('SELECT user_name FROM users WHERE user_name = ?', ['MAIN']));
step('named placeholder', fn () => query('SELECT user_name FROM users WHERE user_name = :n', [':n' => 'MAIN']));
step('emulated', fn () => query('SELECT user_name FROM users WHERE user_name = ?', ['MAIN'], [PDO::ATTR_EMULATE_PREPARES => true]));
step('limit', fn () => query('SELECT user_name FROM users ORDER BY 1 LIMIT ?', [1]));
step('column of a table', fn () => $db->query('SELECT user_name FROM users')->getColumnMeta(0)['table'] ?? null);
step('scroll', function () use (&$db) {
    $statement = $db->prepare('SELECT user_name FROM users ORDER BY 1', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $statement->execute();
    $rows = [];
    foreach ([PDO::FETCH_ORI_NEXT, PDO::FETCH_ORI_NEXT, PDO::FETCH_ORI_PRIOR, PDO::FETCH_ORI_LAST, PDO::FETCH_ORI_FIRST] as $where) {
        $rows[] = $statement->fetch(PDO::FETCH_NUM, $where);
    }
    return $rows;
});
step('copy', fn () => array_map('trim', $db->pgsqlCopyToArray('users', ',', '\\N', 'user_name')));
step('transaction', function () use (&$db) {
    $db->beginTransaction();
    $rows = query('SELECT 1')['rows'];
    $db->commit();
    return $rows;
});
step('no such table', fn () => query('SELECT * FROM no_such'));
step('division by zero', fn () => query('SELECT 1/0'));
step('insert', fn () => $db->exec("INSERT INTO users (user_name) VALUES ('x')"));
step('create', fn () => $db->exec('CREATE TABLE t (a int)'));

$pg = pg_connect("host=$host port=$port dbname=$database user=$user");
step('pg_query_params', fn () => pg_fetch_all(pg_query_params($pg, 'SELECT user_name FROM users WHERE user_name = $1', ['MAIN'])));
step('pg_prepare', function () use ($pg) {
    pg_prepare($pg, 'p', 'SELECT $1::int4 + 1 AS a');
    return pg_fetch_all(pg_execute($pg, 'p', [1]));
});
step('pg_meta_data', fn () => pg_meta_data($pg, 'users'));
step('pg_select', fn () => pg_select($pg, 'users', ['user_name' => 'MAIN'])[0]['user_name'] ?? null);
step('pg_field_type', fn () => pg_field_type(pg_query($pg, 'SELECT user_name, disabled FROM users'), 1));
step('pg_field_table', fn () => pg_field_table(pg_query($pg, 'SELECT user_name FROM users'), 0));
step('pg_copy_to', fn () => count(pg_copy_to($pg, 'users')));
step('pg_version', fn () => explode('.', pg_version($pg)['server'])[0]);
step('pg_parameter_status', fn () => [pg_parameter_status($pg, 'server_encoding'), pg_parameter_status($pg, 'TimeZone')]);
