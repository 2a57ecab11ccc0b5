/* The source: searches and reads. See elastic_source.h. */
#include "tempo/elastic/elastic_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "tempo/elastic/elastic_address.h"
#include "tempo/elastic/elastic_dialect.h"
#include "tempo/elastic/elastic_fields.h"
#include "tempo/elastic/elastic_query.h"
#include "tempo/elastic/elastic_read.h"
#include "tempo/elastic/elastic_schema.h"
#include "tempo/elastic/elastic_search.h"

static const int64_t hidden_tail_ns = 10000000000; /* besides what an index hides until it is refreshed */

static bt_elastic *elastic_of(bt_source *source) {
  return (bt_elastic *)source;
}

static bt_status check_asker(const bt_elastic *elastic, const char *tenant, const bt_cancel *cancel, bt_error *error) {
  return bt_source_check_asker(&elastic->store.head, "indices keep", tenant, cancel, error);
}

/* ---- searching ---- */

/* What stands behind the address has to be known first. */
static bt_status run_search(bt_elastic_search *s, const char *tenant, bt_source_account *account, bt_error *error) {
  bt_error why = {0};
  const bt_cancel *cancel = s->question.cancel;
  s->question.kind = BT_HTTP_SEARCH;
  s->question.account = account;
  bt_status status = check_asker(s->elastic, tenant, cancel, error);
  if (status != BT_OK || s->range.start_ns >= s->range.end_ns || s->range.end_ns <= 0) return status;
  status = bt_elastic_find_out(s->elastic, cancel, &s->server, &why);
  if (status == BT_OK) return bt_elastic_search_run(s, error);
  return bt_source_pass_over(account, s->range, status, &why, error);
}

static bt_status search_elastic(bt_source *source, const bt_search_request *request, bt_found_list *found,
                                bt_source_account *account, bt_error *error) {
  bt_elastic_search s = {.elastic = elastic_of(source),
                         .question = {.cancel = request->cancel, .priority = request->priority},
                         .range = request->range,
                         .query = request->query,
                         .max_found = request->max_found,
                         .found = found};
  return run_search(&s, request->tenant, account, error);
}

static bt_status find_linking_in_elastic(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                         bt_source_account *account, bt_error *error) {
  bt_elastic_search s = {.elastic = elastic_of(source),
                         .question = {.cancel = request->cancel, .priority = request->priority},
                         .range = request->range,
                         .linked = request->ids,
                         .linked_count = request->count,
                         .found = found};
  return request->count ? run_search(&s, request->tenant, account, error) : BT_OK;
}

/* ---- reading ---- */

static bt_status read_elastic(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                              bt_source_account *account, bt_error *error) {
  bt_elastic *elastic = elastic_of(source);
  bt_elastic_found server;
  bt_status status = check_asker(elastic, request->tenant, request->cancel, error);
  if (status == BT_OK) status = bt_elastic_find_out(elastic, request->cancel, &server, error);
  return status == BT_OK ? bt_elastic_read(elastic, &server, request, sink, context, account, error) : status;
}

typedef struct spans_taker {
  const bt_trace_id *ids;
  bt_spans_sink sink;
  void *context;
} spans_taker;

static bt_status give_spans(void *context, const bt_read_trace *read, bt_error *error) {
  const spans_taker *taker = context;
  bt_found_spans given = {.trace = read->trace, .needs_by_id = read->needs_by_id};
  given.found = read->trace ? bt_found_of_trace(read->trace) : (bt_found){.id = taker->ids[read->index]};
  return taker->sink(taker->context, &given, error);
}

static bt_status read_spans(bt_source *source, const bt_spans_request *request, const bt_trace_id *ids, size_t count,
                            bt_spans_sink sink, void *context, bt_source_account *account, bt_error *error) {
  spans_taker taker = {.ids = ids, .sink = sink, .context = context};
  bt_read_request read = {.ids = ids,
                          .count = count,
                          .range = request->range,
                          .projection = request->projection,
                          .spans = request->spans,
                          .tenant = request->tenant,
                          .cancel = request->cancel,
                          .rule_id = request->rule_id,
                          .priority = request->priority};
  return count ? read_elastic(source, &read, give_spans, &taker, account, error) : BT_OK;
}

