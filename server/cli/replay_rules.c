/* Lines and the table of a replay's rules. See replay_rules.h. A number that may be higher is "at least N" in a line
 * and "N+" in the table; where nothing was seen and something was not read, both say UNKNOWN. */
#include "server/cli/replay_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/span_time.h"
#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/replay/sampled_text.h"

#define NOT_FINAL "nothing in the range is final for it yet: it is younger than its settle, or its first trace goes on"

/* ---- a line for each ---- */

/* Of an answer with gaps: how many were found, and what was not looked at; never a number for what nobody saw. */
static void print_in_part(const char *id, const bt_rule_result *counters, bool is_unsettled, const bt_answer *answer) {
  bool is_found = counters->violations_found;
  bt_print("%s%s: ", bt_style_on(is_found ? BT_STYLE_RED : BT_STYLE_YELLOW), id);
  if (is_found)
    bt_print("%" PRIu64 " violation%s found", counters->violations_found, bt_cli_plural(counters->violations_found));
  else if (counters->traces_evaluated)
    bt_print("UNKNOWN: no violation in the %" PRIu64 " trace%s that could be judged", counters->traces_evaluated,
             bt_cli_plural(counters->traces_evaluated));
  else
    bt_print("UNKNOWN: no trace was judged");
  bt_print("%s", bt_style_on(BT_STYLE_OFF));
  if (is_unsettled)
    bt_print("; " NOT_FINAL);
  else
    bt_answer_print_rest(answer);
  bt_print("\n");
}

static bool ends_differ(const bt_replay_result *result) {
  for (size_t i = 1; i < result->rule_count; i++)
    if (result->rules[i].effective_end_ns != result->rules[0].effective_end_ns) return true;
  return false;
}

/* Where rules differ in it, each line says up to where its numbers go. */
static void print_settled(const bt_replay_result *result, const bt_rule_result *counters) {
  char end[40];
  if (!ends_differ(result)) return;
  bt_time_format(counters->effective_end_ns, end);
  bt_print("; settled up to %.19sZ, %" PRIu64 " trace%s after that", end, counters->unsettled,
           bt_cli_plural(counters->unsettled));
}

static bt_style style_of(const bt_rule_result *counters) {
  if (counters->violations_found) return BT_STYLE_RED;
  return counters->inconclusive ? BT_STYLE_YELLOW : BT_STYLE_GREEN;
}

static void print_whole(const char *id, const bt_replay_result *result, const bt_rule_result *counters) {
  bt_print("%s%s: %" PRIu64 " violation%s%s in %s%" PRIu64 " traces (%s%" PRIu64 " exercised the rule), %" PRIu64
           " inconclusive",
           bt_style_on(style_of(counters)), id, counters->violations_found, bt_cli_plural(counters->violations_found),
           bt_style_on(BT_STYLE_OFF), counters->evaluated_is_exact ? "" : "at least ", counters->traces_evaluated,
           counters->exercised_is_exact ? "" : "at least ", counters->traces_exercised, counters->inconclusive);
  char time[BT_SPAN_TIME_BYTES];
  if (counters->first_violation.is_set) {
    bt_span_time_format(counters->first_violation.time_ns, 0, time);
    bt_print("; first%s %s", counters->first_violation.time_ns ? " at" : ":", time);
  }
  print_settled(result, counters);
  bt_print("\n");
}

/* ---- the table ---- */

enum { VIOLATIONS, INCONCLUSIVE, EXERCISED, TRACES, FIRST, COLUMNS, CELL_BYTES = 24, GAP = 2, LEAST_ID = 12 };

typedef struct row {
  const char *id;
  const bt_rule_result *counters;
  bool is_whole;
  size_t order; /* as in the files */
  char cells[COLUMNS][CELL_BYTES];
} row;

typedef struct table {
  row *rows;
  size_t count, folded; /* the folded ones are the last */
  bool is_shown[COLUMNS];
  unsigned widths[COLUMNS], id_width;
} table;

