/* `betrace suggest`: rules that traces keep already, for a person to accept. A sample says what could be a rule; a
 * replay over the whole range says whether it is one, and which traces are exceptions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/answer.h"
#include "server/cli/judge.h"
#include "server/cli/lab/mining.h"
#include "server/cli/lab/rates.h"
#include "server/cli/lab/trace_record.h"
#include "server/cli/print.h"
#include "server/json/gate_json.h"
#include "server/json/replay_json.h"
#include "server/rulefile/yaml_write.h"

enum { MOST_LISTED = 100000, SHOWN_EXCEPTIONS = 5 };

typedef struct suggest_run {
  bt_replay_options options;
  uint64_t sample, limit, least;
  double share; /* of the exercising traces that have to keep a rule */
  bt_source *source;
  bt_time_range range;
  bt_mining *mining;
  bt_proposal *proposals;
  size_t proposal_count;
  bt_rule_definition **rules; /* of each proposal */
  bt_rates rates;
  size_t *kept, kept_count;
  uint64_t not_sampled; /* traces that a batch could not give */
  char unread[240];     /* why something of the range was not read for the sample; "": all was */
} suggest_run;

/* ---- the sample ---- */

static void note_unread(suggest_run *run, const bt_source_account *account) {
  if (account->failed_count && !run->unread[0])
    snprintf(run->unread, sizeof run->unread, "%s", account->failed[0].reason);
}

static bt_status mine_read(void *context, const bt_read_trace *read, bt_error *error) {
  suggest_run *run = context;
  if (read->needs_by_id || !read->trace) return run->not_sampled++, BT_OK;
  return bt_mining_add(run->mining, read->trace, error);
}

/* Ids are random, so every n-th by id is a random sample, and the same one each time. */
static bt_status mine(suggest_run *run, const bt_found_list *found, bt_error *error) {
  size_t count = found->count < run->sample ? found->count : (size_t)run->sample;
  bt_projection projection;
  bt_source_account account = {0};
  bt_trace_id *ids = bt_realloc_array(NULL, count + 1, sizeof *ids);
  uint32_t *span_counts = bt_realloc_array(NULL, count + 1, sizeof *span_counts);
  if (!ids || !span_counts) {
    free(ids);
    free(span_counts);
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < count; i++) {
    ids[i] = found->items[i * found->count / count].id;
    span_counts[i] = found->items[i * found->count / count].span_count;
  }
  bt_projection_init(&projection);
  bt_read_request request = {.ids = ids,
                             .count = count,
                             .span_counts = span_counts,
                             .range = {run->range.start_ns - run->options.assumptions.margin_ns,
                                       run->range.end_ns + run->options.assumptions.margin_ns},
                             .projection = &projection,
                             .tenant = run->options.tenant,
                             .cancel = bt_replay_interrupt(),
                             .priority = BT_PRIORITY_REPLAY};
  bt_status status = count ? bt_source_read(run->source, &request, mine_read, run, &account, error) : BT_OK;
  bt_projection_dispose(&projection);
  note_unread(run, &account);
  bt_source_account_dispose(&account);
  free(ids);
  free(span_counts);
  bt_mining_finish(run->mining);
  return status;
}

static bt_status sample(suggest_run *run, bt_error *error) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.filter = BT_STR("{}"),
                               .range = run->range,
                               .max_found = MOST_LISTED,
                               .tenant = run->options.tenant,
                               .cancel = bt_replay_interrupt(),
                               .priority = BT_PRIORITY_REPLAY};
  bt_status status = bt_source_search(run->source, &request, &found, &account, error);
  if (status == BT_LIMIT) status = BT_OK; /* what was found is enough for a sample */
  bt_found_list_sort(&found);
  if (!status) status = bt_mining_new(&run->mining, error);
  if (!status) status = mine(run, &found, error);
  bt_found_list_dispose(&found);
  note_unread(run, &account);
  bt_source_account_dispose(&account);
  return status;
}

/* ---- proposals as rules ---- */

