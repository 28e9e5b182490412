// lib/pq and pgx: statements, parameters, prepared statements, arrays, contexts that end, transactions.
// usage: GO111MODULE=off GOPATH=/usr/share/gocode go run steps.go URL
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/lib/pq"
)

const long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c"

func cell(value interface{}) interface{} {
	switch v := value.(type) {
	case nil, bool, string, int16, int32, int64, float32, float64:
		return v
	case []byte:
		return "bytes " + string(v)
	case time.Time:
		return "time " + v.UTC().Format(time.RFC3339Nano)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	return fmt.Sprintf("%T %s", value, text)
}

type result struct {
	columns interface{}
	rows    interface{}
}

func step(name string, work func() (interface{}, error)) {
	line := map[string]interface{}{"step": name}
	found, err := work()
	var postgres *pq.Error
	var native *pgconn.PgError
	switch {
	case err == nil:
		line["outcome"] = "ok"
		if table, ok := found.(result); ok {
			line["columns"], line["rows"] = table.columns, table.rows
		} else {
			line["rows"] = found
		}
	case errors.As(err, &postgres):
		line["outcome"], line["message"] = string(postgres.Code), postgres.Message
	case errors.As(err, &native):
		line["outcome"], line["message"] = native.Code, native.Message
	case errors.Is(err, context.DeadlineExceeded):
		line["outcome"] = "deadline"
	default:
		line["outcome"], line["message"] = fmt.Sprintf("%T", err), err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func readAll(rows *sql.Rows, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	columns := []interface{}{}
	for _, one := range types {
		length, sized := one.Length()
		precision, scale, exact := one.DecimalSize()
		columns = append(columns, []interface{}{one.Name(), one.DatabaseTypeName(), length, sized, precision, scale, exact})
	}
	all := []interface{}{}
	for rows.Next() {
		values := make([]interface{}, len(types))
		places := make([]interface{}, len(types))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		for i := range values {
			values[i] = cell(values[i])
		}
		all = append(all, values)
	}
	return result{columns, all}, rows.Err()
}

func readNative(rows pgx.Rows, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := []interface{}{}
	for _, one := range rows.FieldDescriptions() {
		columns = append(columns, []interface{}{string(one.Name), one.DataTypeOID, one.DataTypeSize, one.TypeModifier, one.Format})
	}
	all := []interface{}{}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		for i := range values {
			values[i] = cell(values[i])
		}
		all = append(all, values)
	}
	return result{columns, all}, rows.Err()
}

type statement struct {
	name, sql string
	values    []interface{}
}

var statements = []statement{
	{"users", "SELECT user_name, disabled, type FROM users ORDER BY user_name", nil},
	{"literals", "SELECT 1, 'x', NULL, 1.5, true, 1e3::float8, 10000000000", nil},
	{"types", "SELECT 1::int2, 1::int8, 1.5::float4, 1.50::numeric(10,2), 'a'::varchar(5), 'a'::name, '2024-02-29'::date, '2024-02-29 12:34:56'::timestamp, '2024-02-29 12:34:56+00'::timestamptz, 1::oid", nil},
	{"parameter", "SELECT user_name FROM users WHERE user_name = $1", []interface{}{"MAIN"}},
	{"limit", "SELECT user_name FROM users ORDER BY 1 LIMIT $1 OFFSET $2", []interface{}{1, 1}},
	{"number", "SELECT $1::int4 + 1, $2::int8", []interface{}{1, 2}},
	{"boolean", "SELECT user_name FROM users WHERE disabled = $1 ORDER BY 1", []interface{}{false}},
	{"since", "SELECT count(*) FROM users WHERE created_on > $1", []interface{}{time.Unix(0, 0)}},
	{"function", "SELECT user_name FROM who_can($1, $2) WHERE false", []interface{}{"SELECT", "X.Y.Z"}},
	{"catalog", "SELECT oid, relname, relkind, relacl IS NULL FROM pg_class WHERE relname = 'pg_class'", nil},
	{"no such table", "SELECT * FROM no_such", nil},
	{"division by zero", "SELECT 1/0", nil},
	{"insert", "INSERT INTO users (user_name) VALUES ('x')", nil},
	{"create", "CREATE TABLE t (a int)", nil},
}

func main() {
	url := os.Args[1]
	fmt.Println(`{"client": "lib/pq, pgx 4"}`)
	background := context.Background()
	db, _ := sql.Open("postgres", url+"?sslmode=disable&application_name=steps")
	db.SetMaxOpenConns(1)
	step("pq connect", func() (interface{}, error) { return true, db.Ping() })
	for _, one := range statements {
		one := one
		step("pq "+one.name, func() (interface{}, error) { return readAll(db.Query(one.sql, one.values...)) })
	}
	step("pq array", func() (interface{}, error) {
		return readAll(db.Query("SELECT user_name FROM users WHERE user_name = ANY($1) ORDER BY 1", pq.Array([]string{"MAIN", "x"})))
	})
	step("pq prepared", func() (interface{}, error) {
		prepared, err := db.Prepare("SELECT user_name FROM users WHERE user_name = $1")
		if err != nil {
			return nil, err
		}
		defer prepared.Close()
		if _, err := readAll(prepared.Query("x")); err != nil {
			return nil, err
		}
		return readAll(prepared.Query("MAIN"))
	})
	step("pq transaction", func() (interface{}, error) {
		tx, err := db.BeginTx(background, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return nil, err
		}
		defer tx.Rollback()
		return readAll(tx.Query("SHOW transaction_isolation"))
	})
	step("pq context", func() (interface{}, error) {
		ctx, cancel := context.WithTimeout(background, 500*time.Millisecond)
		defer cancel()
		return readAll(db.QueryContext(ctx, long))
	})
	step("pq after it", func() (interface{}, error) { return readAll(db.Query("SELECT 1")) })
	db.Close()

	var conn *pgx.Conn
	step("pgx connect", func() (interface{}, error) {
		var err error
		conn, err = pgx.Connect(background, url)
		if err != nil {
			return nil, err
		}
		return []string{conn.PgConn().ParameterStatus("server_encoding"), conn.PgConn().ParameterStatus("TimeZone")}, nil
	})
	if conn == nil {
		return
	}
	for _, one := range statements {
		one := one
		step("pgx "+one.name, func() (interface{}, error) { return readNative(conn.Query(background, one.sql, one.values...)) })
	}
	step("pgx simple", func() (interface{}, error) {
		return readNative(conn.Query(background, "SELECT user_name FROM users WHERE user_name = $1", pgx.QuerySimpleProtocol(true), "MAIN"))
	})
	step("pgx array", func() (interface{}, error) {
		return readNative(conn.Query(background, "SELECT user_name FROM users WHERE user_name = ANY($1) ORDER BY 1", []string{"MAIN", "x"}))
	})
	step("pgx batch", func() (interface{}, error) {
		batch := &pgx.Batch{}
		batch.Queue("SELECT $1::int4", 1)
		batch.Queue("SELECT user_name FROM users ORDER BY 1 LIMIT 1")
		results := conn.SendBatch(background, batch)
		defer results.Close()
		first, err := readNative(results.Query())
		if err != nil {
			return nil, err
		}
		second, err := readNative(results.Query())
		if err != nil {
			return nil, err
		}
		return []interface{}{first.(result).rows, second.(result).rows}, nil
	})
	step("pgx nested", func() (interface{}, error) {
		tx, err := conn.Begin(background)
		if err != nil {
			return nil, err
		}
		defer tx.Rollback(background)
		inner, err := tx.Begin(background)
		if err != nil {
			return nil, err
		}
		if _, err := readNative(inner.Query(background, "SELECT 1/0")); err == nil {
			return "no error", nil
		}
		if err := inner.Rollback(background); err != nil {
			return nil, err
		}
		return readNative(tx.Query(background, "SELECT 1"))
	})
	step("pgx copy from", func() (interface{}, error) {
		return conn.CopyFrom(background, pgx.Identifier{"users"}, []string{"user_name"}, pgx.CopyFromRows([][]interface{}{{"x"}}))
	})
	step("pgx context", func() (interface{}, error) {
		ctx, cancel := context.WithTimeout(background, 500*time.Millisecond)
		defer cancel()
		return readNative(conn.Query(ctx, long))
	})
	conn.Close(background)
}
