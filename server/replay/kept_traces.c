/* How the traces of an answer came to be kept. See kept_traces.h. */
#include "server/replay/kept_traces.h"

#include <string.h>

#include "server/replay/policy_seen.h"
#include "server/replay/violation.h"

static bt_str root_service(const bt_trace *trace) {
  return trace->root == BT_NO_SPAN ? (bt_str){0} : trace->spans[trace->root].resource->service;
}

bt_kept_trace bt_kept_trace_of(const bt_trace *trace, const bt_sampling_setting *setting) {
  bt_trace_keeping said = bt_keeping_of(trace);
  bt_kept_trace kept = {said.kind, 0, said.has_policy, false, false, !said.has_policy || bt_policy_is_of_none(trace)};
  bool is_all = setting->declared.kind == BT_SAMPLING_NONE;
  if (said.kind == BT_KEEPING_ONE) kept.probability = bt_threshold_probability(said.threshold);
  kept.contradicts = is_all && (said.has_policy || said.kind == BT_KEEPING_APART ||
                                (said.kind == BT_KEEPING_ONE && said.threshold > 0));
  if (said.kind != BT_KEEPING_UNSAID) return kept;
  double declared = is_all ? 1 : bt_sampling_setting_of(setting, root_service(trace));
  if (declared <= 0) return kept;
  kept.kind = BT_KEEPING_ONE;
  kept.probability = declared;
  kept.by_setting = true;
  return kept;
}

static void widen_range(bt_kept_traces *to, double least, double most) {
  to->least = to->least > 0 && to->least < least ? to->least : least;
  to->most = to->most > most ? to->most : most;
}

static void add_probability(bt_kept_traces *to, double probability, uint64_t count) {
  size_t at = 0;
  widen_range(to, probability, probability);
  while (at < to->by_count && to->by[at].probability < probability) at++;
  if (at < to->by_count && to->by[at].probability == probability) {
    to->by[at].traces += count;
    return;
  }
  if (to->by_count == BT_KEPT_PROBABILITIES) {
    to->between += count;
    return;
  }
  memmove(&to->by[at + 1], &to->by[at], (to->by_count++ - at) * sizeof to->by[0]);
  to->by[at].probability = probability;
  to->by[at].traces = count;
}

void bt_kept_traces_add(bt_kept_traces *to, const bt_kept_trace *trace, uint64_t count) {
  switch (trace->kind) {
  case BT_KEEPING_UNSAID: to->unsaid += count; break;
  case BT_KEEPING_ONE: add_probability(to, trace->probability, count); break;
  case BT_KEEPING_APART: to->apart += count; break;
  case BT_KEEPING_UNCLEAR: to->unclear += count; break;
  }
  to->by_policy += trace->by_policy ? count : 0;
  to->by_setting += trace->by_setting ? count : 0;
  to->contradicts += trace->contradicts ? count : 0;
}

void bt_kept_traces_join(bt_kept_traces *to, const bt_kept_traces *from) {
  for (size_t i = 0; i < from->by_count; i++) add_probability(to, from->by[i].probability, from->by[i].traces);
  if (from->between) widen_range(to, from->least, from->most);
  to->between += from->between;
  to->unsaid += from->unsaid;
  to->apart += from->apart;
  to->unclear += from->unclear;
  to->by_policy += from->by_policy;
  to->by_setting += from->by_setting;
  to->contradicts += from->contradicts;
}

uint64_t bt_kept_traces_count(const bt_kept_traces *kept) {
  uint64_t count = kept->between + kept->unsaid + kept->apart + kept->unclear;
  for (size_t i = 0; i < kept->by_count; i++) count += kept->by[i].traces;
  return count;
}

typedef char service_names[BT_ENTRY_SERVICES][BT_ENTRY_SERVICE_BYTES];

static bool has_name(const service_names names, size_t count, const char *name) {
  size_t at = 0;
  while (at < count && strcmp(names[at], name) != 0) at++;
  return at < count;
}