static bool is_folded(const row *r) {
  const bt_rule_result *counters = r->counters;
  return r->is_whole && !counters->violations_found && !counters->inconclusive && !counters->traces_exercised;
}

static bool is_unknown(const row *r) {
  return !r->is_whole && !r->counters->violations_found;
}

static int compare_numbers(uint64_t left, uint64_t right) {
  return left > right ? -1 : left < right;
}

static int compare_rows(const void *left, const void *right) {
  const row *a = left, *b = right;
  if (is_folded(a) != is_folded(b)) return is_folded(a) ? 1 : -1;
  int order = compare_numbers(a->counters->violations_found, b->counters->violations_found);
  if (!order) order = (int)is_unknown(b) - (int)is_unknown(a);
  if (!order) order = compare_numbers(a->counters->inconclusive, b->counters->inconclusive);
  if (!order) order = compare_numbers(a->counters->traces_exercised, b->counters->traces_exercised);
  return order ? order : a->order < b->order ? -1 : 1;
}

static void write_number(uint64_t number, bool is_exact, char *cell) {
  snprintf(cell, CELL_BYTES, "%" PRIu64 "%s", number, is_exact ? "" : "+");
}

static void fill_row(row *r) {
  const bt_rule_result *counters = r->counters;
  char time[BT_SPAN_TIME_BYTES];
  write_number(counters->violations_found, r->is_whole, r->cells[VIOLATIONS]);
  if (is_unknown(r)) snprintf(r->cells[VIOLATIONS], CELL_BYTES, "UNKNOWN");
  write_number(counters->inconclusive, r->is_whole, r->cells[INCONCLUSIVE]);
  write_number(counters->traces_exercised, r->is_whole && counters->exercised_is_exact, r->cells[EXERCISED]);
  write_number(counters->traces_evaluated, r->is_whole && counters->evaluated_is_exact, r->cells[TRACES]);
  if (!counters->first_violation.is_set) return;
  bt_span_time_format(counters->first_violation.time_ns, 0, time);
  snprintf(r->cells[FIRST], CELL_BYTES, "%.20s", time);
}

static const char *const titles[COLUMNS] = {[VIOLATIONS] = "VIOLATIONS",
                                            [INCONCLUSIVE] = "INCONCLUSIVE",
                                            [EXERCISED] = "EXERCISED",
                                            [TRACES] = "TRACES",
                                            [FIRST] = "FIRST"};

/* A column without a word of its own is left out; the number of traces too where it is one for all: it stands below. */
static void choose_columns(table *t) {
  for (int c = 0; c < COLUMNS; c++) {
    t->widths[c] = (unsigned)strlen(titles[c]);
    t->is_shown[c] = c == VIOLATIONS || c == EXERCISED;
    for (size_t i = 0; i < t->count - t->folded; i++) {
      const char *cell = t->rows[i].cells[c];
      t->is_shown[c] |= c == TRACES ? strcmp(cell, t->rows[0].cells[c]) != 0 : strcmp(cell, "0") != 0 && cell[0];
      if (strlen(cell) > t->widths[c]) t->widths[c] = (unsigned)strlen(cell);
    }
  }
}

/* The first times go where they leave no room for ids. */
static void fit_columns(table *t) {
  unsigned width = bt_terminal_width(), numbers = 0, longest = 0;
  for (int c = 0; c < COLUMNS; c++) numbers += t->is_shown[c] ? GAP + t->widths[c] : 0;
  for (size_t i = 0; i < t->count - t->folded; i++) {
    unsigned columns = bt_text_columns(bt_str_from(t->rows[i].id));
    longest = columns > longest ? columns : longest;
  }
  unsigned wanted = longest > LEAST_ID ? longest : LEAST_ID;
  if (numbers + wanted > width && t->is_shown[FIRST]) {
    t->is_shown[FIRST] = false;
    numbers -= GAP + t->widths[FIRST];
  }
  unsigned room = numbers + LEAST_ID < width ? width - numbers : LEAST_ID;
  t->id_width = wanted < room ? wanted : room;
}

