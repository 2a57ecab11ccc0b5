/* Who links to these traces. See link_search.h. A batch whose query is too long is halved. Tempo 2.8 finds no link to
 * an id whose first byte is 0, and says nothing (tests/facts/facts_links.py). So a Tempo that is not known to do better
 * is asked for every trace that links, once, where such an id is among them. */
#include "tempo/api/link_search.h"

#include <string.h>

#include "dsl/traceql.h"
#include "tempo/api/search.h"
#include "tempo/api/tempo_version.h"

enum { IDS_PER_SEARCH = 200 /* 2.8 takes 0.3 s for a query of so many, and a second for three times as many */ };

typedef struct link_search {
  bt_tempo *tempo;
  const bt_links_request *request;
  bt_found_list *found;
  bt_source_account *account;
  bool is_hopeless; /* not even one id may be asked for: nothing else is */
  bt_buffer filter; /* scratch */
} link_search;

static bool finds_zero_bytes(bt_tempo *tempo, const bt_cancel *cancel) {
  bt_source_about about = {0};
  bt_tempo_describe_version(tempo, cancel, &about);
  bt_str version = bt_str_from(about.version);
  return about.is_checked && !bt_str_starts_with(version, BT_STR("2.8")) &&
         !bt_str_starts_with(version, BT_STR("v2.8"));
}

bool bt_tempo_guesses_linking(bt_tempo *tempo, const bt_cancel *cancel, const bt_trace_id *id) {
  return !id->bytes[0] && !bt_trace_id_is_zero(id) && !finds_zero_bytes(tempo, cancel);
}

static bool has_guessed(bt_tempo *tempo, const bt_links_request *request) {
  for (size_t i = 0; i < request->count; i++)
    if (bt_tempo_guesses_linking(tempo, request->cancel, &request->ids[i])) return true;
  return false;
}

static bt_status search_filter(link_search *l, bt_str filter, bool *is_too_long, bt_error *error) {
  bt_search_request search = {.filter = filter,
                              .range = l->request->range,
                              .tenant = l->request->tenant,
                              .cancel = l->request->cancel,
                              .rule_id = l->request->rule_id,
                              .priority = l->request->priority};
  return bt_tempo_search_or_say(l->tempo, &search, l->found, l->account, is_too_long, error);
}

/* Halves add what they find; what a query that was too long could not ask is asked by them. Where one id is too long
 * the account says so of the whole range, and that is said once. */
static bt_status search_ids(link_search *l, const bt_trace_id *ids, size_t count, bt_error *error) {
  size_t failed = l->account->failed_count;
  bool is_too_long = false;
  bt_buffer_clear(&l->filter);
  bt_traceql_linking(ids, count, &l->filter);
  if (l->filter.failed) return bt_error_no_memory(error);
  if (!l->filter.len) return BT_OK;
  bt_status status = search_filter(l, bt_buffer_str(&l->filter), &is_too_long, error);
  l->is_hopeless = is_too_long && count == 1;
  if (status != BT_OK || !is_too_long || count == 1) return status;
  l->account->failed_count = failed;
  status = search_ids(l, ids, count / 2, error);
  return status == BT_OK && !l->is_hopeless ? search_ids(l, ids + count / 2, count - count / 2, error) : status;
}

bt_status bt_tempo_find_linking(bt_tempo *tempo, const bt_links_request *request, bt_found_list *found,
                                bt_source_account *account, bt_error *error) {
  link_search l = {.tempo = tempo, .request = request, .found = found, .account = account};
  bool is_too_long; /* it is not */
  if (has_guessed(tempo, request)) return search_filter(&l, BT_TRACEQL_ANY_LINK, &is_too_long, error);
  bt_status status = BT_OK;
  for (size_t at = 0; status == BT_OK && !l.is_hopeless && at < request->count; at += IDS_PER_SEARCH) {
    size_t left = request->count - at;
    status = search_ids(&l, request->ids + at, left < IDS_PER_SEARCH ? left : IDS_PER_SEARCH, error);
  }
  bt_buffer_dispose(&l.filter);
  return status;
}