/* The traces first, and then their spans by the traces' ids, whatever their time: that costs little more than a walk
 * over the spans of the range, and no span is farther away than was looked. */
static bt_status find_spans_in_elastic(bt_source *source, const bt_spans_request *request, bt_spans_sink sink,
                                       void *context, bt_source_account *account, bt_error *error) {
  bt_found_list found = {0};
  size_t failed = account->failed_count;
  bt_elastic_search s = {.elastic = elastic_of(source),
                         .question = {.cancel = request->cancel, .priority = request->priority},
                         .range = request->range,
                         .query = request->spans.asked,
                         .found = &found};
  bt_status status = run_search(&s, request->tenant, account, error);
  if (status == BT_OK && account->failed_count > failed)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s", account->failed[failed].reason);
  bt_trace_id *ids = bt_realloc_array(NULL, found.count + 1, sizeof *ids);
  for (size_t i = 0; ids && i < found.count; i++) ids[i] = found.items[i].id;
  if (!ids) status = bt_error_no_memory(error);
  if (status == BT_OK) status = read_spans(source, request, ids, found.count, sink, context, account, error);
  free(ids);
  bt_found_list_dispose(&found);
  return status;
}

/* ---- the rest ---- */

static bt_status check_elastic(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  bt_elastic_found found;
  return bt_elastic_find_out(elastic_of(source), cancel, &found, error);
}

/* Once the schema is known, it stays. */
static const bt_dialect *dialect_of_elastic(bt_source *source) {
  return elastic_of(source)->fields ? bt_elastic_dialect() : bt_dialect_none();
}

/* In units of a trace of some five spans that is read whole with 2,000 others (docs/BENCHMARKS.md). */
static const bt_source_costs costs = {.request = 20,
                                      .found = 0.1,
                                      .projected = 0.3,
                                      .by_id = 1,
                                      .found_bytes = 140,
                                      .projected_bytes = 900,
                                      .read_bytes = 4500};

/* Reads look at all indices, by ids and in batches, so neither says more than the other. */
static void promise_elastic(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  bt_elastic *elastic = elastic_of(source);
  bt_elastic_found found = bt_elastic_known(elastic);
  (void)wanted;
  if (cancel && bt_elastic_find_out(elastic, cancel, &found, NULL) != BT_OK) found = (bt_elastic_found){0};
  out->about = (bt_source_about){.kind = source->name, .is_checked = found.is_checked};
  snprintf(out->about.version, sizeof out->about.version, "%s", found.version);
  snprintf(out->about.note, sizeof out->about.note, "%s",
           found.is_known ? found.note : "the store has not said which version it is");
  out->filters = out->projects = elastic->fields != NULL;
  out->generation = out->filters ? 1 : 0;
  out->costs = costs;
  out->reads_agree = true;
  out->hidden_tail_ns = bt_time_add(hidden_tail_ns, found.refresh_ns);
  if (found.lacks[0]) out->lacks = elastic->lacks;
}

static void free_elastic(bt_source *source) {
  bt_elastic *elastic = elastic_of(source);
  bt_remote_dispose(&elastic->store);
  free(elastic->index);
  free(elastic);
}

bt_status bt_elastic_source_new(bt_http_client *client, const bt_elastic_options *options, bt_source **out,
                                bt_error *error) {
  static const bt_source_operations operations = {.search = search_elastic,
                                                  .read = read_elastic,
                                                  .find_spans = find_spans_in_elastic,
                                                  .find_linking = find_linking_in_elastic,
                                                  .check = check_elastic,
                                                  .dialect = dialect_of_elastic,
                                                  .promise = promise_elastic,
                                                  .free = free_elastic};
  const bt_remote_options of_store = {options->kind, options->ca_file, options->timeout_ms, options->pause_ms};
  bt_status status = bt_remote_new(sizeof(bt_elastic), &operations, client, &of_store, out, error);
  if (status != BT_OK) return status;
  bt_elastic *elastic = elastic_of(*out);
  elastic->rows_per_answer = options->rows_per_answer;
  status = bt_elastic_address_take(elastic, options, error);
  if (status == BT_OK) return BT_OK;
  free_elastic(*out);
  *out = NULL;
  return status;
}
