/* What traces begin with, and finding those that begin alike. See contrast_parts.h. */
#include "server/query/contrast_parts.h"

static uint64_t hash_text(uint64_t hash, bt_str text) {
  for (size_t i = 0; i <= text.len; i++)
    hash = (hash ^ (i < text.len ? (uint8_t)text.ptr[i] : 0)) * UINT64_C(1099511628211);
  return hash;
}

/* A number made of name and service of its root; without a root always the same. */
static uint64_t hash_entry(const bt_trace *trace, uint32_t *service) {
  uint32_t root = bt_trace_root(trace);
  uint64_t hash = UINT64_C(14695981039346656037);
  *service = BT_ENTRY_UNKNOWN;
  if (root == BT_NO_SPAN) return hash;
  *service = bt_entry_of(trace->spans[root].resource->service);
  return hash_text(hash_text(hash, trace->spans[root].name), trace->spans[root].resource->service);
}

bool bt_contrast_entries_have(const bt_contrast_entries *entries, const bt_trace *trace) {
  uint32_t service;
  uint64_t hash = hash_entry(trace, &service);
  for (size_t i = 0; i < entries->count; i++)
    if (entries->items[i].hash == hash) return true;
  return false;
}

void bt_contrast_entries_add(bt_contrast_entries *entries, const bt_trace *trace) {
  if (entries->count == BT_SAMPLE_SIDE_MAX || bt_contrast_entries_have(entries, trace)) return;
  size_t i = entries->count++;
  entries->items[i].hash = hash_entry(trace, &entries->items[i].service);
}

/* A source need not say what a trace begins with, and may be wrong where it saw a part: then a read tells. */
static bool may_begin_so(const bt_contrast_entries *entries, uint32_t service) {
  bool is_sure = service >= BT_ENTRY_FIRST;
  for (size_t i = 0; i < entries->count; i++)
    if (entries->items[i].service == service || entries->items[i].service == BT_ENTRY_UNKNOWN) return true;
  return !is_sure;
}

bt_status bt_contrast_entries_list(const bt_contrast_entries *entries, bt_source *source,
                                   const bt_search_request *request, bt_found_list *found, bt_source_account *account,
                                   bt_error *error) {
  bt_status status = bt_source_search(source, request, found, account, error);
  size_t kept = 0;
  if (status) return status;
  bt_found_list_sort(found);
  for (size_t i = 0; i < found->count; i++)
    if (may_begin_so(entries, found->items[i].entry)) found->items[kept++] = found->items[i];
  found->count = kept;
  return BT_OK;
}
