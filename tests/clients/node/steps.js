// node: pg with cursors and streams, postgres.js, knex.
// usage: node steps.js URL MODULES

const { createRequire } = require("module");
const load = createRequire(process.argv[3] + "/node_modules/");
const pg = load("pg");
const Cursor = load("pg-cursor");
const QueryStream = load("pg-query-stream");
const postgres = load("postgres");
const knex = load("knex");
const url = process.argv[2];

function cell(value) {
  if (value instanceof Date) return "date " + value.toISOString();
  if (Buffer.isBuffer(value)) return "bytes " + value.toString("hex");
  if (Array.isArray(value)) return value.map(cell);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, cell(v)]));
  return typeof value === "bigint" ? "bigint " + value : value === undefined ? null : value;
}

async function step(name, work) {
  const line = { step: name };
  try {
    const result = await work();
    line.outcome = "ok";
    if (result && result.fields) {
      line.columns = result.fields.map((field) => [field.name, field.dataTypeID, field.dataTypeSize]);
      line.rows = cell(result.rows);
    } else {
      line.rows = cell(result);
    }
  } catch (error) {
    line.outcome = error.code || error.name;
    line.message = error.message;
  }
  console.log(JSON.stringify(line));
}

async function main() {
  const version = (name) => name + " " + load(name + "/package.json").version;
  console.log(JSON.stringify({ client: ["pg", "knex"].map(version).join(", ") + ", postgres 3.4.7" }));
  const client = new pg.Client({ connectionString: url, application_name: "steps" });
  await step("pg connect", async () => (await client.connect(), true));
  const query = (text, values) => client.query({ text, values, rowMode: "array" });
  for (const [name, text, values] of [
    ["users", "SELECT user_name, disabled FROM users ORDER BY user_name"],
    ["literals", "SELECT 1, 'x', NULL, 1.5, true, 1e3::float8, 10000000000"],
    ["names", "SELECT count(*), sum(1), coalesce(NULL, 1), upper('a'), 1 + 1, 'x'::text, CASE WHEN true THEN 1 END"],
    ["json", "SELECT '{\"a\": 1}'::json, '{\"a\": 1}'::jsonb, json_build_object('a', 1)"],
    ["arrays", "SELECT ARRAY[1, 2], ARRAY['a', NULL]"],
    ["dates", "SELECT '2024-02-29 12:34:56+00'::timestamptz, '1 day'::interval"],
    ["parameter", "SELECT user_name FROM users WHERE user_name = $1", ["MAIN"]],
    ["limit", "SELECT user_name FROM users ORDER BY 1 LIMIT $1 OFFSET $2", [1, 1]],
    ["any", "SELECT user_name FROM users WHERE user_name = ANY($1) ORDER BY 1", [["MAIN", "x"]]],
    ["number", "SELECT $1::int4 + 1, $2::numeric", [1, "1.50"]],
    ["boolean", "SELECT user_name FROM users WHERE disabled = $1 ORDER BY 1", [false]],
    ["since", "SELECT count(*) FROM users WHERE created_on > $1", [new Date(0)]],
    ["function", "SELECT user_name FROM who_can($1, $2) WHERE false", ["SELECT", "X.Y.Z"]],
    ["no such table", "SELECT * FROM no_such"],
    ["no such column", "SELECT no_such FROM users"],
    ["insert", "INSERT INTO users (user_name) VALUES ($1)", ["x"]],
    ["create", "CREATE TABLE t (a int)"],
    ["listen", "LISTEN x"],
  ]) await step("pg " + name, () => query(text, values));
  await step("pg named", async () => {
    const rows = [];
    for (let i = 0; i < 3; i++)
      rows.push((await client.query({ name: "n", text: "SELECT user_name FROM users WHERE user_name = $1", values: ["MAIN"], rowMode: "array" })).rows);
    return rows;
  });
  await step("pg several", async () => (await client.query("SELECT 1 AS a; SELECT 'x' AS b")).map((one) => one.rows));
  await step("pg cursor", async () => {
    const cursor = client.query(new Cursor("SELECT n FROM generate_series(1, 5) AS g(n)"));
    const rows = [await cursor.read(2), await cursor.read(2), await cursor.read(2)];
    await cursor.close();
    return rows;
  });
  await step("pg stream", async () => {
    const rows = [];
    for await (const row of client.query(new QueryStream("SELECT user_name FROM users ORDER BY 1", [], { batchSize: 1 }))) rows.push(row);
    return rows;
  });
  await step("pg transaction", async () => {
    await client.query("BEGIN");
    await client.query("SAVEPOINT a");
    await client.query("SELECT 1/0").catch(() => client.query("ROLLBACK TO a"));
    const found = await client.query("SELECT 1 AS a");
    await client.query("COMMIT");
    return found.rows;
  });
  await step("pg timeout", async () => {
    await client.query("SET statement_timeout = 300");
    try {
      await client.query("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c");
    } finally {
      await client.query("RESET statement_timeout");
    }
  });
  await client.end();
  await step("pg pool", async () => {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    try {
      const found = await Promise.all([1, 2, 3].map((n) => pool.query("SELECT $1::int4 AS n", [n])));
      return found.map((one) => one.rows[0].n);
    } finally {
      await pool.end();
    }
  });

  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: "steps" } });
  await step("postgres query", async () => [...await sql`SELECT user_name, disabled FROM users ORDER BY user_name`]);
  await step("postgres columns", async () => (await sql`SELECT user_name, disabled, created_on FROM users`).columns.map((c) => [c.name, c.type]));
  await step("postgres parameters", async () => [...await sql`SELECT user_name FROM users WHERE user_name = ${"MAIN"} LIMIT ${1}`]);
  await step("postgres list", async () => [...await sql`SELECT user_name FROM users WHERE user_name IN ${sql(["MAIN", "x"])}`]);
  await step("postgres any", async () => [...await sql`SELECT user_name FROM users WHERE user_name = ANY(${["MAIN", "x"]})`]);
  await step("postgres describe", async () => {
    const found = await sql`SELECT user_name FROM users WHERE disabled = ${false} AND created_on > ${new Date(0)}`.describe();
    return [found.types, found.columns.map((c) => [c.name, c.type])];
  });
  await step("postgres cursor", async () => {
    const rows = [];
    await sql`SELECT user_name FROM users ORDER BY 1`.cursor(2, (part) => { rows.push(part.map((row) => row.user_name)); });
    return rows;
  });
  await step("postgres begin", () => sql.begin(async (sql) => {
    await sql.savepoint((sql) => sql`SELECT 1/0`).catch((error) => error.code);
    return [...await sql`SELECT 1 AS a`];
  }));
  await step("postgres error", () => sql`SELECT * FROM no_such`);
  await step("postgres unsafe", async () => [...await sql.unsafe("SELECT 1 AS a; SELECT 2 AS b")]);
  await step("postgres cancel", async () => {
    const query = sql`SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c`;
    setTimeout(() => query.cancel(), 500);
    return query;
  });
  await sql.end();

  const db = knex({ client: "pg", connection: url, pool: { min: 0, max: 1 } });
  await step("knex select", () => db("users").select("user_name").where({ disabled: false }).orderBy("user_name").limit(2));
  await step("knex count", () => db("users").count("* as n").first());
  await step("knex columns", () => db("users").columnInfo());
  await step("knex has table", () => db.schema.hasTable("users"));
  await step("knex has column", () => db.schema.hasColumn("users", "user_name"));
  await step("knex first", () => db("users").where("user_name", "MAIN").first("user_name", "type"));
  await step("knex raw", async () => (await db.raw("SELECT ?::int4 AS a", [1])).rows);
  await step("knex insert", () => db("users").insert({ user_name: "x" }));
  await step("knex transaction", () => db.transaction(async (tx) => (await tx.raw("SELECT 1 AS a")).rows));
  await db.destroy();
}

main();
