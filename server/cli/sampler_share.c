/* Shares that policies would keep. See sampler_share.h. */
#include "server/cli/sampler_share.h"

#include <inttypes.h>
#include <math.h>

#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/json/json_values.h"
#include "server/query/statistics.h"
#include "server/replay/sampled_text.h"

enum { MOST_LISTED = 100000, ALL = 1000000000 };

/* ---- reading ---- */

static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  bt_sampler_share *share = context;
  bt_kept_trace kept = bt_kept_trace_of(trace, &share->setting);
  (void)error;
  bt_sampled_traces_add(&share->sampling, trace, &kept);
  bt_kept_shares_add(&share->counts, trace);
  return BT_OK;
}

static bt_status read_traces(bt_sampler_share *share, const bt_replay_options *options, size_t most, bt_error *error) {
  bt_replay_place place;
  bt_status status = bt_replay_place_open(options, &place, error);
  if (!status) {
    bool is_file = options->trace_count > 0;
    bt_trace_sample_size size = {is_file ? ALL : MOST_LISTED, is_file ? ALL : most, false};
    share->range = bt_replay_options_range(options, place.source, BT_DAY_NS);
    bt_replay_request replay = bt_replay_options_request(options, NULL, 0, share->range);
    status = bt_trace_sample_read(place.source, &replay, size, take_trace, share, &share->account, error);
  }
  bt_replay_place_close(&place);
  return status;
}

bt_status bt_sampler_share_measure(bt_sampler_share *share, const bt_replay_options *options, size_t most, bt_str yaml,
                                   bt_error *error) {
  const bt_cli_rules *rules = &options->rules;
  if (!bt_sampling_setting_parse(options->assumptions.sampling, &share->setting))
    return bt_error_set(error, BT_INVALID, "--sampling has to be %s", BT_SAMPLING_EXPECTED);
  share->sampling.declared = share->setting.declared;
  bt_status status =
      bt_kept_shares_make(&share->counts, (const bt_rule_definition *const *)rules->items, rules->count, yaml, error);
  return status ? status : read_traces(share, options, most, error);
}

void bt_sampler_share_dispose(bt_sampler_share *share) {
  bt_kept_shares_dispose(&share->counts);
}

bool bt_sampler_share_is_known(const bt_sampler_share *share) {
  return share->counts.traces && !share->account.unread[0];
}

/* ---- what it is a share of ---- */

/* With one probability for all, the share among those that were kept is that of all that happened. */
static bool is_of_all(const bt_sampled_traces *range) {
  bt_kept_known known = bt_sampled_traces_known(range);
  double declared = range->declared.probability;
  bool is_one = range->kept.least == range->kept.most && (declared <= 0 || declared == range->kept.least);
  return known == BT_KEPT_ALL || (known == BT_KEPT_BY_CHANCE && is_one);
}

/* Traces of which nobody knows it are not kept at the low end, and kept at the high one. */
static bt_interval interval_of(const bt_sampler_share *share, const bt_kept_count *count) {
  bt_interval low = bt_wilson_interval(count->kept, share->counts.traces);
  bt_interval high = bt_wilson_interval(count->kept + count->unknown, share->counts.traces);
  return (bt_interval){low.low, high.high};
}

static double share_of(const bt_sampler_share *share, const bt_kept_count *count) {
  return (double)count->kept / (double)share->counts.traces;
}

/* One that is kept by chance is kept by it or by a rule. */
static double with_keep(const bt_sampler_share *share, double of_rules) {
  return of_rules + (1 - of_rules) * share->keep_percent / 100;
}

static void write_range(const bt_sampler_share *share, bt_buffer *out) {
  char start[40], end[40];
  bt_time_format(share->range.start_ns, start);
  bt_time_format(share->range.end_ns, end);
  bt_buffer_printf(out, "%.19sZ to %.19sZ", start, end);
}

void bt_sampler_share_write(const bt_sampler_share *share, const bt_kept_count *count, bt_buffer *out) {
  if (!share->counts.traces) return;
  bt_interval bounds = interval_of(share, count);
  bt_buffer_printf(out, "keeps %.3g %% of %s (95 %%: %.3g to %.3g %%): %" PRIu64 " of %" PRIu64 " read, ",
                   100 * share_of(share, count), is_of_all(&share->sampling) ? "all traces" : "kept traces",
                   100 * bounds.low, 100 * bounds.high, count->kept, share->counts.traces);
  write_range(share, out);
  if (count->unknown)
    bt_buffer_printf(out, "; of %" PRIu64 " more the source does not keep what decides it", count->unknown);
}

