/* What two programs say, printed. See diff_programs.h. */
#include <inttypes.h>
#include <string.h>

#include "dsl/evaluate/eval.h"
#include "server/cli/cli.h"
#include "server/cli/lab/diff_programs.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"

/* ---- what is known ---- */

bool bt_program_diff_is_refused(const bt_program_diff *diff, size_t rule) {
  return diff->rules.items[rule].refused[BT_OLD_PROGRAM] || diff->rules.items[rule].refused[BT_NEW_PROGRAM];
}

const bt_rule_answer *bt_program_diff_counts(const bt_program_diff *diff, size_t rule, int side) {
  const bt_program_answer *of = diff->two.of_replays ? &diff->answers[side] : &diff->counts[side];
  return of->has_end && of->rules[rule].has_counts ? &of->rules[rule] : NULL;
}

bool bt_program_diff_is_idle(const bt_program_diff *diff, size_t rule) {
  const bt_rule_answer *counts = bt_program_diff_is_refused(diff, rule) || diff->unknown.len
                                     ? NULL
                                     : bt_program_diff_counts(diff, rule, BT_NEW_PROGRAM);
  return counts && !counts->exercised && !counts->inconclusive && counts->exercised_is_exact;
}

void bt_program_diff_say_unknown(const bt_program_diff *diff, size_t rule, bt_buffer *out) {
  const bt_judged_rule *judged = &diff->rules.items[rule];
  const char *before = judged->refused[BT_OLD_PROGRAM], *after = judged->refused[BT_NEW_PROGRAM];
  if (before && after && strcmp(before, after) == 0)
    bt_buffer_printf(out, "neither program takes it: %s", before);
  else if (before && after)
    bt_buffer_printf(out, "%s does not take it: %s; nor does this program: %s", diff->old_program, before, after);
  else if (before)
    bt_buffer_printf(out, "%s does not take it: %s", diff->old_program, before);
  else if (after)
    bt_buffer_printf(out, "this program does not take it: %s", after);
  else if (diff->unknown.len)
    bt_buffer_append(out, bt_buffer_str(&diff->unknown));
  else
    bt_buffer_append(out, bt_buffer_str(&diff->changes[rule].not_known));
}

uint64_t bt_program_diff_total(const bt_program_diff *diff) {
  uint64_t total = 0;
  for (size_t i = 0; i < diff->rules.count; i++) total += bt_program_change_total(&diff->changes[i]);
  return total;
}

static bool is_known(const bt_program_diff *diff, size_t rule) {
  return !diff->unknown.len && !bt_program_diff_is_refused(diff, rule) && !diff->changes[rule].not_known.len;
}

bool bt_program_diff_is_certain(const bt_program_diff *diff) {
  for (size_t i = 0; i < diff->rules.count; i++)
    if (!is_known(diff, i)) return false;
  return true;
}

/* Where both counts are known. */
static bool counts_change(const bt_program_diff *diff, size_t rule) {
  const bt_rule_answer *before = bt_program_diff_counts(diff, rule, BT_OLD_PROGRAM),
                       *after = bt_program_diff_counts(diff, rule, BT_NEW_PROGRAM);
  return before && after &&
         (before->exercised != after->exercised || before->exercised_is_exact != after->exercised_is_exact);
}

/* ---- kinds of changes ---- */

static bool is_same_kind(const bt_program_diff *diff, size_t rule, const bt_told_change *a, const bt_told_change *b) {
  for (int side = 0; side < 2; side++) {
    const bt_told *one = side ? a->after : a->before, *other = side ? b->after : b->before;
    if (bt_program_change_verdict(&diff->two, rule, a, side) != bt_program_change_verdict(&diff->two, rule, b, side))
      return false;
    if (one && other && one->reason != other->reason) return false;
  }
  return true;
}

/* Changes of one kind are counted together. There are few kinds: pairs of verdicts with their reasons. */
enum { MOST_KINDS = 64 };
typedef struct kinds {
  const bt_told_change *items[MOST_KINDS]; /* one of each */
  size_t counts[MOST_KINDS];
  size_t count, others;
} kinds;

