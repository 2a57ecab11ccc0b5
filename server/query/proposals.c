/* Rules proposed from what traces have in common. See mining.h. Left out is what says nothing: that a span has its
 * ancestors, that a span comes after its ancestors, and both directions of one observation. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/time_text.h"
#include "server/query/mining.h"
#include "server/rules/derived_rule.h"

const char *bt_proposal_kind_name(bt_proposal_kind kind) {
  switch (kind) {
  case BT_PROPOSE_ORDER: return "order";
  case BT_PROPOSE_PRESENCE: return "presence";
  case BT_PROPOSE_COUNT: return "count";
  case BT_PROPOSE_LATENCY: return "latency";
  }
  return "presence";
}

typedef struct proposals {
  bt_proposal *items;
  size_t count, capacity;
  bool no_memory;
} proposals;

static void add_proposal(proposals *all, bt_proposal proposal) {
  bt_proposal *items = bt_grow_array(all->items, all->count, &all->capacity, sizeof *items);
  if (!items) {
    all->no_memory = true;
    return;
  }
  all->items = items;
  items[all->count++] = proposal;
}

/* Where `other` is in nearly every trace anyway, its presence says little. */
static double rate_surprise(const bt_mining *mining, uint32_t other) {
  return 1.0 - (double)mining->names[other].traces / (double)mining->traces;
}

static void propose_pair(const bt_mining *mining, uint32_t a, uint32_t b, double share, proposals *all) {
  double support = mining->names[a].traces, both = mining->together[a][b];
  if (a == b || both < share * support || mining->above[b][a]) return;
  bool is_mutual = both >= share * (double)mining->names[b].traces;
  bool is_before = (double)mining->before[b][a] >= share * both;
  if (is_before)
    add_proposal(all,
                 (bt_proposal){BT_PROPOSE_ORDER, a, b, 0, 2.0 + rate_surprise(mining, b) + support / mining->traces});
  else if (!is_mutual || (a < b && !mining->above[a][b] && (double)mining->before[a][b] < share * both))
    add_proposal(
        all, (bt_proposal){BT_PROPOSE_PRESENCE, a, b, 0, 1.0 + rate_surprise(mining, b) + support / mining->traces});
}

/* The parent that spans of that name mostly have; BT_NO_SPAN: none. */
static uint32_t usual_parent(const bt_mining *mining, uint32_t name) {
  uint32_t best = BT_NO_SPAN;
  for (uint32_t p = 0; p < mining->name_count; p++)
    if (mining->child[p][name] && (best == BT_NO_SPAN || mining->child[p][name] > mining->child[best][name])) best = p;
  return best;
}

static void propose_count(bt_mining *mining, uint32_t name, double share, proposals *all) {
  uint32_t parent = usual_parent(mining, name);
  int64_t most = bt_mined_quantile(&mining->names[name].counts, share);
  if (parent == BT_NO_SPAN || parent == name || most < 2) return;
  add_proposal(all, (bt_proposal){BT_PROPOSE_COUNT, parent, name, most,
                                  1.0 + (double)mining->names[name].traces / mining->traces});
}

/* The next number that people write: 1, 1.5, 2, 3, 5, 7.5 times a power of ten. */
static int64_t round_up(int64_t ns) {
  static const int64_t steps[] = {10, 15, 20, 30, 50, 75};
  for (int64_t power = 100000; power < INT64_MAX / 1000; power *= 10) /* from 1 ms */
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
      if (ns < steps[i] * power) return steps[i] * power;
  return ns;
}

static void propose_latency(bt_mining *mining, uint32_t name, double share, proposals *all) {
  int64_t bound = round_up(bt_mined_quantile(&mining->names[name].longest, share));
  add_proposal(all, (bt_proposal){BT_PROPOSE_LATENCY, name, name, bound,
                                  0.5 * (double)mining->names[name].traces / mining->traces});
}

static int compare_proposals(const void *a, const void *b) {
  const bt_proposal *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->name != y->name) return x->name < y->name ? -1 : 1;
  return (x->other > y->other) - (x->other < y->other);
}

bt_status bt_mining_propose(bt_mining *mining, uint32_t least, double share, size_t most, bt_proposal **out,
                            size_t *count, bt_error *error) {
  proposals all = {0};
  for (uint32_t a = 0; a < mining->name_count; a++) {
    if (mining->names[a].traces < least) continue;
    for (uint32_t b = 0; b < mining->name_count; b++) propose_pair(mining, a, b, share, &all);
    propose_count(mining, a, share, &all);
    propose_latency(mining, a, share, &all);
  }
  if (all.count) qsort(all.items, all.count, sizeof *all.items, compare_proposals);
  *out = all.items;
  *count = all.count < most ? all.count : most;
  return all.no_memory ? bt_error_no_memory(error) : BT_OK;
}

/* ---- as rules ---- */

static void write_name(const bt_mining *mining, uint32_t number, bt_buffer *out) {
  bt_rule_quote(mining->names[number].name, out);
}

static void write_slug(const bt_mining *mining, uint32_t number, bt_buffer *out) {
  enum { LONGEST = 40 };
  bt_str name = mining->names[number].name;
  size_t start = out->len;
  for (size_t i = 0; i < name.len && out->len - start < LONGEST; i++) {
    char c = name.ptr[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (is_plain)
      bt_buffer_append_char(out, c);
    else if (out->len > start && out->ptr[out->len - 1] != '-')
      bt_buffer_append_char(out, '-');
  }
}

void bt_proposal_write(const bt_mining *mining, const bt_proposal *proposal, bt_buffer *dsl, bt_buffer *id) {
  static const char *const words[] = {"-after-", "-needs-", "-limits-", "-within"};
  char duration[64];
  bool has_binding = proposal->kind != BT_PROPOSE_PRESENCE;
  bt_buffer_append(dsl, BT_STR("when { "));
  write_name(mining, proposal->name, dsl);
  bt_buffer_append(dsl, has_binding ? BT_STR(" as a }\nalways { ") : BT_STR(" }\nalways { "));
  switch (proposal->kind) {
  case BT_PROPOSE_ORDER:
    write_name(mining, proposal->other, dsl);
    bt_buffer_append(dsl, BT_STR(" before a"));
    break;
  case BT_PROPOSE_PRESENCE: write_name(mining, proposal->other, dsl); break;
  case BT_PROPOSE_COUNT:
    bt_buffer_append(dsl, BT_STR("count("));
    write_name(mining, proposal->other, dsl);
    bt_buffer_printf(dsl, " under a) <= %" PRId64, proposal->bound);
    break;
  case BT_PROPOSE_LATENCY:
    bt_duration_format(proposal->bound, duration);
    bt_buffer_printf(dsl, "a.where(span.duration < %s)", duration);
    break;
  }
  bt_buffer_append(dsl, BT_STR(" }\n"));
  bt_buffer_append(id, BT_STR("suggested-"));
  write_slug(mining, proposal->name, id);
  bt_buffer_append(id, bt_str_from(words[proposal->kind]));
  if (proposal->kind != BT_PROPOSE_LATENCY) write_slug(mining, proposal->other, id);
}