/* The times are the last column: they stand on the left, and nothing is filled up. */
static void print_cells(const table *t, const row *r) {
  for (int c = 0; c < COLUMNS; c++) {
    const char *text = r ? r->cells[c] : titles[c];
    bool is_coloured = r && c == VIOLATIONS;
    bt_style style = r && is_unknown(r) ? BT_STYLE_YELLOW : r ? style_of(r->counters) : BT_STYLE_OFF;
    if (!t->is_shown[c] || (c == FIRST && !text[0])) continue;
    bt_print("%*s%s%*s%s", GAP, "", is_coloured ? bt_style_on(style) : "", c == FIRST ? 0 : (int)t->widths[c], text,
             is_coloured ? bt_style_on(BT_STYLE_OFF) : "");
  }
}

/* An id that is too long has a line of its own: it is never cut, because people copy it. */
static void print_row(const table *t, const row *r, const bt_replay_result *result) {
  unsigned used = bt_text_columns(bt_str_from(r->id));
  bt_print("%s", r->id);
  if (used > t->id_width) bt_print("\n");
  bt_print("%*s", used > t->id_width ? (int)t->id_width : (int)(t->id_width - used), "");
  print_cells(t, r);
  print_settled(result, r->counters);
  bt_print("\n");
}

/* "79 not exercised by any trace: a, b, c and 76 more" in one line. */
static void print_folded(const table *t) {
  enum { FOR_THE_REST = 16 };
  bt_buffer line = {0};
  size_t shown = 0;
  bool is_exact = true;
  const row *first = t->rows + (t->count - t->folded);
  for (size_t i = 0; i < t->folded; i++) is_exact = is_exact && first[i].counters->exercised_is_exact;
  bt_buffer_printf(&line, "%zu %s exercised by any trace", t->folded, is_exact ? "not" : "not known to be");
  for (; shown < t->folded; shown++) {
    unsigned columns = bt_text_columns(bt_str_from(first[shown].id)) + 2;
    if (bt_text_columns(bt_buffer_str(&line)) + columns + FOR_THE_REST > bt_terminal_width()) break;
    bt_buffer_printf(&line, "%s %s", shown ? "," : ":", first[shown].id);
  }
  if (shown && shown < t->folded) bt_buffer_printf(&line, " and %zu more", t->folded - shown);
  bt_print("%s%.*s%s\n", bt_style_on(BT_STYLE_DIM), BT_FMT(bt_buffer_str(&line)), bt_style_on(BT_STYLE_OFF));
  bt_buffer_dispose(&line);
}

static void print_legend(const table *t, const bt_replay_result *result, const bt_answer *answer) {
  bool has_parts = false, has_plus = false;
  for (size_t i = 0; i < t->count; i++) {
    has_parts = has_parts || !t->rows[i].is_whole;
    for (int c = 0; c < COLUMNS; c++)
      has_plus = has_plus || (t->is_shown[c] && i < t->count - t->folded && strchr(t->rows[i].cells[c], '+'));
  }
  if (!t->is_shown[TRACES])
    bt_print("%s trace%s for each rule\n", t->rows[0].cells[TRACES], strcmp(t->rows[0].cells[TRACES], "1") ? "s" : "");
  if (has_plus || strchr(t->rows[0].cells[TRACES], '+')) bt_print("N+ is at least N\n");
  if (!has_parts) return;
  bt_print("%sUNKNOWN%s is what nobody can say", bt_style_on(BT_STYLE_YELLOW), bt_style_on(BT_STYLE_OFF));
  if (result->others_stand)
    bt_print("; " NOT_FINAL);
  else
    bt_answer_print_rest(answer);
  bt_print("\n");
}

