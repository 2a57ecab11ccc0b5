/* One replay from its request to its outcome: the floors, put together and walked through in order. Nothing else knows
 * them all. See replay.h, and docs/ARCHITECTURE.md for the drawing. */
#include "server/replay/replay.h"

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/replay/data_gaps.h"
#include "server/replay/decider.h"
#include "server/replay/delivery.h"
#include "server/replay/judge.h"
#include "server/replay/ledger.h"
#include "server/replay/violation.h"
#include "server/replay/violation_sample.h"

typedef struct replay {
  bt_replay_plan plan;
  bt_trace_table table;
  bt_replay_account account;
  bt_questions questions;
  bt_rule_evaluator evaluator;
  bt_decider decider;
  bt_entry_services entries;
  bt_judge judge;
  bt_ledger ledger;
} replay;

/* The judge asks here, because the ledger stands above it. */
static bool has_enough(const void *context, uint64_t last_key) {
  const replay *r = context;
  const bt_replay_observer *observer = r->account.observer;
  bt_part_read so_far = {.last_key = last_key};
  if (!observer || !observer->enough) return false;
  bt_ledger_count_later(&r->ledger, &so_far);
  return observer->enough(observer->context, &so_far);
}

/* Each floor is given those below it. */
static void connect_floors(replay *r, bt_source *source) {
  r->table.plan = &r->plan;
  r->questions = (bt_questions){.source = source, .plan = &r->plan, .table = &r->table, .account = &r->account};
  r->decider = (bt_decider){.plan = &r->plan,
                            .table = &r->table,
                            .account = &r->account,
                            .questions = &r->questions,
                            .evaluator = &r->evaluator};
  r->judge = (bt_judge){.plan = &r->plan,
                        .table = &r->table,
                        .account = &r->account,
                        .questions = &r->questions,
                        .decider = &r->decider,
                        .evaluator = &r->evaluator,
                        .entries = &r->entries,
                        .has_enough = has_enough,
                        .context = r};
  r->ledger = (bt_ledger){.plan = &r->plan,
                          .table = &r->table,
                          .account = &r->account,
                          .questions = &r->questions,
                          .decider = &r->decider,
                          .judge = &r->judge,
                          .entries = &r->entries};
}

/* ---- parts of a greater range ---- */

static size_t count_seen_bytes(const void *context) {
  return ((const bt_seen_traces *)context)->capacity * sizeof(bt_trace_id);
}

static bool is_decided(const replay *r, size_t index) {
  const bt_known *known = &r->table.traces[index];
  bt_place place = bt_trace_table_place(&r->table, known);
  bool is_placed = place == BT_PLACE_SETTLED || place == BT_PLACE_TAIL;
  bool whole, is_read = known->judged || !bt_decider_wants(&r->decider, index, &whole);
  return is_placed && is_read && bt_decider_is_candidate(&r->decider, index) && !(known->flags & BT_KNOWN_SEEN);
}

static bt_status keep_seen(const replay *r, bt_error *error) {
  bt_seen_traces *seen = r->plan.request.seen;
  if (!seen || !bt_decider_has_sets(&r->decider)) return BT_OK;
  for (size_t i = 0; i < r->table.count; i++) {
    if (!is_decided(r, i)) continue;
    bt_trace_id *items = bt_grow_array(seen->items, seen->count, &seen->capacity, sizeof *items);
    if (!items) return bt_error_no_memory(error);
    seen->items = items;
    items[seen->count++] = r->table.traces[i].matched.id;
  }
  bt_seen_traces_sort(seen);
  return BT_OK;
}

/* ---- the walk ---- */

static bt_status open_floors(replay *r, const bt_replay_request *request, bt_error *error) {
  bt_status status = bt_replay_plan_make(r->questions.source, request, &r->plan, error);
  if (request->seen) bt_trace_table_register(&r->table, (bt_trace_holder){request->seen, count_seen_bytes});
  if (status == BT_OK) status = bt_ledger_begin(&r->ledger, error);
  if (status == BT_OK) status = bt_rule_evaluator_make(&r->plan, &r->evaluator, error);
  if (status == BT_OK) bt_questions_open(&r->questions);
  if (status == BT_OK) status = bt_decider_open(&r->decider, error);
  if (status == BT_OK) status = bt_entry_services_open(&r->entries, r->plan.rule_count, error);
  return status == BT_OK ? bt_judge_open(&r->judge, error) : status;
}

