/* Versions of services in a sample. See changed_versions.h. */
#include "server/query/changed_versions.h"

static bt_seen_version *find_version(bt_seen_versions *seen, bt_str service, bt_str version) {
  for (size_t i = 0; i < seen->count; i++)
    if (bt_str_equal(seen->items[i].version, version) && bt_str_equal(seen->items[i].service, service))
      return &seen->items[i];
  return NULL;
}

static void note_version(bt_seen_versions *seen, bt_str service, bt_str version, const bt_mine_trace *trace) {
  bt_seen_version *one = find_version(seen, service, version);
  if (!one && seen->count == BT_SEEN_VERSIONS) {
    seen->has_more = true;
    return;
  }
  if (!one) {
    one = &seen->items[seen->count++];
    *one = (bt_seen_version){.service = service, .version = version, .first_ns = trace->start_ns};
  }
  one->traces += one->last != trace;
  one->last = trace;
}

static void look_at_trace(const bt_mine_sample *sample, const bt_mine_trace *trace, bt_seen_versions *seen) {
  for (uint32_t s = 0; s < trace->span_count; s++) {
    const bt_mine_span *span = &trace->spans[s];
    if (span->name == BT_NO_SPAN) continue;
    for (uint32_t i = 0; i < span->attribute_count; i++) {
      const bt_mine_attribute *one = &span->attributes[i];
      if (one->text && bt_str_equal(bt_mine_text(sample, one->key), BT_STR("resource.service.version")))
        note_version(seen, sample->names[span->name].service, bt_mine_text(sample, one->text), trace);
    }
  }
}

static bool has_another(const bt_seen_versions *seen, size_t at) {
  for (size_t i = 0; i < seen->count; i++)
    if (i != at && bt_str_equal(seen->items[i].service, seen->items[at].service)) return true;
  return false;
}

static void keep_changing(bt_seen_versions *seen) {
  bool keeps[BT_SEEN_VERSIONS];
  size_t kept = 0;
  for (size_t i = 0; i < seen->count; i++) keeps[i] = has_another(seen, i);
  for (size_t i = 0; i < seen->count; i++)
    if (keeps[i]) seen->items[kept++] = seen->items[i];
  seen->count = kept;
}

/* Both groups are in the order of time. */
void bt_seen_versions_find(const bt_mine_sample *sample, bt_seen_versions *out) {
  size_t at[BT_MINE_GROUPS] = {0};
  *out = (bt_seen_versions){0};
  for (;;) {
    const bt_mine_trace *next = NULL;
    for (int g = 0; g < BT_MINE_GROUPS; g++) {
      const bt_mine_group *group = &sample->groups[g];
      if (at[g] < group->count && (!next || group->traces[at[g]]->start_ns < next->start_ns))
        next = group->traces[at[g]];
    }
    if (!next) break;
    at[next->group]++;
    look_at_trace(sample, next, out);
  }
  keep_changing(out);
}