static kinds kinds_of(const bt_program_diff *diff, size_t rule) {
  const bt_program_change *change = &diff->changes[rule];
  kinds all = {0};
  for (size_t i = 0; i < change->count; i++) {
    size_t at = 0;
    while (at < all.count && !is_same_kind(diff, rule, all.items[at], &change->items[i])) at++;
    if (at == MOST_KINDS) {
      all.others++;
      continue;
    }
    all.count += at == all.count;
    all.items[at] = &change->items[i];
    all.counts[at]++;
  }
  return all;
}

/* ---- text ---- */

static void say_both(const bt_program_diff *diff, size_t rule, const bt_told_change *item, bt_buffer *out) {
  bt_program_change_say(&diff->two, rule, item, BT_OLD_PROGRAM, out);
  bt_buffer_append(out, BT_STR(" → "));
  bt_program_change_say(&diff->two, rule, item, BT_NEW_PROGRAM, out);
}

static const bt_told *violation_of(const bt_told_change *item) {
  bool is_after = item->after && item->after->verdict == BT_VIOLATED;
  bool is_before = item->before && item->before->verdict == BT_VIOLATED;
  return is_after ? item->after : is_before ? item->before : NULL;
}

static const bt_trace_id *id_of(const bt_told_change *item) {
  return item->after ? &item->after->trace_id : &item->before->trace_id;
}

static void print_trace(const bt_program_diff *diff, size_t rule, const bt_told_change *item) {
  const bt_told *violation = violation_of(item);
  bool is_new = violation && violation == item->after;
  char id[BT_TRACE_ID_HEX + 1];
  bt_buffer text = {0};
  bt_trace_id_format(id_of(item), id);
  say_both(diff, rule, item, &text);
  bt_style style = !violation ? BT_STYLE_YELLOW : is_new ? BT_STYLE_RED : BT_STYLE_GREEN;
  bt_print("  %s%c %.*s%s  ", bt_style_on(style),
           !violation ? '~'
           : is_new   ? '+'
                      : '-',
           BT_FMT(bt_buffer_str(&text)), bt_style_on(BT_STYLE_OFF));
  if (violation && violation->time) bt_print("%.19sZ  ", violation->time);
  bt_print("%s\n", id);
  if (violation && violation->message) bt_print("      %s%s\n", is_new ? "" : "before: ", violation->message);
  bt_buffer_dispose(&text);
}

static void print_kinds(const bt_program_diff *diff, size_t rule) {
  const bt_program_change *change = &diff->changes[rule];
  kinds all = kinds_of(diff, rule);
  for (size_t i = 0; i < all.count; i++) {
    bt_buffer text = {0};
    say_both(diff, rule, all.items[i], &text);
    bt_print("  %zu trace%s: %.*s\n", all.counts[i], bt_cli_plural(all.counts[i]), BT_FMT(bt_buffer_str(&text)));
    bt_buffer_dispose(&text);
  }
  if (all.others) bt_print("  %zu trace%s: other changes\n", all.others, bt_cli_plural(all.others));
  if (change->unlisted)
    bt_print("  %" PRIu64 " trace%s or more: %s\n", change->unlisted, bt_cli_plural(change->unlisted),
             change->inconclusive[1] > change->inconclusive[0] ? "not violated → inconclusive"
                                                               : "inconclusive → not violated");
  if (change->reasons_changed)
    bt_print("  %" PRIu64 " trace%s still inconclusive, for another reason\n", change->reasons_changed,
             change->reasons_changed == 1 ? " is" : "s are");
}

static void print_exercised(const bt_program_diff *diff, size_t rule, bool has_changes) {
  const bt_rule_answer *before = bt_program_diff_counts(diff, rule, BT_OLD_PROGRAM),
                       *after = bt_program_diff_counts(diff, rule, BT_NEW_PROGRAM);
  if (!before || !after) return;
  bt_print("  exercised by traces %s%" PRIu64 " → %s%" PRIu64 "%s\n", before->exercised_is_exact ? "" : "at least ",
           before->exercised, after->exercised_is_exact ? "" : "at least ", after->exercised,
           has_changes ? "" : "; this is a count, and no verdict changes by it");
}

