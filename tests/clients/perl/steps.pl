# DBD::Pg: queries, placeholders, catalog calls, COPY, savepoints, errors.
# usage: perl steps.pl URL
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:pg_types :async);
use JSON::PP;

$| = 1;
my ($user, $host, $port, $database) = $ARGV[0] =~ m{^postgresql://(\w+)@([\d.]+):(\d+)/(\w+)};
my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $db;

sub step {
    my ($name, $work) = @_;
    my %line = (step => $name);
    my $result = eval { $work->() };
    if ($@) {
        $line{outcome} = ($db && $db->state) || "died";
        $line{message} = "$@";
    } else {
        $line{outcome} = "ok";
        $line{columns} = $result->{columns} if ref $result eq "HASH" && $result->{columns};
        $line{rows} = ref $result eq "HASH" && $result->{columns} ? $result->{rows} : $result;
    }
    print $json->encode(\%line), "\n";
}

sub read_all {
    my ($statement) = @_;
    my @types = map { "$_" } @{ $statement->{pg_type} || [] };
    my @columns = map { [ $statement->{NAME}[$_], $types[$_] ] } 0 .. $#{ $statement->{NAME} };
    my $rows = [ map { [ map { defined $_ && !ref $_ ? "$_" : $_ } @$_ ] } @{ $statement->fetchall_arrayref } ];
    return { columns => \@columns, rows => $rows };
}

sub query {
    my ($sql, @values) = @_;
    my $statement = $db->prepare($sql);
    $statement->execute(@values);
    return read_all($statement);
}

print $json->encode({ client => "DBD::Pg $DBD::Pg::VERSION" }), "\n";
step("connect", sub {
    $db = DBI->connect("dbi:Pg:dbname=$database;host=$host;port=$port;application_name=steps", $user, "",
        { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
    return [ int($db->{pg_server_version} / 10000), $db->{pg_db}, $db->ping ];
});
step("users", sub { query("SELECT user_name, disabled, type FROM users ORDER BY user_name") });
step("literals", sub { query("SELECT 1, 'x', NULL, 1.5, true, 10000000000") });
step("placeholder", sub { query("SELECT user_name FROM users WHERE user_name = ?", "MAIN") });
step("limit", sub { query("SELECT user_name FROM users ORDER BY 1 LIMIT ?", 1) });
step("array", sub { query("SELECT user_name FROM users WHERE user_name = ANY(?) ORDER BY 1", [ "MAIN", "x" ]) });
step("arrays", sub { query("SELECT ARRAY[1, 2], ARRAY['a', NULL]") });
step("tables", sub { my $r = read_all($db->table_info(undef, "public", "%", undef)); $r });
step("columns", sub { my $r = read_all($db->column_info(undef, "public", "users", "%")); $r });
step("primary key", sub { my $s = $db->primary_key_info(undef, "public", "users"); $s ? read_all($s) : undef });
step("foreign keys", sub { my $s = $db->foreign_key_info(undef, "public", "users", undef, undef, undef); $s ? read_all($s) : undef });
step("statistics", sub { my $s = $db->statistics_info(undef, "public", "users", 0, 0); $s ? read_all($s) : undef });
step("table names", sub { [ sort $db->tables(undef, "public", "%", "VIEW") ] });
step("type info", sub { [ map { [ $_->{TYPE_NAME}, $_->{DATA_TYPE} ] } $db->type_info ] });
step("data sources", sub { [ map { s/port=\d+/port=PORT/r } $db->data_sources ] });
step("copy", sub {
    $db->do("COPY (SELECT user_name FROM users ORDER BY 1) TO STDOUT");
    my @lines;
    my $line = "";
    push @lines, $line while $db->pg_getcopydata($line) >= 0;
    return \@lines;
});
step("savepoint", sub {
    $db->begin_work;
    $db->pg_savepoint("a");
    eval { $db->do("SELECT 1/0") };
    $db->pg_rollback_to("a");
    my $rows = query("SELECT 1")->{rows};
    $db->commit;
    return $rows;
});
step("cursor", sub {
    $db->begin_work;
    $db->do("DECLARE c CURSOR FOR SELECT user_name FROM users ORDER BY 1");
    my $rows = [ query("FETCH 2 FROM c")->{rows}, query("FETCH ALL FROM c")->{rows} ];
    $db->commit;
    return $rows;
});
step("async", sub {
    $db->do("SELECT 1", { pg_async => PG_ASYNC });
    return $db->pg_result;
});
step("no such table", sub { query("SELECT * FROM no_such") });
step("division by zero", sub { query("SELECT 1/0") });
step("insert", sub { $db->do("INSERT INTO users (user_name) VALUES (?)", undef, "x") });
step("create", sub { $db->do("CREATE TABLE t (a int)") });
$db->disconnect;
