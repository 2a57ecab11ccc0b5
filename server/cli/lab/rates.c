/* Rates of violations on the command line. See rates.h. */
#include "server/cli/lab/rates.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/replay/sampled_text.h"

bt_status bt_rates_measure(bt_source *source, const bt_replay_options *options, const bt_rule_definition *const *rules,
                           size_t count, bt_time_range range, bt_rates *out, bt_error *error) {
  bt_rate_rules all;
  *out = (bt_rates){.count = count, .items = calloc(count + 1, sizeof *out->items)};
  bt_promises promises = bt_source_promises(source, BT_PROMISES_OF_VERSION, bt_replay_interrupt());
  bt_status status =
      bt_rate_rules_make(rules, count, bt_source_dialect(source), promises.about.is_checked, &all, error);
  if (!out->items) status = bt_error_no_memory(error);
  if (!status) {
    bt_replay_request request = bt_replay_options_request(options, all.rules, all.count, range);
    request.count = BT_COUNT_EXACT;
    status = bt_collect(source, &request, false, &out->all, error);
  }
  for (size_t i = 0; i < count && !status; i++) bt_rate_fill(&all, &out->all.result, i, &out->items[i]);
  bt_rate_rules_dispose(&all);
  return status;
}

void bt_rates_dispose(bt_rates *rates) {
  free(rates->items);
  bt_collected_dispose(&rates->all);
  *rates = (bt_rates){0};
}

static void write_in_part(const bt_rate *rate, const bt_answer *answer, bt_buffer *out) {
  if (!rate->exercised && !rate->violated) {
    bt_buffer_append(out, BT_STR("UNKNOWN: "));
    if (bt_answer_is_unknown(answer)) {
      bt_answer_write_reason(answer, out);
      return;
    }
    bt_buffer_append(out, BT_STR("no trace that was judged exercised the rule"));
  } else if (rate->violated) {
    bt_buffer_printf(out, "%" PRIu64 " violation%s found", rate->violated, bt_cli_plural(rate->violated));
  } else {
    bt_buffer_printf(out,
                     "UNKNOWN: no violation in the %" PRIu64 " trace%s that exercised the rule and could be judged",
                     rate->exercised, bt_cli_plural(rate->exercised));
  }
  bt_buffer_append(out, bt_str_from(bt_answer_rest_sign(answer)));
  bt_answer_write_rest(answer, out);
}

/* What the number stands for, and whether the share is about the kept traces alone. */
static void write_sampled(const bt_rate *rate, bt_buffer *out) {
  bt_buffer said = {0};
  bt_sampled_say_rule(&rate->range, &rate->counted, &said);
  if (said.len) bt_buffer_printf(out, "; %.*s", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
  if (rate->basis != BT_SHARE_OF_KEPT) return;
  bt_buffer_append(out, BT_STR("; "));
  bt_share_say(&rate->range, rate->basis, out);
}

void bt_rate_write(const bt_rate *rate, const bt_answer *answer, bt_buffer *out) {
  if (bt_answer_has_gaps(answer) && !rate->is_whole) {
    write_in_part(rate, answer, out);
    return;
  }
  bt_buffer_printf(out, "%" PRIu64 " of %" PRIu64 " traces that exercised the rule: ", rate->violated, rate->exercised);
  if (rate->exercised)
    bt_buffer_printf(out, "%.3g %%%s (95 %% interval %.3g %% to %.3g %%)", 100 * rate->rate,
                     rate->basis == BT_SHARE_WEIGHTED ? " of those that happened" : "", 100 * rate->interval.low,
                     100 * rate->interval.high);
  else
    bt_buffer_printf(out, "no rate");
  if (rate->why_not[0]) bt_buffer_printf(out, "; %s", rate->why_not);
  write_sampled(rate, out);
}

bool bt_rates_say_basis(const bt_rate *first, const bt_rate *second, bt_buffer *out) {
  const bt_rate *weighted = first->basis == BT_SHARE_WEIGHTED ? first : second;
  size_t before = out->len;
  bt_share_say(&weighted->range, weighted->basis, out);
  return out->len > before;
}