static void close_floors(replay *r) {
  bt_judge_dispose(&r->judge);
  bt_entry_services_dispose(&r->entries);
  bt_decider_dispose(&r->decider);
  bt_questions_dispose(&r->questions);
  bt_rule_evaluator_dispose(&r->evaluator);
  bt_trace_table_dispose(&r->table);
  bt_replay_plan_dispose(&r->plan);
}

static bt_status find_and_judge(replay *r, bt_error *error) {
  bt_status status = bt_decider_find(&r->decider, error);
  if (status == BT_OK) status = bt_judge_cut(&r->judge, error);
  if (status != BT_OK || r->account.result->is_cut) return status;
  bt_data_gaps gaps;
  bt_data_gaps_begin(&r->questions, &gaps);
  status = bt_judge_all(&r->judge, error);
  if (status == BT_OK) {
    bt_account_show(&r->account, 0.95);
    status = bt_data_gaps_find(&r->questions, &gaps, &r->ledger.has_data, error);
  }
  bt_data_gaps_dispose(&r->questions, &gaps);
  return status;
}

static bt_status carry_out(replay *r, bt_error *error) {
  bt_error why = {0};
  bt_status status = find_and_judge(r, &why);
  bool is_cut_off = status == BT_CANCELLED || (status == BT_LIMIT && r->table.has_no_room);
  if (r->account.result->is_cut) {
    bt_ledger_conclude_cut(&r->ledger);
    return status;
  }
  bt_questions_look_again(&r->questions);
  if (status == BT_OK) bt_ledger_conclude(&r->ledger);
  if (status == BT_OK) status = keep_seen(r, &why);
  /* Numbers are of what was found so far when the replay was cut off. */
  bt_status counted = BT_OK;
  if ((status == BT_OK || is_cut_off) && bt_decider_has_sets(&r->decider)) counted = bt_ledger_count(&r->ledger, error);
  if (counted != BT_OK) return counted;
  if (status != BT_OK && error) *error = why;
  return is_cut_off ? bt_ledger_cut_off(&r->ledger, &why, error) : status;
}

/* Of a rule of which nothing was counted alone. */
static void end_listing(bt_replay_result *result) {
  for (size_t i = 0; i < result->rule_count; i++)
    if (result->rules[i].violations_listed == result->rules[i].violations_found) result->rules[i].listed_until_ns = 0;
}

bt_status bt_replay_run(bt_source *source, const bt_replay_request *request, const bt_replay_observer *observer,
                        bt_replay_result *result, bt_error *error) {
  *result = (bt_replay_result){.coverage.asked = request->range};
  int64_t started_ns = bt_clock_monotonic_ns();
  replay r = {.account = {.result = result, .observer = observer}};
  bt_error why = {0};
  bt_violation_ids_install();
  connect_floors(&r, source);
  bt_status status = open_floors(&r, request, &why);
  bool is_open = status == BT_OK;
  if (is_open) status = carry_out(&r, &why);
  if (is_open && status == BT_OK) status = bt_rule_notes_conclude(&r.judge, &why);
  end_listing(result);
  bt_questions_add_untaken(&r.questions);
  result->duration_ns = bt_clock_monotonic_ns() - started_ns;
  if (is_open) bt_ledger_feed_prices(&r.ledger, result->duration_ns);
  if (is_open) bt_comparisons_finish(&r.judge);
  if (status != BT_OK) bt_ledger_end_early(&r.ledger, status, &why);
  close_floors(&r);
  if (status == BT_OK && observer && observer->progress) observer->progress(observer->context, 1, result);
  if (status != BT_OK && error) *error = why;
  return status;
}
