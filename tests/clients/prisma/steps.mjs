// Prisma: the schema engine of `prisma db pull` as WebAssembly, with every statement that it sends, and the generated client.
// usage: node steps.mjs URL MODULES

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const url = process.argv[2];
const home = process.argv[3];
const load = createRequire(home + "/node_modules/");
const pg = load("pg");
const { PrismaPg } = load("@prisma/adapter-pg");
const { bindMigrationAwareSqlAdapterFactory } = load("@prisma/driver-adapter-utils");
const { PrismaClient, Prisma } = load(home + "/client");

function cell(value) {
  if (value instanceof Date) return "date " + value.toISOString();
  if (value instanceof Uint8Array) return "bytes " + Buffer.from(value).toString("hex");
  if (Prisma.Decimal.isDecimal(value)) return "decimal " + value;
  if (Array.isArray(value)) return value.map(cell);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, cell(v)]));
  return typeof value === "bigint" ? "bigint " + value : value === undefined ? null : value;
}

// The SQLSTATE, which the adapter wraps.
function stateOf(error) {
  const text = JSON.stringify([error.meta, error.cause]) + error.message;
  return (/"originalCode":"(\w{5})"/.exec(text) ?? /Code: `(\w{5})`/.exec(text) ?? [])[1] ?? error.code ?? error.name;
}

async function step(name, work) {
  const line = { step: name };
  try {
    const result = await work();
    line.outcome = "ok";
    line.columns = result?.columns;
    line.rows = cell(result?.columns ? result.rows : result);
  } catch (error) {
    line.outcome = stateOf(error);
    line.class = error.code ?? error.name;
    line.message = error.message;
  }
  console.log(JSON.stringify(line));
}

const byText = (rows) => rows.map((row) => JSON.stringify(row)).sort().map((text) => JSON.parse(text));
// The release differs.
const plain = (text) => text.replace(/^PostgreSQL (\d+)\..*/, "PostgreSQL $1");

// What was sent since the last step, with what came back; the engine's own steps would hide it.
let sent = [];

class Recorder extends pg.Client {
  constructor(options) {
    super(options);
    this.connection.prependListener("rowDescription", (message) => {
      this.described = message.fields.map((field) => [field.name, field.dataTypeID, field.dataTypeModifier]);
      // The adapter knows no "char", which the engine's own driver does.
      for (const field of message.fields) if (field.dataTypeID === 18) field.dataTypeID = 1042;
    });
  }

  query(config, values, callback) {
    const done = typeof values === "function" ? values : callback;
    const record = { sql: (config.text ?? config).trim() };
    sent.push(record);
    const told = (error, result) => {
      record.error = error;
      record.columns = this.described;
      record.rows = result?.rows;
      this.described = undefined;
      done?.(error, result);
    };
    return super.query(config, typeof values === "function" ? undefined : values, told);
  }
}

// Values that are each server's own: of these it only counts whether they are there.
const OWN = ["numeric_version", "view_sql", "definition", "con_id"];

// A statement by its number and the first relation that it reads.
const label = ({ sql }, index) => `${index + 1}: ${(/\bFROM\s+([a-z_.]+)/i.exec(sql) ?? [])[1] ?? sql.split(/\s/)[0]}`;

// A step for each statement.
async function sentSteps(prefix) {
  const records = sent;
  sent = [];
  for (const [index, { sql, error, columns, rows }] of records.entries()) {
    await step(`${prefix} ${label({ sql }, index)}`, async () => {
      if (error) throw error;
      const own = columns.map(([name]) => OWN.includes(name));
      const cells = (row) => row.map((value, i) => (own[i] ? value !== null : typeof value === "string" ? plain(value) : value));
      return { columns, rows: byText(rows.map((row) => cell(cells(row)))) };
    });
  }
}

// One step for all statements, where the first error decides what comes next.
async function outcomesStep(prefix) {
  const records = sent;
  sent = [];
  await step(`${prefix}: statements`, async () => records.map((record, index) => [label(record, index), record.error?.code ?? "ok"]));
}

const HEAD = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["views"]
}

