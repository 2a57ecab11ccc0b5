/* Pairing two versions of rules, and comparing what they find. See rule_change.h. */
#include "server/cli/lab/rule_change.h"

#include <stdlib.h>
#include <string.h>

const char *bt_change_kind_name(bt_change_kind kind) {
  switch (kind) {
  case BT_RULE_ADDED: return "added";
  case BT_RULE_REMOVED: return "removed";
  case BT_RULE_CHANGED: return "changed";
  case BT_RULE_RENAMED: return "renamed";
  case BT_RULE_EDITED: return "edited";
  case BT_RULE_SAME: return "same";
  }
  return "same";
}

/* ---- pairing ---- */

static bool has_same_pairs(const bt_string_pair *a, size_t a_count, const bt_string_pair *b, size_t b_count) {
  if (a_count != b_count) return false;
  for (size_t i = 0; i < a_count; i++)
    if (strcmp(a[i].key, b[i].key) != 0 || strcmp(a[i].value, b[i].value) != 0) return false;
  return true;
}

static bool has_same_fields(const bt_rule_fields *a, const bt_rule_fields *b) {
  return strcmp(a->name, b->name) == 0 && strcmp(a->description, b->description) == 0 && a->severity == b->severity &&
         a->enabled == b->enabled && a->shadow == b->shadow && a->watch_all == b->watch_all &&
         a->margin_ns == b->margin_ns && has_same_pairs(a->labels, a->label_count, b->labels, b->label_count) &&
         has_same_pairs(a->annotations, a->annotation_count, b->annotations, b->annotation_count);
}

static bt_change_kind kind_of(const bt_rule_definition *old_rule, const bt_rule_definition *new_rule) {
  if (!old_rule) return BT_RULE_ADDED;
  if (!new_rule) return BT_RULE_REMOVED;
  if (strcmp(old_rule->condition_hash, new_rule->condition_hash) != 0) return BT_RULE_CHANGED;
  if (strcmp(old_rule->fields.id, new_rule->fields.id) != 0) return BT_RULE_RENAMED;
  return has_same_fields(&old_rule->fields, &new_rule->fields) ? BT_RULE_SAME : BT_RULE_EDITED;
}

static const bt_rule_definition *find_id(const bt_cli_rules *rules, const char *id) {
  for (size_t i = 0; i < rules->count; i++)
    if (strcmp(rules->items[i]->fields.id, id) == 0) return rules->items[i];
  return NULL;
}

/* A rule of the other side with the same condition that has no partner by id. */
static const bt_rule_definition *find_condition(const bt_cli_rules *rules, const bt_cli_rules *others,
                                                const bt_rule_definition *rule) {
  for (size_t i = 0; i < rules->count; i++)
    if (strcmp(rules->items[i]->condition_hash, rule->condition_hash) == 0 &&
        !find_id(others, rules->items[i]->fields.id))
      return rules->items[i];
  return NULL;
}

static void add_change(bt_rule_changes *changes, const bt_rule_definition *old_rule,
                       const bt_rule_definition *new_rule) {
  bt_rule_change change = {
      .kind = kind_of(old_rule, new_rule), .old_rule = old_rule, .new_rule = new_rule, .old_at = -1, .new_at = -1};
  if (change.kind == BT_RULE_ADDED || change.kind == BT_RULE_REMOVED || change.kind == BT_RULE_CHANGED) {
    if (old_rule) change.old_at = (int)changes->replayed_count, changes->replayed[changes->replayed_count++] = old_rule;
    if (new_rule) change.new_at = (int)changes->replayed_count, changes->replayed[changes->replayed_count++] = new_rule;
  }
  changes->items[changes->count++] = change;
}

static bool is_paired(const bt_rule_changes *changes, const bt_rule_definition *old_rule) {
  for (size_t i = 0; i < changes->count; i++)
    if (changes->items[i].old_rule == old_rule) return true;
  return false;
}

