/* How traces were kept by the service that they enter. See entry_services.h. */
#include "server/replay/entry_services.h"

#include <stdlib.h>
#include <string.h>

bt_status bt_entry_services_open(bt_entry_services *services, size_t rule_count, bt_error *error) {
  services->rules = calloc(rule_count ? rule_count : 1, sizeof *services->rules);
  return services->rules ? BT_OK : bt_error_no_memory(error);
}

void bt_entry_services_dispose(bt_entry_services *services) {
  free(services->rules);
  services->rules = NULL;
}

static uint32_t entry_of(const bt_known *known) {
  uint32_t a = known->flags & BT_KNOWN_MATCHED ? known->matched.entry : BT_ENTRY_UNKNOWN;
  uint32_t b = known->flags & BT_KNOWN_LISTED ? known->listed.entry : BT_ENTRY_UNKNOWN;
  if (a == BT_ENTRY_UNKNOWN || a == b) return b;
  return b == BT_ENTRY_UNKNOWN ? a : BT_ENTRY_SEVERAL;
}

uint8_t bt_entry_services_number(bt_entry_services *services, const bt_known *known) {
  uint32_t entry = entry_of(known);
  if (entry < BT_ENTRY_FIRST) return BT_ENTRY_NONE;
  size_t i = 0;
  while (i < services->count && services->ways[i].entry != entry) i++;
  if (i == BT_ENTRIES) return BT_ENTRY_NONE;
  if (i == services->count) services->ways[services->count++] = (bt_entry_way){.entry = entry};
  return (uint8_t)i;
}

void bt_entry_services_look(bt_entry_services *services, const bt_known *known, const bt_kept_trace *kept) {
  uint8_t number = bt_entry_services_number(services, known);
  if (number == BT_ENTRY_NONE) return;
  bt_entry_way *way = &services->ways[number];
  double probability = kept->kind == BT_KEEPING_ONE && !kept->by_policy ? kept->probability : 0;
  way->probability = !way->looked || way->probability == probability ? probability : 0;
  way->looked++;
}

/* ---- counted, and not read ---- */

static uint64_t key_of(const bt_trace_table *table, uint32_t known) {
  return bt_replay_plan_sample_key(table->plan, &table->traces[known].matched.id);
}

static void offer_sample(bt_entry_count *count, const bt_trace_table *table, uint32_t known) {
  uint32_t at = count->sample_count;
  uint64_t key = key_of(table, known);
  while (at && key < key_of(table, count->sample[at - 1])) at--;
  if (at == BT_ENTRY_SAMPLE) return;
  if (count->sample_count < BT_ENTRY_SAMPLE) count->sample_count++;
  memmove(&count->sample[at + 1], &count->sample[at], (count->sample_count - at - 1) * sizeof count->sample[0]);
  count->sample[at] = known;
}

void bt_entry_services_count_violation(bt_entry_services *services, const bt_trace_table *table, size_t rule,
                                       const bt_known *known) {
  uint8_t number = bt_entry_services_number(services, known);
  if (number == BT_ENTRY_NONE) return;
  bt_entry_count *count = &services->rules[rule][number];
  count->violations++;
  offer_sample(count, table, (uint32_t)(known - table->traces));
}

void bt_entry_services_count_exercised(bt_entry_services *services, size_t rule, const bt_known *known) {
  uint8_t number = bt_entry_services_number(services, known);
  if (number != BT_ENTRY_NONE) services->rules[rule][number].exercised++;
}

/* ---- what follows ---- */

/* By now. */
static bool is_sample_read(const bt_entry_count *count, const bt_trace_table *table) {
  for (uint32_t i = 0; i < count->sample_count; i++)
    if (!table->traces[count->sample[i]].kept) return false;
  return true;
}

/* 0: nothing is declared. */
static double declared_of(const bt_sampling_setting *setting, uint32_t entry) {
  if (setting->declared.kind != BT_SAMPLING_DECLARED) return 0;
  for (size_t i = 0; i < setting->service_count; i++)
    if (bt_entry_of(setting->services[i].name) == entry) return setting->services[i].probability;
  return setting->declared.probability;
}

static void settle_rule(const bt_entry_count *count, const bt_kept_trace *kept, bool is_of_violations,
                        bt_rule_result *rule) {
  if (count->exercised) bt_kept_traces_add(&rule->exercised_kept, kept, count->exercised);
  if (count->violations && is_of_violations) bt_kept_traces_add(&rule->violations_kept, kept, count->violations);
}

/* What is declared holds unless a read says otherwise. */
void bt_entry_services_settle(const bt_entry_services *services, const bt_trace_table *table,
                              bt_replay_result *result) {
  if (bt_sampled_traces_known(&result->coverage.sampling) != BT_KEPT_BY_CHANCE) return;
  for (size_t i = 0; i < services->count; i++) {
    const bt_entry_way *way = &services->ways[i];
    double declared = declared_of(&table->plan->sampling, way->entry);
    bool is_declared = declared > 0 && (!way->looked || way->probability == declared);
    bool is_read = way->looked >= BT_ENTRY_ENOUGH && way->probability > 0;
    bt_kept_trace kept = {.kind = BT_KEEPING_ONE, .probability = is_declared ? declared : way->probability};
    kept.by_setting = is_declared;
    for (size_t rule = 0; rule < result->rule_count && (is_declared || is_read); rule++) {
      const bt_entry_count *count = &services->rules[rule][i];
      settle_rule(count, &kept, is_declared || is_sample_read(count, table), &result->rules[rule]);
    }
  }
}