static void print_table(table *t, const bt_replay_result *result, const bt_answer *answer) {
  qsort(t->rows, t->count, sizeof *t->rows, compare_rows);
  for (size_t i = 0; i < t->count; i++) t->folded += is_folded(&t->rows[i]);
  choose_columns(t);
  fit_columns(t);
  if (t->folded < t->count) {
    bt_print("%s%-*s", bt_style_on(BT_STYLE_BOLD), (int)t->id_width, "RULE");
    print_cells(t, NULL);
    bt_print("%s\n", bt_style_on(BT_STYLE_OFF));
  }
  for (size_t i = 0; i < t->count - t->folded; i++) print_row(t, &t->rows[i], result);
  if (t->folded) print_folded(t);
  print_legend(t, result, answer);
}

static const char *id_of(const bt_replay_options *options, size_t rule) {
  return options->rules.items[rule]->fields.id;
}

static bool make_table(const bt_replay_options *options, const bt_replay_result *result, table *t) {
  *t = (table){.rows = calloc(result->rule_count, sizeof *t->rows), .count = result->rule_count};
  for (size_t i = 0; t->rows && i < t->count; i++) {
    t->rows[i] = (row){
        .id = id_of(options, i), .counters = &result->rules[i], .is_whole = bt_replay_has_whole(result, i), .order = i};
    fill_row(&t->rows[i]);
  }
  return t->rows != NULL;
}

/* What a sampler that drops traces one by one leaves behind looks the same. */
static void print_without_link(const bt_replay_result *result) {
  uint64_t count = 0;
  for (size_t i = 0; i < result->rule_count; i++) count += result->rules[i].violations_without_link;
  if (count)
    bt_print("%" PRIu64 " of the violations rest%s on " BT_RESTS_ON_NO_LINK
             ": if traces are dropped one by one, ask again with --links-sampled\n",
             count, count == 1 ? "s" : "");
}

void bt_replay_print_listed(const bt_replay_options *options, const bt_replay_result *result) {
  for (size_t i = 0; i < result->rule_count; i++) {
    const bt_rule_result *rule = &result->rules[i];
    char until[40];
    if (!rule->listed_until_ns) continue;
    bt_time_format(rule->listed_until_ns, until);
    bt_print("%s: %" PRIu64 " violations are listed, of traces up to %s; %" PRIu64
             " of later ones are counted: ask from then on, or with --evidence 0\n",
             id_of(options, i), rule->violations_listed, until, rule->violations_found - rule->violations_listed);
  }
}

/* What the numbers stand for, where traces were sampled. */
static void print_sampled(const bt_replay_options *options, const bt_replay_result *result) {
  const bt_sampled_traces *range = &result->coverage.sampling;
  bt_buffer said = {0};
  for (size_t i = 0; i < result->rule_count; i++) {
    bt_buffer_clear(&said);
    bt_sampled_say_rule(range, &result->rules[i], &said);
    if (said.len) bt_print("sampling: %s: %.*s\n", id_of(options, i), BT_FMT(bt_buffer_str(&said)));
  }
  bt_buffer_dispose(&said);
}

void bt_replay_print_rules(const bt_replay_options *options, const bt_replay_result *result) {
  table t;
  bt_answer answer = bt_answer_of(options, result);
  if (bt_answer_is_unknown(&answer)) {
    bt_answer_print_unknown("", &answer);
  } else if (result->rule_count >= BT_RULES_OF_TABLE && make_table(options, result, &t)) {
    print_table(&t, result, &answer);
    free(t.rows);
  } else {
    for (size_t i = 0; i < result->rule_count; i++)
      if (bt_replay_has_whole(result, i))
        print_whole(id_of(options, i), result, &result->rules[i]);
      else
        print_in_part(id_of(options, i), &result->rules[i], result->others_stand, &answer);
  }
  print_without_link(result);
  print_sampled(options, result);
}
