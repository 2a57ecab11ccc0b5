/* Comparing definitions field by field. See rule_comparison.h. Layout is what the formatter takes away: two texts with
 * one canonical form, comments and annotations included, are the same text. */
#include "server/store/rule_comparison.h"

#include <string.h>

#include "dsl/compile.h"

static bool is_same_text(const char *a, const char *b) {
  return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Keys stand once, so equal numbers and each pair found make the sets equal. */
static bool are_same_pairs(const bt_string_pair *a, size_t a_count, const bt_string_pair *b, size_t b_count) {
  bool is_same = a_count == b_count;
  for (size_t i = 0; i < a_count && is_same; i++) {
    bool is_found = false;
    for (size_t j = 0; j < b_count && !is_found; j++)
      is_found = is_same_text(a[i].key, b[j].key) && is_same_text(a[i].value, b[j].value);
    is_same = is_found;
  }
  return is_same;
}

static bool are_same_fields(const bt_rule_fields *a, const bt_rule_fields *b) {
  return is_same_text(a->id, b->id) && is_same_text(a->name, b->name) && is_same_text(a->description, b->description) &&
         a->severity == b->severity && a->enabled == b->enabled && a->shadow == b->shadow &&
         a->watch_all == b->watch_all && a->settle_ns == b->settle_ns && a->margin_ns == b->margin_ns &&
         a->clock_skew_ns == b->clock_skew_ns && a->require_complete == b->require_complete && a->budget == b->budget &&
         a->links_sampled == b->links_sampled && is_same_text(a->store, b->store) &&
         are_same_pairs(a->labels, a->label_count, b->labels, b->label_count) &&
         are_same_pairs(a->annotations, a->annotation_count, b->annotations, b->annotation_count);
}

static bt_status format_rule(const char *dsl, bt_buffer *out, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(bt_str_from(dsl), out, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  if (!status && out->failed) status = bt_error_no_memory(error);
  return status;
}

bt_status bt_rule_definition_same(const bt_rule_definition *a, const bt_rule_definition *b, bool *is_same,
                                  bt_error *error) {
  bt_buffer left = {0}, right = {0};
  bt_status status = BT_OK;
  *is_same = !a->broken && !b->broken && are_same_fields(&a->fields, &b->fields);
  if (*is_same && strcmp(a->fields.dsl, b->fields.dsl) != 0) {
    status = format_rule(a->fields.dsl, &left, error);
    if (!status) status = format_rule(b->fields.dsl, &right, error);
    *is_same = !status && bt_str_equal(bt_buffer_str(&left), bt_buffer_str(&right));
  }
  bt_buffer_dispose(&left);
  bt_buffer_dispose(&right);
  return status;
}