static bt_status make_rule(const suggest_run *run, size_t at, bt_rule_definition **out, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  bt_buffer dsl = {0}, id = {0};
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  bt_proposal_write(run->mining, &run->proposals[at], &dsl, &id);
  for (size_t i = 0; i < at; i++) /* two names may come to one id */
    if (run->rules[i] && id.ptr && strcmp(run->rules[i]->fields.id, id.ptr) == 0) bt_buffer_printf(&id, "-%zu", at);
  fields.id = id.ptr;
  fields.dsl = dsl.ptr;
  fields.severity = BT_SEVERITY_LOW;
  fields.has_severity = true;
  fields.shadow = true;
  bt_status status = dsl.failed || id.failed || !id.ptr || !dsl.ptr
                         ? bt_error_no_memory(error)
                         : bt_rule_definition_new(&fields, out, &diagnostics, error);
  bt_rule_fields_dispose(&fields);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

static bool is_kept(const suggest_run *run, size_t at) {
  const bt_rate *rate = &run->rates.items[at];
  return rate->is_certain && rate->exercised >= run->least && 1 - rate->rate >= run->share;
}

static bt_status propose(suggest_run *run, bt_error *error) {
  bt_status status = bt_mining_propose(run->mining, (uint32_t)run->least, run->share, 2 * (size_t)run->limit,
                                       &run->proposals, &run->proposal_count, error);
  run->kept_count = 0;
  run->rules = calloc(run->proposal_count + 1, sizeof *run->rules);
  run->kept = calloc(run->proposal_count + 1, sizeof *run->kept);
  if (!status && (!run->rules || !run->kept)) status = bt_error_no_memory(error);
  for (size_t i = 0; i < run->proposal_count && !status; i++) status = make_rule(run, i, &run->rules[i], error);
  if (!status && run->proposal_count)
    status = bt_rates_measure(run->source, &run->options, (const bt_rule_definition *const *)run->rules,
                              run->proposal_count, run->range, &run->rates, error);
  for (size_t i = 0; i < run->proposal_count && !status && run->kept_count < run->limit; i++)
    if (is_kept(run, i)) run->kept[run->kept_count++] = i;
  return status;
}

/* ---- tests from real traces ---- */

typedef struct recording {
  const suggest_run *run;
  const bt_rule_definition *rule;
  bt_buffer tests;
  size_t count;
} recording;

static bt_status record_read(void *context, const bt_read_trace *read, bt_error *error) {
  recording *r = context;
  bt_judge *judge = NULL;
  const bt_rule_verdict *verdict = NULL;
  bool has_halves = false;
  char id[BT_TRACE_ID_HEX + 1];
  bt_rule_keys keys = {0};
  if (!read->trace || read->trace->partial) return BT_OK;
  bt_status status = bt_judge_new(&r->rule, 1, &r->run->options.assumptions, true, &judge, error);
  if (!status) status = bt_rule_keys_add(&keys, r->rule->rule, error);
  if (!status) status = bt_judge_run(judge, read->trace, &verdict, error);
  if (!status) {
    bt_redaction redaction = {.read = &keys};
    bt_buffer spans = {0};
    bt_trace_id_format(&read->trace->id, id);
    bt_trace_record_yaml(read->trace, &redaction, 4, &has_halves, &spans);
    if (spans.failed) status = bt_error_no_memory(error);
    if (!status && !has_halves && spans.ptr) {
      bt_buffer_printf(&r->tests, "  - name: \"trace %s\"\n    trace:\n%s    expect: %s\n", id, spans.ptr,
                       bt_verdict_name(verdict->verdict));
      r->count++;
    }
    bt_buffer_dispose(&spans);
  }
  bt_rule_keys_dispose(&keys);
  bt_judge_free(judge);
  return status;
}

/* A trace that keeps the rule and one that does not, where there is one. */
static size_t choose_traces(const suggest_run *run, size_t at, bt_trace_id ids[2]) {
  const bt_collected *all = &run->rates.all;
  size_t count = 0;
  ids[count++] = run->mining->names[run->proposals[at].name].example;
  for (size_t i = 0; i < all->count && count < 2; i++)
    if (all->found[i].rule == at && bt_trace_id_compare(&all->found[i].violation->trace_id, &ids[0]) != 0)
      ids[count++] = all->found[i].violation->trace_id;
  return count;
}

/* The rule as an item of `rules:`, with its tests where they pass when they are read back. */
static bt_status write_rule(const suggest_run *run, size_t at, bt_buffer *out, bt_error *error) {
  bt_trace_id ids[2];
  recording r = {.run = run, .rule = run->rules[at]};
  bt_buffer whole = {0};
  bt_error why = {0};
  bt_status status = bt_rulefile_write(&r.rule, 1, &whole, error);
  size_t head = whole.ptr ? strcspn(whole.ptr, "\n") + 1 : 0, without = whole.len;
  if (!status)
    status = bt_read_by_id(run->source, &run->options, ids, choose_traces(run, at, ids), record_read, &r, error);
  if (!status && r.count) {
    bt_buffer_printf(&whole, "  tests:\n%s", r.tests.ptr);
    bool passes = !whole.failed && bt_recorded_verify(bt_buffer_str(&whole), r.count, &why) == BT_OK;
    bt_buffer_append(out, (bt_str){whole.ptr + head, (passes ? whole.len : without) - head});
  } else if (!status) {
    bt_buffer_append(out, (bt_str){whole.ptr + head, without - head});
  }
  bt_buffer_dispose(&r.tests);
  bt_buffer_dispose(&whole);
  return status;
}

/* ---- printing ---- */

static void write_comment(const suggest_run *run, size_t at, bt_buffer *out) {
  const bt_rate *rate = &run->rates.items[at];
  const bt_collected *all = &run->rates.all;
  char id[BT_TRACE_ID_HEX + 1];
  size_t shown = 0;
  bt_buffer_printf(out, "# %s: %" PRIu64 " of %" PRIu64 " traces that exercise it keep it (%.4g %%)\n",
                   bt_proposal_kind_name(run->proposals[at].kind), rate->exercised - rate->violated, rate->exercised,
                   100 * (1 - rate->rate));
  for (size_t i = 0; i < all->count && shown <= SHOWN_EXCEPTIONS; i++) {
    if (all->found[i].rule != at) continue;
    bt_trace_id_format(&all->found[i].violation->trace_id, id);
    bt_buffer_printf(out, "#   exception: %s\n", ++shown <= SHOWN_EXCEPTIONS ? id : "…");
  }
}

static bt_status print_text(const suggest_run *run, bt_error *error) {
  bt_buffer out = {0};
  bt_status status = BT_OK;
  if (!run->mining->traces)
    bt_buffer_append(&out, BT_STR("# UNKNOWN: no trace was looked at, so no rule can be suggested.\nrules: []\n"));
  else
    bt_buffer_printf(&out,
                     "# %zu rules that traces keep already, as shadow rules: what is accepted is for a person to say.\n"
                     "# From a sample of %u traces; counted by a replay of the whole range.\nrules:%s\n",
                     run->kept_count, run->mining->traces, run->kept_count ? "" : " []");
  for (size_t i = 0; i < run->kept_count && !status; i++) {
    write_comment(run, run->kept[i], &out);
    status = write_rule(run, run->kept[i], &out, error);
  }
  if (!status && out.failed) status = bt_error_no_memory(error);
  if (!status) bt_print_document(bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  return status;
}

static json_t *rule_json(const suggest_run *run, size_t at) {
  const bt_collected *all = &run->rates.all;
  json_t *exceptions = json_array();
  for (size_t i = 0; i < all->count; i++)
    if (all->found[i].rule == at)
      json_array_append_new(exceptions, bt_violation_json(run->rules[at], all->found[i].violation));
  return json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", run->rules[at]->fields.id, "kind",
                   bt_proposal_kind_name(run->proposals[at].kind), "dsl", run->rules[at]->fields.dsl, "rate",
                   bt_rate_json(&run->rates.items[at]), "exceptions", exceptions);
}

static void print_json(const suggest_run *run) {
  json_t *rules = json_array();
  for (size_t i = 0; i < run->kept_count; i++) json_array_append_new(rules, rule_json(run, run->kept[i]));
  bt_cli_print_json(json_pack("{s:o, s:I, s:I, s:o}", "rules", rules, "traces_sampled", (json_int_t)run->mining->traces,
                              "names_not_looked_at", (json_int_t)run->mining->names_beyond, "coverage",
                              run->proposal_count ? bt_coverage_json(&run->rates.all.result.coverage) : json_null()));
}

/* ---- running ---- */

static bt_status look_and_print(suggest_run *run, bt_error *error) {
  bt_status status = sample(run, error);
  if (!status) status = propose(run, error);
  if (!status && run->options.print_json)
    print_json(run);
  else if (!status)
    status = print_text(run, error);
  return status;
}

/* That there is none is said only where all of the range was read. */
static void say_no_traces(const suggest_run *run) {
  bt_answer answer = {.options = &run->options, .outcome = BT_REPLAY_FAILED, .reason = run->unread};
  bt_buffer why = {0};
  if (!run->unread[0]) {
    bt_print_error_line("betrace suggest: there is no trace in this range, so nothing is known");
    return;
  }
  bt_answer_write_reason(&answer, &why);
  bt_print_error("betrace suggest: UNKNOWN: %s\n", why.ptr ? why.ptr : run->unread);
  bt_buffer_dispose(&why);
}

static int end(const suggest_run *run) {
  const bt_replay_result *result = &run->rates.all.result;
  if (!run->mining->traces)
    say_no_traces(run);
  else if (!run->proposal_count)
    bt_print_error_line("betrace suggest: nothing in these traces is so common that it could be a rule (--min-traces)");
  else if (result->outcome != BT_REPLAY_COMPLETED)
    bt_print_error("betrace suggest: %s: %s\n", bt_replay_outcome_name(result->outcome), result->reason);
  bool is_certain = run->mining->traces && (!run->proposal_count || result->outcome == BT_REPLAY_COMPLETED);
  return is_certain ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
}

static int run_suggest(suggest_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  run->source = place.source;
  if (!status) run->range = bt_replay_options_range(&run->options, place.source, BT_DAY_NS);
  if (!status) status = look_and_print(run, &error);
  int code = status ? bt_cli_fail("suggest", status, &error) : end(run);
  bt_rates_dispose(&run->rates);
  for (size_t i = 0; run->rules && i < run->proposal_count; i++) bt_rule_definition_unref(run->rules[i]);
  free(run->rules);
  free(run->kept);
  free(run->proposals);
  bt_mining_free(run->mining);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_SAMPLE = BT_FLAG_OWN, OPT_LIMIT, OPT_LEAST, OPT_SHARE };

static bool take_share(const char *value, double *out) {
  char *rest = NULL;
  double percent = strtod(value, &rest);
  *out = percent / 100;
  return rest != value && (!*rest || strcmp(rest, "%") == 0) && percent >= 50 && percent <= 100;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  suggest_run *run = context;
  switch (flag->id) {
  case OPT_SAMPLE: return bt_cli_number(value, &run->sample) && run->sample > 0 && run->sample <= MOST_LISTED;
  case OPT_LIMIT: return bt_cli_number(value, &run->limit) && run->limit > 0 && run->limit <= 100;
  case OPT_LEAST: return bt_cli_number(value, &run->least) && run->least > 0 && run->least <= UINT32_MAX;
  case OPT_SHARE: return take_share(value, &run->share);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int suggest_command(const bt_command *self, int argc, char **argv) {
  suggest_run run = {.sample = 2000, .limit = 15, .least = 50, .share = 0.999};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, false);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE);
    if (!code) code = run_suggest(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"sample", OPT_SAMPLE, "N", "2000", "traces that are looked at for something to propose", NULL},
    {"limit", OPT_LIMIT, "N", "15", "rules at most", NULL},
    {"min-traces", OPT_LEAST, "N", "50", "traces that have to exercise a rule", NULL},
    {"min-share", OPT_SHARE, "PERCENT", "99.9", "of them, those that have to keep it", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {{"What do the traces of the last day keep to?",
                                       "betrace suggest --tempo http://127.0.0.1:3200 --since 24h > suggested.yaml"},
                                      {"Then look at it, and run its tests", "betrace test suggested.yaml"},
                                      {0}};
const bt_command bt_command_suggest = {
    .name = "suggest",
    .summary = "rules that traces keep already: order, presence, counts, latency",
    .usage = "(--tempo URL | --traces FILE) [flags]",
    .about = "Proposes rules that nearly all traces keep: a span needs another one, one comes before another, how "
             "often one stands under "
             "another, how long one lasts. Candidates come from a sample; each is then replayed over the whole range, "
             "and only those are "
             "printed that enough traces exercise and nearly all of them keep.\n\n"
             "The output is a rule file: shadow rules of low severity, with the exceptions in comments and tests from "
             "real traces (names, ids "
             "and times; no attributes). What is accepted is for a person to say: a habit is not yet a rule.",
    .examples = examples,
    .groups = groups,
    .fine = "done; there may be nothing to propose",
    .unknown = "there are no traces, or not everything could be read",
    .run = suggest_command};