static void print_rule(const bt_program_diff *diff, size_t rule) {
  const bt_program_change *change = &diff->changes[rule];
  uint64_t total = bt_program_change_total(change);
  bool known = is_known(diff, rule), counts = !diff->unknown.len && counts_change(diff, rule);
  if (known && !total && !counts && !change->reasons_changed) return;
  bt_print("%s%s%s: %s", bt_style_on(BT_STYLE_BOLD), diff->rules.items[rule].id, bt_style_on(BT_STYLE_OFF),
           total   ? "verdicts change"
           : known ? "its verdicts stay"
                   : "");
  if (!known) {
    bt_buffer why = {0};
    bt_program_diff_say_unknown(diff, rule, &why);
    bt_print("%s%snot known%s: %.*s", total ? "; " : "", bt_style_on(BT_STYLE_YELLOW), bt_style_on(BT_STYLE_OFF),
             BT_FMT(bt_buffer_str(&why)));
    bt_buffer_dispose(&why);
  }
  bt_print("\n");
  if (total) bt_print("  violations %" PRIu64 " → %" PRIu64 "\n", change->violations[0], change->violations[1]);
  if (counts || total) print_exercised(diff, rule, total > 0);
  if (total && (change->inconclusive[0] || change->inconclusive[1]))
    bt_print("  inconclusive %" PRIu64 " → %" PRIu64 "\n", change->inconclusive[0], change->inconclusive[1]);
  print_kinds(diff, rule);
  for (size_t i = 0; i < change->count && (!diff->examples || i < diff->examples); i++)
    print_trace(diff, rule, &change->items[i]);
  if (diff->examples && change->count > diff->examples)
    bt_print("  … and %zu more (--examples 0 shows all)\n", change->count - (size_t)diff->examples);
}

static void print_end(const bt_program_diff *diff, size_t kept, size_t unknown) {
  uint64_t total = bt_program_diff_total(diff);
  if (kept) bt_print("%zu rule%s verdicts\n", kept, kept == 1 ? " keeps its" : "s keep their");
  if (diff->start[0]) bt_print("range: %.19sZ to %.19sZ\n", diff->start, diff->end);
  if (unknown) {
    bt_print("%s", bt_style_on(BT_STYLE_YELLOW));
    if (total)
      bt_print("%" PRIu64 " verdict%s found to change; ", total, total == 1 ? " was" : "s were");
    else
      bt_print("UNKNOWN: ");
    bt_print("of %zu rule%s not everything is known (above)%s\n", unknown, bt_cli_plural(unknown),
             bt_style_on(BT_STYLE_OFF));
  } else if (total) {
    bt_print("%s%" PRIu64 " verdict%s change%s%s\n", bt_style_on(BT_STYLE_YELLOW), total, bt_cli_plural(total),
             total == 1 ? "s" : "", bt_style_on(BT_STYLE_OFF));
  } else {
    bt_print("%sno verdict changes%s\n", bt_style_on(BT_STYLE_GREEN), bt_style_on(BT_STYLE_OFF));
  }
}

void bt_program_diff_print(const bt_program_diff *diff) {
  size_t kept = 0, unknown = 0;
  if (diff->unknown.len) {
    bt_print("%sUNKNOWN%s: %.*s; nothing is known of %zu rule%s\n", bt_style_on(BT_STYLE_YELLOW),
             bt_style_on(BT_STYLE_OFF), BT_FMT(bt_buffer_str(&diff->unknown)), diff->rules.count,
             bt_cli_plural(diff->rules.count));
    return;
  }
  for (size_t i = 0; i < diff->rules.count; i++) {
    print_rule(diff, i);
    unknown += !is_known(diff, i);
    kept += is_known(diff, i) && !bt_program_change_total(&diff->changes[i]);
  }
  print_end(diff, kept, unknown);
}

/* ---- JSON ---- */

static json_t *side_json(const bt_program_diff *diff, size_t rule, int side) {
  const bt_rule_answer *counts = bt_program_diff_counts(diff, rule, side);
  json_t *object = json_object();
  if (diff->unknown.len || bt_program_diff_is_refused(diff, rule)) {
    json_decref(object);
    return json_null();
  }
  bt_json_set(object, "violations", bt_count_json(diff->changes[rule].violations[side]));
  bt_json_set(object, "inconclusive", bt_count_json(diff->changes[rule].inconclusive[side]));
  bt_json_set(object, "exercised", counts ? bt_count_json(counts->exercised) : json_null());
  bt_json_set(object, "exercised_kind",
              counts ? json_string(counts->exercised_is_exact ? "exact" : "at_least") : json_null());
  return object;
}