datasource db {
  provider = "postgresql"
`;

const glue = await import(home + "/node_modules/@prisma/schema-engine-wasm/schema_engine_bg.js");
const wasm = readFileSync(home + "/node_modules/@prisma/schema-engine-wasm/schema_engine_bg.wasm");
const { instance } = await WebAssembly.instantiate(wasm, { "./schema_engine_bg.js": glue });
glue.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

async function engine(model) {
  const pool = new pg.Pool({ connectionString: url, Client: Recorder, max: 1 });
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
  const files = [{ path: "/schema.prisma", content: model }];
  const engine = await glue.SchemaEngine.new({ datamodels: files.map((file) => [file.path, file.content]) }, () => {}, adapter);
  return { engine, schema: { files }, end: () => pool.end() };
}

// The blocks of a schema and the lines of its warnings, in an order of their own: the statements leave it open.
async function pull({ engine, schema }, namespaces) {
  const params = { schema, baseDirectoryPath: "/", force: true, compositeTypeDepth: -1, namespaces };
  const pulled = await engine.introspect(params);
  const blocks = pulled.schema.files.flatMap((file) => file.content.trim().split(/\n\n+/).map((block) => block.split("\n")));
  const views = (pulled.views ?? []).map((view) => [view.schema, view.name]);
  return { columns: [], rows: [...byText(blocks), (pulled.warnings ?? "").split("\n").sort(), byText(views)] };
}

async function engineSteps() {
  const filters = { externalTables: [], externalEnums: [] };
  const history = { baseDir: "/migrations", lockfile: { path: "migration_lock.toml", content: null }, shadowDbInitScript: "" };
  const migration = { path: "1_first", migrationFile: { path: "migration.sql", content: { tag: "ok", value: "CREATE TABLE t (a int4);" } } };
  const pulled = await engine(HEAD + "}\n");
  await step("version", async () => plain(await pulled.engine.version(null)));
  await step("db pull", () => pull(pulled, null));
  await sentSteps("db pull");
  await step("db execute", () => pulled.engine.dbExecute({ datasourceType: { tag: "schema", ...pulled.schema, configDir: "/" }, script: "SELECT 1; SELECT 2" }));
  await step("db execute create", () => pulled.engine.dbExecute({ datasourceType: { tag: "schema", ...pulled.schema, configDir: "/" }, script: "CREATE TABLE t (a int4)" }));
  await outcomesStep("db execute");
  const diff = { script: true, exitCode: null, filters, shadowDatabaseUrl: null };
  await step("migrate diff", async () => {
    const script = await pulled.engine.diff({ ...diff, from: { tag: "schemaDatasource", ...pulled.schema, configDir: "/" }, to: { tag: "empty" } });
    return [script.exitCode, script.stdout];
  });
  await outcomesStep("migrate diff");
  const status = { migrationsList: { ...history, migrationDirectories: [migration] }, filters };
  await step("migrate status", () => pulled.engine.diagnoseMigrationHistory({ ...status, optInToShadowDatabase: false }));
  await outcomesStep("migrate status");
  await step("migrate deploy", () => pulled.engine.applyMigrations(status));
  await outcomesStep("migrate deploy");
  const table = HEAD + "}\n\nmodel pushed {\n  id Int @id\n}\n";
  await step("db push", () => pulled.engine.schemaPush({ schema: { files: [{ path: "/schema.prisma", content: table }] }, force: false, filters }));
  await outcomesStep("db push");
  await pulled.end();

  const several = await engine(HEAD + '  schemas  = ["information_schema", "public"]\n}\n');
  await step("db pull of two schemas", () => pull(several, null));
  await sentSteps("db pull of two schemas");
  await several.end();
}

async function clientSteps() {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 2 }) });
  const { users, roles, role_grants, privilege_catalog, no_such } = prisma;
  const raw = async (sql, ...values) => prisma.$queryRawUnsafe(sql, ...values);
  await step("client connect", () => prisma.$connect());
  for (const [name, work] of [
    ["find many", () => users.findMany({ orderBy: { user_name: "asc" } })],
    ["find unique", () => users.findUnique({ where: { user_name: "MAIN" } })],
    ["find unique or throw", () => users.findUniqueOrThrow({ where: { user_name: "x" } })],
    ["find first", () => users.findFirst({ where: { disabled: false }, orderBy: { user_name: "desc" }, select: { user_name: true } })],
    ["equals null", () => users.findMany({ where: { default_role: null }, select: { user_name: true } })],
    ["in", () => users.findMany({ where: { user_name: { in: ["MAIN", "x"] } }, select: { type: true } })],
    ["not in", () => users.count({ where: { user_name: { notIn: ["MAIN", "x"] } } })],
    ["contains", () => users.findMany({ where: { user_name: { contains: "AI" } }, select: { user_name: true } })],
    ["starts with, any case", () => users.findMany({ where: { user_name: { startsWith: "ma", mode: "insensitive" } }, select: { user_name: true } })],
    ["equals, any case", () => users.findMany({ where: { user_name: { equals: "main", mode: "insensitive" } }, select: { user_name: true } })],
    ["or and not", () => users.findMany({ where: { OR: [{ user_name: "MAIN" }, { NOT: { type: "PERSON" } }] }, orderBy: { user_name: "asc" }, select: { user_name: true } })],
    ["since", () => users.count({ where: { created_on: { gt: new Date(0), lt: new Date("2100-01-01") } } })],
    ["skip and take", () => roles.findMany({ skip: 1, take: 2, orderBy: [{ role_type: "desc" }, { role_name: "asc" }], select: { role_name: true } })],
    ["take from the end", () => roles.findMany({ take: -2, orderBy: { role_name: "asc" }, select: { role_name: true } })],
    ["cursor", () => roles.findMany({ cursor: { role_name: "PUBLIC" }, skip: 1, take: 2, orderBy: { role_name: "asc" }, select: { role_name: true } })],
    ["distinct", () => roles.findMany({ distinct: ["role_type"], orderBy: { role_type: "asc" }, select: { role_type: true } })],
    ["nulls first", () => users.findMany({ orderBy: [{ default_role: { sort: "asc", nulls: "first" } }, { user_name: "asc" }], select: { default_role: true } })],
    ["count", () => users.count()],
    ["count of columns", () => users.count({ select: { _all: true, default_role: true } })],
    ["aggregate", () => roles.aggregate({ _count: true, _sum: { granted_to_users: true }, _avg: { granted_to_users: true }, _min: { role_name: true }, _max: { granted_to_users: true } })],
    ["group by", () => roles.groupBy({ by: ["role_type"], _count: { _all: true }, _sum: { granted_to_users: true }, orderBy: { role_type: "asc" } })],
    ["group by having", () => roles.groupBy({ by: ["role_type"], _count: { role_name: true }, having: { role_name: { _count: { gt: 17 } } }, orderBy: { _count: { role_name: "desc" } } })],
    ["bigint", () => roles.findMany({ where: { granted_to_users: { gte: 2n } }, orderBy: { role_name: "asc" }, select: { role_name: true, granted_to_users: true } })],
    ["include by join", () => roles.findMany({ relationLoadStrategy: "join", where: { role_name: { in: ["DEVELOPER_ROLE", "PUBLIC"] } }, include: { grants: { orderBy: [{ granted_to: "asc" }, { grantee: "asc" }] } }, omit: { created_on: true }, orderBy: { role_name: "asc" } })],
    ["include by query", () => roles.findMany({ relationLoadStrategy: "query", where: { role_name: { in: ["DEVELOPER_ROLE", "PUBLIC"] } }, include: { grants: { orderBy: [{ granted_to: "asc" }, { grantee: "asc" }] } }, omit: { created_on: true }, orderBy: { role_name: "asc" } })],
    ["include the one", () => role_grants.findMany({ relationLoadStrategy: "join", where: { grantee: "MAIN" }, include: { role: { select: { role_type: true, under_sysadmin: true } } }, orderBy: { role_name: "asc" } })],
    ["relation filter", () => roles.findMany({ where: { grants: { some: { grantee: "MAIN" }, none: { grantee: "ACCOUNTADMIN" } } }, orderBy: { role_name: "asc" }, select: { role_name: true } })],
    ["relation count", () => roles.findMany({ take: 3, orderBy: [{ grants: { _count: "desc" } }, { role_name: "asc" }], select: { role_name: true, _count: { select: { grants: true } } } })],
    ["order by a relation", () => role_grants.findMany({ take: 3, orderBy: [{ role: { role_type: "asc" } }, { role_name: "asc" }, { grantee: "asc" }], select: { role_name: true, grantee: true } })],
    ["composite unique", () => role_grants.findUnique({ where: { role_name_granted_to_grantee: { role_name: "SYSADMIN", granted_to: "ROLE", grantee: "ACCOUNTADMIN" } } })],
    ["list", () => privilege_catalog.findFirst({ where: { grant_types: { has: "INDIVIDUAL" } }, orderBy: [{ object_type: "asc" }, { privilege: "asc" }] })],
    ["list has every", () => privilege_catalog.count({ where: { grant_types: { hasEvery: ["INDIVIDUAL", "FUTURE"] } } })],
    ["list has some", () => privilege_catalog.count({ where: { grant_types: { hasSome: ["x", "FUTURE"] } } })],
    ["list is empty", () => privilege_catalog.count({ where: { grant_types: { isEmpty: true } } })],
    ["fields compared", () => users.count({ where: { user_name: { equals: prisma.users.fields.default_role } } })],
    ["no such view", () => no_such.findMany()],
    ["raw", () => prisma.$queryRaw`SELECT user_name, disabled, created_on FROM users WHERE user_name = ${"MAIN"} AND disabled = ${false}`],
    ["raw list", () => prisma.$queryRaw`SELECT user_name FROM users WHERE user_name IN (${Prisma.join(["MAIN", "x"])})`],
    ["raw any", () => prisma.$queryRaw`SELECT user_name FROM users WHERE user_name = ANY(${["MAIN", "x"]})`],
    ["raw limit", () => prisma.$queryRaw`SELECT user_name FROM users ORDER BY 1 LIMIT ${1} OFFSET ${1}`],
    ["raw since", () => prisma.$queryRaw`SELECT count(*) FROM users WHERE created_on > ${new Date(0)}`],
    ["raw parameters", () => prisma.$queryRaw`SELECT ${1}::int4 AS i, ${2n}::int8 AS b, ${1.5}::float8 AS f, ${new Prisma.Decimal("1.50")}::numeric AS d, ${"x"}::text AS t, ${true}::bool AS o, ${new Uint8Array([1, 255])}::bytea AS y, ${{ a: [1] }}::jsonb AS j, ${null}::text AS n, ${[1, 2]}::int4[] AS l`],
    ["raw types", () => raw("SELECT 1::int2 AS i2, 1::int4 AS i4, 1::int8 AS i8, 1.5::float4 AS f4, 1.5::float8 AS f8, 1.50::numeric(10,2) AS n, 'a'::varchar AS v, 'a'::bpchar AS c, '2024-02-29'::date AS d, '12:34:56'::time AS t, '2024-02-29 12:34:56'::timestamp AS ts, '2024-02-29 12:34:56+00'::timestamptz AS tz, true AS b, '{\"a\": 1}'::json AS j, '\\x01ff'::bytea AS y, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, 1::oid AS o, 'a'::name AS m")],
    ["raw arrays", () => raw("SELECT ARRAY[1, 2] AS i, ARRAY['a', 'b'] AS t, ARRAY[1.5, 2] AS n, ARRAY[true] AS b, ARRAY[10000000000] AS l, ARRAY['2024-02-29'::date] AS d")],
    ["raw of an unknown type", () => raw("SELECT '1 day'::interval AS a")],
    ["raw same names", () => raw("SELECT 1 AS a, 2 AS a")],
    ["raw function", () => raw("SELECT user_name FROM who_can($1, $2) WHERE false", "SELECT", "X.Y.Z")],
    ["raw no such table", () => raw("SELECT * FROM no_such_table")],
    ["raw no such column", () => raw("SELECT no_such_column FROM users")],
    ["raw syntax", () => raw("SELEC 1")],
    ["raw division by zero", () => raw("SELECT 1 / 0")],
    ["raw bad number", () => raw("SELECT $1::int4", "x")],
    ["raw several", () => raw("SELECT 1; SELECT 2")],
    ["execute", () => prisma.$executeRaw`SET application_name = 'steps'`],
    ["execute select", () => prisma.$executeRaw`SELECT user_name FROM users`],
    ["execute insert", () => prisma.$executeRaw`INSERT INTO users (user_name) VALUES (${"x"})`],
    ["execute create", () => prisma.$executeRaw`CREATE TABLE t (a int4)`],
    ["transaction of several", () => prisma.$transaction([users.count(), prisma.$queryRaw`SELECT 1 AS a`])],
    ["transaction of several, serializable", () => prisma.$transaction([prisma.$queryRaw`SHOW transaction_isolation`], { isolationLevel: "Serializable" })],
    ["transaction that fails", () => prisma.$transaction([users.count(), prisma.$queryRaw`SELECT 1 / 0`, users.count()])],
    ["transaction", () => prisma.$transaction(async (tx) => [await tx.users.count(), await tx.$queryRaw`SELECT 1 AS a`], { isolationLevel: "RepeatableRead" })],
    ["transaction broken", () => prisma.$transaction(async (tx) => {
      const code = await tx.$queryRaw`SELECT 1 / 0`.catch(stateOf);
      return [code, await tx.users.count().catch(stateOf)];
    })],
    ["transaction rolled back", () => prisma.$transaction(async (tx) => { await tx.users.count(); throw new Error("enough"); })],
    ["transaction too long", () => prisma.$transaction(async (tx) => { await tx.users.count(); await new Promise((done) => setTimeout(done, 400)); return tx.users.count(); }, { timeout: 200 })],
    ["at once", () => Promise.all([1, 2, 3, 4].map((n) => prisma.$queryRaw`SELECT ${n}::int4 AS n`))],
  ]) await step("client " + name, work);
  await prisma.$disconnect();
  const nowhere = new PrismaClient({ adapter: new PrismaPg({ connectionString: url.replace(/[^/]*$/, "no_such_database") }) });
  await step("client no such database", () => nowhere.users.count());
  await nowhere.$disconnect();
}

const released = (name) => name + " " + JSON.parse(readFileSync(`${home}/node_modules/${name}/package.json`)).version;
console.log(JSON.stringify({ client: released("prisma") }));
await engineSteps();
await clientSteps();