bt_status bt_rule_changes_find(const bt_cli_rules *old_rules, const bt_cli_rules *new_rules, bt_rule_changes *out,
                               bt_error *error) {
  size_t most = old_rules->count + new_rules->count + 1;
  *out = (bt_rule_changes){.items = calloc(most, sizeof *out->items),
                           .replayed = calloc(most, sizeof(const bt_rule_definition *))};
  if (!out->items || !out->replayed) return bt_error_no_memory(error);
  for (size_t i = 0; i < new_rules->count; i++) {
    const bt_rule_definition *rule = new_rules->items[i], *before = find_id(old_rules, rule->fields.id);
    if (!before) before = find_condition(old_rules, new_rules, rule);
    add_change(out, before && !is_paired(out, before) ? before : NULL, rule);
  }
  for (size_t i = 0; i < old_rules->count; i++)
    if (!is_paired(out, old_rules->items[i])) add_change(out, old_rules->items[i], NULL);
  return BT_OK;
}

void bt_rule_changes_dispose(bt_rule_changes *changes) {
  for (size_t i = 0; i < changes->count; i++) free(changes->items[i].traces);
  free(changes->items);
  free(changes->replayed);
  *changes = (bt_rule_changes){0};
}

/* ---- comparing ---- */

static bt_status add_trace(bt_rule_change *change, const bt_violation *violation, bool is_new, bt_error *error) {
  bt_changed_trace *traces =
      bt_grow_array(change->traces, change->trace_count, &change->trace_capacity, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  change->traces = traces;
  traces[change->trace_count++] = (bt_changed_trace){.id = violation->trace_id,
                                                     .time_ns = violation->time_ns,
                                                     .is_new = is_new,
                                                     .provisional = violation->provisional,
                                                     .violation = violation,
                                                     .before = is_new ? BT_NO_VERDICT : BT_VIOLATED,
                                                     .after = is_new ? BT_VIOLATED : BT_NO_VERDICT};
  change->new_count += is_new;
  return BT_OK;
}

static int compare_by_trace(const void *a, const void *b) {
  const bt_collected_violation *x = a, *y = b;
  int order = bt_trace_id_compare(&x->violation->trace_id, &y->violation->trace_id);
  return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

static int compare_by_time(const void *a, const void *b) {
  const bt_changed_trace *x = a, *y = b;
  if (x->time_ns != y->time_ns) return x->time_ns < y->time_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

/* `sorted` is by trace: the violations of one trace stand together. */
static bt_status compare_rule(bt_rule_change *change, const bt_collected_violation *sorted, size_t count,
                              bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0, end; i < count && !status; i = end) {
    const bt_violation *before = NULL, *after = NULL;
    for (end = i;
         end < count && bt_trace_id_compare(&sorted[end].violation->trace_id, &sorted[i].violation->trace_id) == 0;
         end++) {
      if ((int)sorted[end].rule == change->old_at) before = sorted[end].violation;
      if ((int)sorted[end].rule == change->new_at) after = sorted[end].violation;
    }
    if (!before != !after) status = add_trace(change, after ? after : before, after != NULL, error);
  }
  if (change->trace_count) qsort(change->traces, change->trace_count, sizeof *change->traces, compare_by_time);
  return status;
}

bt_status bt_rule_changes_compare(bt_rule_changes *changes, const bt_collected *collected, bt_error *error) {
  bt_status status = BT_OK;
  bt_collected_violation *sorted = bt_realloc_array(NULL, collected->count + 1, sizeof *sorted);
  if (!sorted) return bt_error_no_memory(error);
  if (collected->count) {
    memcpy(sorted, collected->found, collected->count * sizeof *sorted);
    qsort(sorted, collected->count, sizeof *sorted, compare_by_trace);
  }
  for (size_t i = 0; i < changes->count && !status; i++)
    if (changes->items[i].old_at >= 0 || changes->items[i].new_at >= 0)
      status = compare_rule(&changes->items[i], sorted, collected->count, error);
  free(sorted);
  return status;
}
