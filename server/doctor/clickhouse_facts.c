/* The statements. See clickhouse_facts.h. */
#include "server/doctor/clickhouse_facts.h"

#include <stddef.h>

/* Of engine_full, as in Distributed('cluster', 'database', 'table', …) or Buffer('database', 'table', …). */
#define ARGUMENTS                                                                                                      \
  "arrayMap(a -> trim(BOTH ' \\'`\")' FROM a), splitByChar(',', extract(engine_full, '^[A-Za-z]+[(](.*)')))"
#define NAMED "system.tables WHERE database = {database:String} AND name = {table:String}"
/* The table that the URL names, and the one below it where that is a Distributed table; of '' any database. */
#define OURS                                                                                                           \
  "(SELECT arrayConcat([({database:String}, {table:String})], groupArray((args[2], args[3]))) FROM (SELECT " ARGUMENTS \
  " AS args FROM " NAMED " AND engine = 'Distributed'))"
#define IS_OURS(DATABASE, TABLE) "arrayExists(o -> o.2 = " TABLE " AND (o.1 = '' OR o.1 = " DATABASE "), " OURS ")"
/* BeTrace calls the newest 10 s unsettled over any ClickHouse. */
#define HIDDEN "10"
#define END    " FORMAT RowBinary"

const char bt_clickhouse_sees_tables_sql[] = "CHECK GRANT SHOW TABLES ON *.*";

static const char limits_sql[] =
    "SELECT toUInt8(1), concat(name, ' ', value), '' FROM system.settings WHERE name IN ('max_execution_time', "
    "'max_memory_usage', 'max_rows_to_read', 'max_bytes_to_read', 'max_result_rows', 'max_result_bytes', "
    "'max_rows_to_group_by', 'max_concurrent_queries_for_user') AND value NOT IN ('0', '') ORDER BY name" END;

static const char engine_sql[] =
    "SELECT toUInt8(multiIf(match(engine, '(Replacing|Summing|Aggregating|Collapsing)') OR engine = 'Null', 3, "
    "engine IN ('Distributed', 'Buffer') OR match(engine, '^(Replicated|Shared)?MergeTree$'), 1, 2)), "
    "if(engine = 'Distributed', concat('Distributed over ', " ARGUMENTS "[1]), engine), '' FROM " NAMED END;

static const char shards_sql[] =
    "SELECT toUInt8(1), concat(toString(count()), ' rows'), '' FROM {database:Identifier}.{table:Identifier}" END;

static const char errors_sql[] =
    "SELECT toUInt8(3), concat(toString(errors_count), ' errors'), concat('shard ', toString(shard_num), ', replica ', "
    "toString(replica_num), ' of cluster ', cluster) FROM system.clusters WHERE errors_count > 0 AND "
    "arrayExists(c -> c = cluster OR position(c, '{') > 0, (SELECT groupArray(" ARGUMENTS "[1]) FROM " NAMED
    " AND engine = 'Distributed')) ORDER BY cluster, shard_num" END;

static const char queue_sql[] =
    "SELECT toUInt8(if(max(is_blocked) OR sum(error_count) > 0 OR sum(broken_data_files) > 0, 3, 1)), "
    "concat(toString(sum(data_files)), ' files wait'), concat(database, '.', table, if(max(is_blocked), ', stopped', "
    "'')"
    ", if(sum(broken_data_files) > 0, concat(', ', toString(sum(broken_data_files)), ' broken'), ''), ': ', "
    "toString(sum(error_count)), ' errors') FROM system.distribution_queue WHERE data_files + broken_data_files > 0 "
    "AND "
    "(database, table) IN (SELECT database, name FROM system.tables WHERE engine = 'Distributed' AND (" IS_OURS(
        "database", "name") " OR " IS_OURS(ARGUMENTS "[2]", ARGUMENTS "[3]") ")) GROUP BY database, table" END;

static const char policies_sql[] =
    "SELECT toUInt8(if(has(apply_to_list, currentUser()) OR hasAny(apply_to_list, currentRoles()) OR (apply_to_all AND "
    "NOT has(apply_to_except, currentUser())), 3, 2)) AS outcome, if(outcome = 3, 'rows are hidden', 'of other "
    "users'), "
    "concat(name, ': ', ifNull(select_filter, '')) FROM system.row_policies WHERE (table IN ('', '*') AND "
    "arrayExists(o -> o.1 = '' OR o.1 = database, " OURS
    ")) OR " IS_OURS("database", "table") " ORDER BY outcome DESC" END;

static const char ttl_sql[] =
    "SELECT toUInt8(if(match(rule, ' (WHERE|GROUP BY) '), 2, 1)), if(rule = '', 'none', if(empty(span), "
    "substring(rule, 1, 60), concat('after ', span[2], ' ', lower(span[1]), if(span[2] = '1', '', 's')))), "
    "if(rule = '', '', concat(database, '.', name, ': ', rule)) FROM (SELECT database, name, arrayStringConcat("
    "arrayFilter(p -> NOT match(p, ' (TO (VOLUME|DISK)|RECOMPRESS) '), splitByString(', ', extract(engine_full, "
    "' TTL (.*?)(?: SETTINGS |$)'))), ', ') AS rule, extractGroups(rule, 'toInterval([A-Za-z]+)[(]([0-9]+)[)]') AS "
    "span "
    "FROM system.tables WHERE engine LIKE '%MergeTree' AND " IS_OURS("database", "name") ") ORDER BY rule DESC" END;

