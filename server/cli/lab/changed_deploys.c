/* Finding and choosing a deploy. See changed_deploys.h. */
#include "server/cli/lab/changed_deploys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/shown_text.h"
#include "server/cli/replay_options.h"
#include "server/json/json_values.h"

static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  bt_changed_deploys *deploys = context;
  deploys->traces++;
  if (bt_trace_sample_shows(&deploys->account))
    bt_cli_show_fraction(NULL, (double)deploys->account.read / (double)deploys->account.chosen);
  return bt_versions_add(&deploys->versions, trace, error);
}

/* ---- choosing ---- */

static const bt_deploy *find_wanted(const bt_versions *versions, const char *wanted) {
  const char *equals = strchr(wanted, '=');
  bt_str service = {wanted, equals ? (size_t)(equals - wanted) : 0};
  for (size_t i = 0; i < versions->deploy_count && equals; i++) {
    const bt_deploy *one = &versions->deploys[i];
    if (bt_str_equal(one->service, service) && bt_str_equal(one->to, bt_str_from(equals + 1))) return one;
  }
  return NULL;
}

/* A deploy begins with the first of its services: one that is seldom called shows it late. */
static const bt_deploy *find_latest(const bt_versions *versions) {
  const bt_deploy *best = NULL;
  for (size_t i = 0; i < versions->deploy_count; i++) {
    const bt_deploy *one = &versions->deploys[i];
    if (!best || bt_deploy_first_ns(versions, one) > bt_deploy_first_ns(versions, best)) best = one;
  }
  return best;
}

static bool collect_services(bt_changed_deploys *d) {
  d->services = bt_realloc_array(NULL, d->versions.deploy_count, sizeof *d->services);
  for (size_t i = 0; d->services && i < d->versions.deploy_count; i++)
    if (bt_deploys_are_one(&d->versions.deploys[i], d->chosen))
      d->services[d->service_count++] = d->versions.deploys[i].service;
  return d->services;
}

/* One line for those that are one. */
static void write_all(const bt_versions *versions, const char *before, bt_buffer *out) {
  for (size_t i = 0; i < versions->deploy_count; i++) {
    bool is_told = false;
    for (size_t k = 0; k < i; k++)
      is_told = is_told || bt_deploys_are_one(&versions->deploys[k], &versions->deploys[i]);
    if (is_told) continue;
    bt_buffer_append(out, bt_str_from(before));
    bt_deploy_write(versions, &versions->deploys[i], out);
    bt_buffer_append_char(out, '\n');
  }
}

static bt_status say_none(const bt_changed_deploys *d, const char *wanted, bt_error *error) {
  const char *unread = d->account.unread;
  if (!d->versions.deploy_count)
    return bt_error_set(error, BT_NOT_FOUND,
                        "no deploy was found: in %" PRIu64 " traces of the range no service began with another "
                        "service.version%s%.100s; say what is compared: --around TIME, or --candidate SIDE",
                        d->traces, unread[0] ? "; a part was not read: " : "", unread);
  bt_buffer text = {0};
  write_all(&d->versions, "  ", &text);
  bt_status status =
      bt_error_set(error, BT_NOT_FOUND, "--deploy expects SERVICE=VERSION of one of these, not \"%s\":\n%s", wanted,
                   text.ptr ? text.ptr : "");
  bt_buffer_dispose(&text);
  return status;
}

bt_status bt_changed_deploys_find(bt_source *source, const bt_replay_request *replay, size_t sample, const char *wanted,
                                  bt_changed_deploys *out, bt_error *error) {
  bt_trace_sample_size size = {BT_CHANGED_LISTED, sample, false};
  bt_status status = bt_trace_sample_read(source, replay, size, take_trace, out, &out->account, error);
  if (status == BT_CANCELLED)
    return bt_error_set(error, BT_CANCELLED,
                        "interrupted after %" PRIu64 " of %" PRIu64 " traces, before deploys were known; nothing was "
                        "compared",
                        out->account.read, out->account.chosen);
  if (!status) status = bt_versions_find_deploys(&out->versions, error);
  if (status) return status;
  out->chosen = wanted ? find_wanted(&out->versions, wanted) : find_latest(&out->versions);
  if (!out->chosen) return say_none(out, wanted, error);
  return collect_services(out) ? BT_OK : bt_error_no_memory(error);
}

void bt_changed_deploys_set_sides(const bt_changed_deploys *deploys, bt_time_range range,
                                  bt_changed_side sides[BT_MINE_GROUPS]) {
  for (int g = 0; g < BT_MINE_GROUPS; g++)
    sides[g] = (bt_changed_side){.range = range,
                                 .where = BT_CHANGED_RESOURCE,
                                 .services = deploys->services,
                                 .service_count = deploys->service_count};
  sides[BT_MINE_CANDIDATE].key = BT_STR("service.version");
  sides[BT_MINE_CANDIDATE].value = deploys->chosen->to;
}

/* ---- saying it ---- */

void bt_changed_deploys_write(const bt_changed_deploys *deploys, bt_buffer *out) {
  if (!deploys->chosen) return;
  write_all(&deploys->versions, "deploy: ", out);
  bt_buffer_append(out, BT_STR("compared: traces with "));
  bt_shown_append(deploys->chosen->to, out);
  bt_buffer_append(out, deploys->service_count == 1 ? BT_STR(" of this service") : BT_STR(" of these services"));
  bt_buffer_append(out, BT_STR(", and all others of "));
  bt_buffer_append(out, deploys->service_count == 1 ? BT_STR("it") : BT_STR("them"));
  bt_buffer_append(out, BT_STR("; another deploy: --deploy SERVICE=VERSION\n"));
}

json_t *bt_changed_deploys_json(const bt_changed_deploys *deploys) {
  json_t *all = json_array();
  for (size_t i = 0; i < deploys->versions.deploy_count; i++) {
    const bt_deploy *one = &deploys->versions.deploys[i];
    bt_json_append(all, json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "service", bt_text_json(one->service), "from",
                                  bt_text_json(one->from), "to", bt_text_json(one->to), "first_seen",
                                  bt_time_json(one->first_seen_ns), "region",
                                  one->region.len ? bt_text_json(one->region) : json_null(), "compared",
                                  bt_deploys_are_one(one, deploys->chosen)));
  }
  return all;
}

void bt_changed_deploys_dispose(bt_changed_deploys *deploys) {
  free(deploys->services);
  bt_versions_dispose(&deploys->versions);
}