/* ---- stderr ---- */

static void print_row(const bt_sampler_share *share, const char *name, const bt_kept_count *count, bool adds_keep) {
  bt_interval bounds = interval_of(share, count);
  double most = share_of(share, count);
  if (adds_keep) {
    bounds = (bt_interval){with_keep(share, bounds.low), with_keep(share, bounds.high)};
    most = with_keep(share, most);
  }
  bt_print_error("  %6.3g %%  (95 %%: %.3g to %.3g %%)  %s", 100 * most, 100 * bounds.low, 100 * bounds.high, name);
  if (count->unknown) bt_print_error("; not known of %" PRIu64 " traces", count->unknown);
  bt_print_error("\n");
}

static void print_lacks(const bt_sampler_share *share) {
  const bt_trace_sample_account *account = &share->account;
  if (account->is_cut)
    bt_print_error("  there are more traces than %d: these are of those that were found first\n", MOST_LISTED);
  if (account->not_given) bt_print_error("  not read: %" PRIu64 " traces\n", account->not_given);
  if (account->unread[0]) bt_print_error("  not read: a part of the range: %s\n", account->unread);
}

void bt_sampler_share_print(const bt_sampler_share *share, const bt_cli_rules *rules) {
  bt_buffer said = {0}, range = {0};
  write_range(share, &range);
  bt_sampled_say_range(&share->sampling, &said);
  if (!share->counts.traces) {
    bt_print_error("betrace sampler: no trace was read from %s: nothing is known of what policies keep\n",
                   range.ptr ? range.ptr : "this range");
  } else {
    bt_print_error("share that the policies keep of %s, from %" PRIu64 " read of %" PRIu64 ", %s:\n",
                   is_of_all(&share->sampling) ? "all traces" : "kept traces", share->counts.traces,
                   share->account.listed, range.ptr ? range.ptr : "");
    for (size_t i = 0; i < rules->count; i++)
      print_row(share, rules->items[i]->fields.id, &share->counts.by_rule[i], false);
    print_row(share, "all of them", &share->counts.any, false);
    if (share->keep_percent > 0) print_row(share, "all of them, with --keep", &share->counts.any, true);
    if (said.len) bt_print_error("  %.*s\n", BT_FMT(bt_buffer_str(&said)));
  }
  print_lacks(share);
  bt_buffer_dispose(&said);
  bt_buffer_dispose(&range);
}

/* ---- JSON ---- */

json_t *bt_sampler_share_json(const bt_sampler_share *share, const bt_kept_count *count) {
  if (!share->counts.traces) return json_null();
  bt_interval bounds = interval_of(share, count);
  return json_pack("{s:o, s:o, s:f, s:f, s:f}", "kept", bt_count_json(count->kept), "unknown",
                   bt_count_json(count->unknown), "share", share_of(share, count), "low", bounds.low, "high",
                   bounds.high);
}

json_t *bt_sampler_share_basis_json(const bt_sampler_share *share) {
  bt_buffer said = {0};
  const bt_trace_sample_account *account = &share->account;
  bt_sampled_say_range(&share->sampling, &said);
  bool has_total = share->counts.traces && share->keep_percent > 0;
  double total = has_total ? with_keep(share, share_of(share, &share->counts.any)) : 0;
  json_t *json =
      json_pack("{s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "traces", bt_count_json(share->counts.traces),
                "listed", bt_count_json(account->listed), "range", bt_range_json(share->range), "of",
                is_of_all(&share->sampling) ? "all" : "kept", "sampling", bt_optional_text_json(said.ptr), "is_cut",
                account->is_cut, "not_given", bt_count_json(account->not_given), "not_read",
                bt_optional_text_json(account->unread), "all_rules", bt_sampler_share_json(share, &share->counts.any),
                "with_keep", has_total ? json_real(total) : json_null());
  bt_buffer_dispose(&said);
  return json;
}
