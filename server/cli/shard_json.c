/* What a replay of one shard says of it. See shard_json.h. Edges are traces that other shards may have, too: with what
 * each counted here, so that merge counts them once. */
#include "server/cli/shard_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/base/sha256.h"
#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

/* ---- the range ---- */

int bt_shard_options_check(const bt_replay_options *options, const bt_command *command) {
  bool is_fixed = options->has_start && options->has_end && !options->counts_from_now && !options->since_ns;
  bool is_all = options->trace_count && !options->has_start && !options->has_end && !options->since_ns;
  for (size_t i = 0; i < options->trace_count; i++)
    if (strcmp(options->traces[i], "-") == 0)
      return bt_cli_usage_error(command->name, "--shard reads files that all shards can read, and not stdin");
  if (is_fixed || is_all) return BT_EXIT_FINE;
  return bt_cli_usage_error(command->name,
                            "--shard needs --start and --end as times that do not depend on now: each shard starts at "
                            "another moment, and all of them have to be parts of one range");
}

bool bt_shard_request(bt_shard shard, bt_replay_request *request) {
  if (!bt_shard_fits(request->range, shard.count)) return false;
  request->whole = request->range;
  request->range = bt_shard_range(request->whole, shard);
  request->is_shard = true;
  return true;
}

/* ---- where the traces are ---- */

enum { PIECE_BYTES = 65536 };

/* Its size, its beginning and its end: files are large, and what merge has to notice is another file. */
static bt_status add_file(const char *path, bt_buffer *out, bt_error *error) {
  char piece[PIECE_BYTES];
  struct stat about;
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &about) != 0) {
    if (file) fclose(file);
    return bt_error_set(error, BT_INVALID, "%s cannot be read: %s", path, strerror(errno));
  }
  bt_buffer_printf(out, "%lld:", (long long)about.st_size);
  bt_buffer_append(out, (bt_str){piece, fread(piece, 1, sizeof piece, file)});
  if (about.st_size > PIECE_BYTES && fseek(file, -(long)PIECE_BYTES, SEEK_END) == 0)
    bt_buffer_append(out, (bt_str){piece, fread(piece, 1, sizeof piece, file)});
  fclose(file);
  return out->failed ? bt_error_no_memory(error) : BT_OK;
}

static bt_status write_files(const bt_replay_options *options, bt_buffer *out, bt_error *error) {
  char hex[BT_SHA256_HEX + 1];
  bt_sha256 hash;
  bt_buffer all = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < options->trace_count && !status; i++) status = add_file(options->traces[i], &all, error);
  bt_str text = bt_buffer_str(&all);
  if (!status) status = bt_sha256_fields(&text, 1, &hash, error);
  bt_buffer_dispose(&all);
  if (status) return status;
  bt_sha256_format(&hash, hex);
  bt_buffer_printf(out, "files:%s", hex);
  return BT_OK;
}

static bt_status store_json(const bt_replay_options *options, json_t **out, bt_error *error) {
  bt_buffer text = {0};
  bt_status status = BT_OK;
  if (options->trace_count)
    status = write_files(options, &text, error);
  else
    bt_url_write(options->source.address, &text);
  if (!status && text.failed) status = bt_error_no_memory(error);
  *out = status ? NULL : bt_text_json(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return status;
}

/* ---- what is told ---- */

/* The epoch is a time, too. */
static json_t *whole_json(bt_time_range whole) {
  char start[40], end[40];
  bt_time_format(whole.start_ns, start);
  bt_time_format(whole.end_ns, end);
  return json_pack("{s:s, s:s}", "start", start, "end", end);
}

static json_t *rule_json(const bt_rule_definition *rule, const bt_assumptions *service, const bt_rule_result *result) {
  bt_assumptions own = bt_assumptions_of(service, rule);
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "severity", bt_severity_name(rule->fields.severity), "margin",
                   bt_duration_json(own.margin_ns), "violations_kept", bt_kept_traces_json(&result->violations_kept),
                   "exercised_kept", bt_kept_traces_json(&result->exercised_kept), "policy",
                   bt_policy_seen_json(&result->policy));
}

static json_t *edge_json(const bt_trace_verdict *edge) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&edge->trace_id, id);
  json_t *exercised = edge->exercised == BT_UNKNOWN ? json_null() : json_boolean(edge->exercised == BT_TRUE);
  return json_pack("{s:I, s:s, s:s, s:o, s:b, s:b, s:b}", "rule", (json_int_t)edge->rule, "trace_id", id, "verdict",
                   bt_verdict_name(edge->verdict), "exercised", exercised, "settled", edge->is_settled, "without_link",
                   edge->rests_on_no_link, "long", edge->is_long);
}

bt_status bt_shard_json(bt_shard shard, const bt_replay_options *options, const bt_replay_request *request,
                        const bt_collected *all, json_t **out, bt_error *error) {
  json_t *store, *rules = json_array(), *edges = json_array();
  bt_status status = store_json(options, &store, error);
  for (size_t i = 0; i < request->rule_count; i++)
    bt_json_append(rules, rule_json(request->rules[i], &request->assumptions, &all->result.rules[i]));
  for (size_t i = 0; i < all->edge_count; i++) bt_json_append(edges, edge_json(&all->edges[i]));
  *out = json_pack("{s:I, s:I, s:o, s:s, s:o*, s:o, s:b, s:o, s:o}", "number", (json_int_t)shard.number, "of",
                   (json_int_t)shard.count, "whole", whole_json(request->whole), "program", BETRACE_VERSION, "store",
                   store, "tenant", bt_optional_text_json(options->tenant), "has_traces", all->result.has_traces,
                   "rules", rules, "edges", edges);
  return status;
}

bool bt_shard_is_answered(const bt_replay_result *result) {
  bool has_no_data = result->outcome == BT_REPLAY_INCOMPLETE && strncmp(result->reason, "no_data: ", 9) == 0;
  return has_no_data || result->outcome == BT_REPLAY_COMPLETED;
}
