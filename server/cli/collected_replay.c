/* A replay whose violations are kept. See collected_replay.h. */
#include "server/cli/collected_replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"

static bt_status keep_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  bt_collected *all = context;
  bt_collected_violation *found = bt_grow_array(all->found, all->count, &all->capacity, sizeof *found);
  if (!found) {
    bt_violation_free(violation);
    return bt_error_no_memory(error);
  }
  all->found = found;
  found[all->count++] = (bt_collected_violation){rule, violation};
  return BT_OK;
}

static bt_status keep_counted(void *context, size_t rule, const bt_moment *moment, bt_error *error) {
  bt_collected *all = context;
  (void)rule;
  bt_moment *counted = bt_grow_array(all->counted, all->counted_count, &all->counted_capacity, sizeof *counted);
  if (!counted) return bt_error_no_memory(error);
  all->counted = counted;
  counted[all->counted_count++] = *moment;
  return BT_OK;
}

static bt_status keep_edge(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  bt_collected *all = context;
  if (!verdict->may_be_elsewhere) return BT_OK;
  bt_trace_verdict *edges = bt_grow_array(all->edges, all->edge_count, &all->edge_capacity, sizeof *edges);
  if (!edges) return bt_error_no_memory(error);
  all->edges = edges;
  edges[all->edge_count++] = *verdict;
  return BT_OK;
}

static int compare_found(const void *a, const void *b) {
  const bt_collected_violation *x = a, *y = b;
  if (x->violation->time_ns != y->violation->time_ns) return x->violation->time_ns < y->violation->time_ns ? -1 : 1;
  int order = bt_trace_id_compare(&x->violation->trace_id, &y->violation->trace_id);
  return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

bt_status bt_collect(bt_source *source, const bt_replay_request *request, bool counts, bt_collected *out,
                     bt_error *error) {
  *out = (bt_collected){0};
  bt_replay_observer observer = {.context = out,
                                 .progress = counts ? bt_replay_show_violations : bt_replay_show_progress,
                                 .violation = keep_violation,
                                 .counted = keep_counted,
                                 .verdict = request->is_shard ? keep_edge : NULL};
  bt_status status = bt_replay_run(source, request, &observer, &out->result, error);
  bt_replay_clear_progress();
  if (out->count) qsort(out->found, out->count, sizeof *out->found, compare_found);
  return status;
}

void bt_collected_dispose(bt_collected *collected) {
  for (size_t i = 0; i < collected->count; i++) bt_violation_free(collected->found[i].violation);
  free(collected->found);
  free(collected->counted);
  free(collected->edges);
  bt_replay_result_dispose(&collected->result);
  *collected = (bt_collected){0};
}

void bt_collected_print_end(const bt_replay_result *result) {
  bt_tail_found found = {.is_listed = true};
  for (size_t i = 0; i < result->rule_count; i++) found.violations += result->rules[i].violations_provisional;
  bt_replay_print_gaps_and(&result->coverage, &found);
  bt_print("%s%s%s, %.3f s, %" PRIu64 " requests, %" PRIu64 " bytes received\n",
           bt_replay_outcome_name(result->outcome), result->reason[0] ? ": " : "", result->reason,
           (double)result->duration_ns / 1e9, result->requests, result->bytes_received);
}

bool bt_collected_is_certain(const bt_replay_result *result) {
  bool is_certain = result->outcome == BT_REPLAY_COMPLETED;
  for (size_t i = 0; i < result->rule_count; i++) is_certain = is_certain && !result->rules[i].inconclusive;
  return is_certain;
}