/* The first so many by name, whatever order they come in. False: there was no room for all. */
static bool add_name(service_names names, size_t *count, const char *name) {
  size_t at = 0;
  bool is_full = *count == BT_ENTRY_SERVICES;
  if (has_name((const char(*)[BT_ENTRY_SERVICE_BYTES])names, *count, name)) return true;
  while (at < *count && strcmp(names[at], name) < 0) at++;
  if (at == BT_ENTRY_SERVICES) return false;
  if (is_full) (*count)--;
  memmove(names[at + 1], names[at], ((*count)++ - at) * BT_ENTRY_SERVICE_BYTES);
  memcpy(names[at], name, strlen(name) + 1);
  return !is_full;
}

static void add_entry(bt_sampled_traces *to, const char *name) {
  if (!add_name(to->entry_services, &to->entry_count, name)) to->has_more_entries = true;
}

void bt_sampled_traces_add(bt_sampled_traces *to, const bt_trace *trace, const bt_kept_trace *kept) {
  char name[BT_ENTRY_SERVICE_BYTES] = {0};
  bt_kept_traces_add(&to->kept, kept, 1);
  if (kept->kind != BT_KEEPING_ONE || kept->by_setting) return;
  bt_str service = bt_text_cut(root_service(trace), sizeof name - 1);
  if (service.len) memcpy(name, service.ptr, service.len);
  if (kept->probability < 1)
    add_entry(to, name);
  else
    (void)add_name(to->sure_services, &to->sure_count, name);
}

/* Both lists are the first by name. */
const char *bt_sampled_traces_sure_alone(const bt_sampled_traces *range) {
  if (range->declared.kind == BT_SAMPLING_DECLARED || !range->entry_count) return NULL;
  const char *last = range->entry_services[range->entry_count - 1];
  for (size_t i = 0; i < range->sure_count; i++) {
    const char *name = range->sure_services[i];
    bool may_be_cut = range->has_more_entries && strcmp(name, last) > 0;
    if (!may_be_cut && !has_name(range->entry_services, range->entry_count, name)) return name;
  }
  return NULL;
}

static void keep_more(uint64_t *to, uint64_t from) {
  if (from > *to) *to = from;
}

static uint64_t count_with(const bt_kept_traces *kept, double probability) {
  for (size_t i = 0; i < kept->by_count; i++)
    if (kept->by[i].probability == probability) return kept->by[i].traces;
  return 0;
}

static void overlap_kept(bt_kept_traces *to, const bt_kept_traces *from) {
  for (size_t i = 0; i < from->by_count; i++) {
    uint64_t own = count_with(to, from->by[i].probability), more = from->by[i].traces;
    add_probability(to, from->by[i].probability, more > own ? more - own : 0);
  }
  if (from->between) widen_range(to, from->least, from->most);
  keep_more(&to->between, from->between);
  keep_more(&to->unsaid, from->unsaid);
  keep_more(&to->apart, from->apart);
  keep_more(&to->unclear, from->unclear);
  keep_more(&to->by_policy, from->by_policy);
  keep_more(&to->by_setting, from->by_setting);
  keep_more(&to->contradicts, from->contradicts);
}

static void join_entries(bt_sampled_traces *to, const bt_sampled_traces *from) {
  if (!to->declared.text) to->declared = from->declared;
  for (size_t i = 0; i < from->entry_count; i++) add_entry(to, from->entry_services[i]);
  to->has_more_entries = to->has_more_entries || from->has_more_entries;
  for (size_t i = 0; i < from->sure_count; i++)
    (void)add_name(to->sure_services, &to->sure_count, from->sure_services[i]);
}

void bt_sampled_traces_join(bt_sampled_traces *to, const bt_sampled_traces *from) {
  bt_kept_traces_join(&to->kept, &from->kept);
  join_entries(to, from);
}

void bt_sampled_traces_overlap(bt_sampled_traces *to, const bt_sampled_traces *from) {
  overlap_kept(&to->kept, &from->kept);
  join_entries(to, from);
}

const char *bt_kept_known_name(bt_kept_known known) {
  static const char *const names[] = {"not_declared", "all", "by_chance", "in_part", "contradicts"};
  return names[known];
}

static bool is_declared_for_all(const bt_declared_sampling *declared) {
  return declared->kind == BT_SAMPLING_DECLARED;
}