static const char replicas_sql[] =
    "SELECT toUInt8(multiIf(absolute_delay > 315360000, 2, is_readonly OR is_session_expired OR lost_part_count > 0 OR "
    "absolute_delay > " HIDDEN " OR (inserts_in_queue > 0 AND inserts_oldest_time < now() - " HIDDEN "), 3, 1)) AS "
    "outcome, multiIf(absolute_delay > 315360000, 'not known yet', is_readonly OR is_session_expired, 'read-only', "
    "lost_part_count > 0, concat(toString(lost_part_count), ' parts lost'), concat(toString(absolute_delay), "
    "' s behind')), concat(database, '.', table, ': ', toString(absolute_delay), ' s behind, ', "
    "toString(inserts_in_queue), ' inserts wait, ', toString(active_replicas), ' of ', toString(total_replicas), "
    "' replicas are active') FROM system.replicas WHERE " IS_OURS("database", "table") " ORDER BY outcome DESC, "
                                                                                       "absolute_delay DESC" END;

static const char inserts_sql[] =
    "SELECT toUInt8(if(min(first_update) < now64(6) - " HIDDEN ", 3, 1)), concat(toString(count()), ' wait'), "
    "concat(database, '.', table, ': the oldest for ', toString(toInt64(now64(6) - min(first_update))), ' s') FROM "
    "system.asynchronous_inserts WHERE " IS_OURS("database", "table") " GROUP BY database, table" END;

static const char buffers_sql[] =
    "SELECT toUInt8(if(toUInt32OrZero(args[5]) > " HIDDEN ", 3, 1)), concat('up to ', args[5], ' s'), "
    "concat(database, '.', name) FROM (SELECT database, name, " ARGUMENTS " AS args FROM system.tables WHERE engine = "
    "'Buffer') WHERE NOT (database = {database:String} AND name = {table:String}) AND " IS_OURS(
        "args[1]", "args[2]") " ORDER BY toUInt32OrZero(args[5]) DESC" END;

const bt_clickhouse_fact bt_clickhouse_facts[] = {
    {.id = "operation/limits",
     .title = "limits of this user",
     .expected = "any",
     .sql = limits_sql,
     .none = "none",
     .means = "the limits of this user are not known"},
    {.id = "operation/engine",
     .title = "the table keeps every row",
     .expected = "MergeTree, Distributed",
     .sql = engine_sql,
     .means = "a table of this kind may leave rows out or merge them: spans are missed, and nothing says so. Name the "
              "table that the exporter writes"},
    {.id = "operation/shards",
     .title = "the table can be read, on every shard",
     .expected = "an answer",
     .sql = shards_sql,
     .is_of_spans = true,
     .means = "a shard, or all of the table, cannot be read: replays end 'incomplete' and say so, until it can"},
    {.id = "operation/cluster-errors",
     .title = "no replica failed of late",
     .expected = "no errors",
     .sql = errors_sql,
     .none = "none",
     .means =
         "a replica did not answer: where the others of its shard fail too, replays end 'incomplete'. Look at that "
         "host, and at system.clusters on this one"},
    {.id = "operation/distribution-queue",
     .title = "no insert is stuck on its way to a shard",
     .expected = "nothing is stuck",
     .sql = queue_sql,
     .none = "nothing waits",
     .needs_tables = true,
     .means = "spans wait on this server for a shard: they are in no answer, and nothing says so. Look at "
              "last_exception in system.distribution_queue, or SYSTEM START DISTRIBUTED SENDS"},
    {.id = "operation/row-policies",
     .title = "no row policy hides rows",
     .expected = "none",
     .sql = policies_sql,
     .none = "none",
     .means =
         "a row policy hides spans from this user, or may (users_without_row_policies_can_read_rows says what users "
         "see whom none is for): what is hidden is missed, and nothing says so. Give the user no policy, or one "
         "USING 1"},
    {.id = "operation/ttl",
     .title = "what is older is gone (TTL)",
     .expected = "any",
     .sql = ttl_sql,
     .means = "how long spans stay is not known: a replay over a longer time finds nothing in what is gone"},
    {.id = "operation/replicas",
     .title = "this server's replica has what was inserted",
     .expected = "at most " HIDDEN " s behind",
     .sql = replicas_sql,
     .none = "no replica here",
     .means =
         "spans that another replica has are not here yet, or never: an answer lacks them, and nothing says so. Set "
         "--settle to more than the delay, and look at system.replication_queue"},
    {.id = "operation/async-inserts",
     .title = "asynchronous inserts are soon in the table",
     .expected = "within " HIDDEN " s",
     .sql = inserts_sql,
     .none = "none waits",
     .means = "spans wait in the server's memory: an answer lacks them, and nothing says so. Set --settle to more than "
              "that, or async_insert_busy_timeout_max_ms of the user who inserts to less"},
    {.id = "operation/buffers",
     .title = "no Buffer table holds spans back",
     .expected = "at most " HIDDEN " s",
     .sql = buffers_sql,
     .none = "none",
     .needs_tables = true,
     .means =
         "spans wait in a Buffer table before they are in this one: an answer lacks them, and nothing says so. Name "
         "the Buffer table in the URL, or set --settle to more than its longest time"},
    {.id = NULL}};