static void set_verdict(const bt_program_diff *diff, size_t rule, const bt_told_change *item, int side,
                        json_t *object) {
  const bt_told *told = side ? item->after : item->before;
  const char *reason = told ? bt_program_answer_reason(diff->two.answers[side], told) : "";
  bt_json_set(object, side ? "after" : "before",
              told ? json_string(bt_verdict_name((bt_verdict)bt_program_change_verdict(&diff->two, rule, item, side)))
                   : json_null());
  bt_json_set(object, side ? "after_reason" : "before_reason", bt_optional_text_json(reason));
}

static json_t *trace_json(const bt_program_diff *diff, size_t rule, const bt_told_change *item) {
  const bt_told *violation = violation_of(item);
  char id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id_of(item), id);
  json_t *object = json_object();
  bt_json_set(object, "trace_id", json_string(id));
  bt_json_set(object, "change",
              json_string(!violation                 ? "other"
                          : violation == item->after ? "newly_violated"
                                                     : "no_longer_violated"));
  for (int side = 0; side < 2; side++) set_verdict(diff, rule, item, side, object);
  bt_json_set(object, "time", bt_optional_text_json(violation ? violation->time : NULL));
  bt_json_set(object, "message", bt_optional_text_json(violation ? violation->message : NULL));
  return object;
}

static json_t *kinds_json(const bt_program_diff *diff, size_t rule) {
  kinds all = kinds_of(diff, rule);
  json_t *array = json_array();
  for (size_t i = 0; i < all.count; i++) {
    json_t *object = json_object();
    for (int side = 0; side < 2; side++) set_verdict(diff, rule, all.items[i], side, object);
    bt_json_set(object, "traces", bt_count_json(all.counts[i]));
    bt_json_append(array, object);
  }
  return array;
}

static json_t *rule_json(const bt_program_diff *diff, size_t rule) {
  const bt_program_change *change = &diff->changes[rule];
  bt_buffer why = {0};
  json_t *traces = json_array(), *object = json_object();
  for (size_t i = 0; i < change->count; i++) bt_json_append(traces, trace_json(diff, rule, &change->items[i]));
  if (!is_known(diff, rule)) bt_program_diff_say_unknown(diff, rule, &why);
  bt_json_set(object, "id", json_string(diff->rules.items[rule].id));
  bt_json_set(object, "known", json_boolean(is_known(diff, rule)));
  bt_json_set(object, "not_known", why.len ? bt_text_json(bt_buffer_str(&why)) : json_null());
  bt_json_set(object, "old", side_json(diff, rule, BT_OLD_PROGRAM));
  bt_json_set(object, "new", side_json(diff, rule, BT_NEW_PROGRAM));
  bt_json_set(object, "verdicts_changed", bt_count_json(bt_program_change_total(change)));
  bt_json_set(object, "newly_violated", bt_count_json(change->newly_violated));
  bt_json_set(object, "no_longer_violated", bt_count_json(change->no_longer_violated));
  bt_json_set(object, "reasons_changed", bt_count_json(change->reasons_changed));
  bt_json_set(object, "kinds", kinds_json(diff, rule));
  bt_json_set(object, "traces", traces);
  bt_buffer_dispose(&why);
  return object;
}

void bt_program_diff_print_json(const bt_program_diff *diff) {
  json_t *rules = json_array(), *object = json_object(), *range = diff->start[0] ? json_object() : json_null();
  for (size_t i = 0; i < diff->rules.count; i++) bt_json_append(rules, rule_json(diff, i));
  if (diff->start[0]) {
    bt_json_set(range, "start", json_string(diff->start));
    bt_json_set(range, "end", json_string(diff->end));
  }
  bt_json_set(object, "old_program", bt_text_json(bt_str_from(diff->old_program)));
  bt_json_set(object, "range", range);
  bt_json_set(object, "rules", rules);
  bt_json_set(object, "verdicts_changed", bt_count_json(bt_program_diff_total(diff)));
  bt_json_set(object, "status", json_string(bt_program_diff_is_certain(diff) ? "completed" : "incomplete"));
  bt_json_set(object, "reason", diff->unknown.len ? bt_text_json(bt_buffer_str(&diff->unknown)) : json_null());
  bt_cli_print_json(object);
}
