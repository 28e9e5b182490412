# Ruby's pg: queries, type maps, prepared statements, COPY, single row mode, transactions, cancelling.
# usage: ruby steps.rb URL
require "pg"
require "json"

$stdout.sync = true

def step(name)
  line = { step: name }
  begin
    result = yield
    line[:outcome] = "ok"
    if result.is_a?(PG::Result)
      line[:columns] = result.fields.each_with_index.map { |field, n| [field, result.ftype(n), result.fmod(n), result.fsize(n)] }
      line[:rows] = result.values.map { |row| row.map { |value| value&.valid_encoding? == false ? value.unpack1("H*") : value } }
    else
      line[:rows] = result
    end
  rescue PG::Error => error
    line[:outcome] = error.result&.error_field(PG::PG_DIAG_SQLSTATE) || error.class.name
    line[:class] = error.class.name
    line[:message] = error.message
  rescue StandardError => error
    line[:outcome] = error.class.name
    line[:message] = error.message
  end
  puts JSON.generate(line)
end

url = ARGV[0]
db = nil
puts JSON.generate(client: "ruby-pg #{PG::VERSION}")
step("connect") do
  db = PG.connect(url)
  [db.server_version / 10_000, db.db, db.user, db.transaction_status, db.parameter_status("DateStyle")]
end
step("users") { db.exec("SELECT user_name, disabled, type FROM users ORDER BY user_name") }
step("literals") { db.exec("SELECT 1, 'x', NULL, 1.5, true, 10000000000, 'a'::varchar(5), 'a'::char(3), 1.50::numeric(10,2)") }
step("parameter") { db.exec_params("SELECT user_name FROM users WHERE user_name = $1", ["MAIN"]) }
step("binary") { db.exec_params("SELECT 1::int4, 'x'::text, 1.5::float8, true", [], 1).values.map { |row| row.map { |value| value.unpack1("H*") } } }
step("prepared") do
  db.prepare("p", "SELECT user_name FROM users ORDER BY 1 LIMIT $1")
  db.exec_prepared("p", [1])
end
step("describe") do
  found = db.describe_prepared("p")
  [found.nparams, found.paramtype(0), found.fields]
end
step("type map") do
  db.type_map_for_results = PG::BasicTypeMapForResults.new(db)
  db.exec("SELECT 1, 1.5, true, '2024-02-29'::date, '2024-02-29 12:34:56+00'::timestamptz, ARRAY[1, 2]").values.to_s
end
db.type_map_for_results = PG::TypeMapAllStrings.new
step("single row") do
  db.send_query("SELECT user_name FROM users ORDER BY 1")
  db.set_single_row_mode
  db.get_result.stream_each_row.to_a
end
db = PG.connect(url)
step("copy") do
  lines = []
  db.copy_data("COPY (SELECT user_name FROM users ORDER BY 1) TO STDOUT") do
    while (line = db.get_copy_data)
      lines << line
    end
  end
  lines
end
step("transaction") { db.transaction { |c| c.exec("SELECT 1").values } }
step("failed transaction") { db.transaction { |c| c.exec("SELECT 1/0") } }
step("after it") { db.exec("SELECT 1") }
step("pipeline") do
  db.enter_pipeline_mode
  db.send_query_params("SELECT $1::int4", [1])
  db.send_query_params("SELECT $1::int4", [2])
  db.pipeline_sync
  values = [db.get_result.values]
  db.get_result
  values << db.get_result.values
  db.get_result
  db.get_result
  db.exit_pipeline_mode
  values
end
step("cancel") do
  Thread.new { sleep 0.5; db.cancel }
  db.exec("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c")
end
step("no such table") { db.exec("SELECT * FROM no_such") }
step("insert") { db.exec("INSERT INTO users (user_name) VALUES ('x')") }
step("create") { db.exec("CREATE TABLE t (a int)") }
step("ftable") { db.exec("SELECT user_name FROM users").ftable(0) > 0 }
step("reset") { db.reset; db.exec("SELECT 1") }