/* That spans say 1 is of these alone: whoever was dropped says nothing. */
bt_kept_known bt_sampled_traces_known(const bt_sampled_traces *sampled) {
  const bt_declared_sampling *declared = &sampled->declared;
  const bt_kept_traces *range = &sampled->kept;
  bool is_all = declared->kind == BT_SAMPLING_NONE;
  if (range->contradicts) return BT_KEPT_CONTRADICTS;
  if (is_all && !range->unclear) return BT_KEPT_ALL;
  if (range->unclear || range->apart || range->by_policy || bt_sampled_traces_sure_alone(sampled))
    return BT_KEPT_IN_PART;
  if (range->least > 0 && (range->least < 1 || is_declared_for_all(declared)))
    return range->unsaid ? BT_KEPT_IN_PART : BT_KEPT_BY_CHANCE;
  if (!range->by_count && !range->unsaid && is_declared_for_all(declared)) return BT_KEPT_BY_CHANCE;
  return declared->kind == BT_SAMPLING_POLICY ? BT_KEPT_IN_PART : BT_KEPT_NOT_SAID;
}

bool bt_sampled_traces_chance(const bt_sampled_traces *range, double *least, double *most) {
  bt_kept_traces all = range->kept;
  if (bt_sampled_traces_known(range) != BT_KEPT_BY_CHANCE) return false;
  if (is_declared_for_all(&range->declared)) widen_range(&all, range->declared.least, range->declared.most);
  *least = all.least;
  *most = all.most;
  return true;
}

bool bt_sampled_traces_lack(const bt_sampled_traces *range) {
  bt_kept_known known = bt_sampled_traces_known(range);
  return known != BT_KEPT_NOT_SAID && known != BT_KEPT_ALL;
}

typedef struct group_list {
  bt_kept_group items[BT_KEPT_GROUPS_MAX];
  size_t count;
} group_list;

static void add_group(group_list *groups, double least, double most, uint64_t seen) {
  groups->items[groups->count++] = (bt_kept_group){least, most, seen};
}

/* What is declared holds for those that were never seen, too. */
static void add_never_seen(group_list *groups, const bt_kept_traces *range, const bt_declared_sampling *declared) {
  for (size_t i = 0; i < range->by_count; i++) add_group(groups, range->by[i].probability, range->by[i].probability, 0);
  if (range->between) add_group(groups, range->least, range->most, 0);
  if (is_declared_for_all(declared)) add_group(groups, declared->least, declared->most, 0);
}

/* Of those that nobody looked at, all that is known is the range from `least` to `most`. */
static void add_seen(group_list *groups, const bt_kept_traces *of, uint64_t seen, double least, double most) {
  uint64_t looked = 0;
  for (size_t i = 0; i < of->by_count; i++) {
    add_group(groups, of->by[i].probability, of->by[i].probability, of->by[i].traces);
    looked += of->by[i].traces;
  }
  if (of->between) add_group(groups, of->least, of->most, of->between);
  looked += of->between;
  uint64_t others = seen > looked ? seen - looked : 0;
  if (others) add_group(groups, least, most, others);
}

/* Traces of which nothing is known count as they were seen: each happened. */
static bt_estimate find_least(const bt_kept_traces *of, uint64_t seen) {
  group_list groups = {.count = 0};
  add_seen(&groups, of, seen, 1, 1);
  return (bt_estimate){bt_estimate_happened(groups.items, groups.count).low, UINT64_MAX};
}

bool bt_sampled_traces_estimate(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen,
                                bt_estimate *out) {
  static const bt_kept_traces none = {0};
  if (bt_kept_traces_count(of) > seen) of = &none; /* shards counted one twice: nobody knows which */
  if (!bt_sampled_traces_lack(range)) return false;
  if (bt_sampled_traces_known(range) != BT_KEPT_BY_CHANCE) {
    *out = find_least(of, seen);
    return out->low > seen;
  }
  group_list groups = {.count = 0};
  bt_kept_traces all = range->kept;
  if (is_declared_for_all(&range->declared)) widen_range(&all, range->declared.least, range->declared.most);
  add_seen(&groups, of, seen, all.least, all.most);
  add_never_seen(&groups, &all, &range->declared);
  *out = bt_estimate_happened(groups.items, groups.count);
  if (out->low < seen) out->low = seen;
  return true;
}
