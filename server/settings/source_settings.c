/* The table of stores, and which of them a URL names. See source_settings.h. */
#include "server/settings/source_settings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/text.h"
#include "server/settings/clickhouse_settings.h"
#include "server/settings/elastic_settings.h"

struct bt_store_kind {
  const char *name; /* before the "+" of the scheme */
  bt_status (*open)(const bt_source_settings *settings, bt_http_client *client, bt_source **out, bt_error *error);
};

static bt_status open_tempo(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                            bt_error *error) {
  bt_tempo_settings tempo = settings->tempo;
  tempo.url = settings->address;
  tempo.pause_ms = settings->pause_ms;
  tempo.search_limit = settings->search_limit;
  return bt_tempo_settings_open(&tempo, client, out, error);
}

static bt_status open_clickhouse(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                                 bt_error *error) {
  return bt_clickhouse_settings_open(settings->address, settings->pause_ms, client, out, error);
}

static bt_status open_elasticsearch(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                                    bt_error *error) {
  return bt_elastic_settings_open("elasticsearch", settings->address, settings->pause_ms, client, out, error);
}

static bt_status open_opensearch(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                                 bt_error *error) {
  return bt_elastic_settings_open("opensearch", settings->address, settings->pause_ms, client, out, error);
}

/* The stores that there are. The first is the one that --tempo means. */
static const bt_store_kind kinds[] = {{"tempo", open_tempo},
                                      {"clickhouse", open_clickhouse},
                                      {"elasticsearch", open_elasticsearch},
                                      {"opensearch", open_opensearch}};
enum { KINDS = sizeof kinds / sizeof *kinds };
static const bt_store_kind *const the_tempo = &kinds[0];
/* What is spoken with a store. */
static const char *const transports[] = {"http", "https"};
enum { TRANSPORTS = sizeof transports / sizeof *transports, SCHEME_MAX = 40 };

/* ---- the URL ---- */

/* "tempo+http", borrowed from the URL. len 0: it has none. */
static bt_str scheme_of(const char *url) {
  size_t length = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
  bool is_one = length <= SCHEME_MAX && strncmp(url + length, "://", 3) == 0;
  return (bt_str){url, is_one ? length : 0};
}

static bool is_transport(bt_str text) {
  for (size_t i = 0; i < TRANSPORTS; i++)
    if (bt_str_equal(text, bt_str_from(transports[i]))) return true;
  return false;
}

/* NULL: no store that is known is spoken with so. *name_length: of what stands before the transport, with the "+". */
static const bt_store_kind *find_kind(bt_str scheme, size_t *name_length) {
  for (size_t i = 0; i < KINDS; i++) {
    size_t length = strlen(kinds[i].name);
    if (scheme.len <= length || memcmp(scheme.ptr, kinds[i].name, length) != 0 || scheme.ptr[length] != '+') continue;
    *name_length = length + 1;
    return is_transport((bt_str){scheme.ptr + length + 1, scheme.len - length - 1}) ? &kinds[i] : NULL;
  }
  return NULL;
}

/* "tempo+http, tempo+https" */
static void write_schemes(bt_buffer *out) {
  for (size_t i = 0; i < KINDS; i++)
    for (size_t t = 0; t < TRANSPORTS; t++)
      bt_buffer_printf(out, "%s%s+%s", i + t ? ", " : "", kinds[i].name, transports[t]);
}

static bt_status refuse_url(bt_str scheme, bt_error *error) {
  bt_buffer known = {0};
  write_schemes(&known);
  const char *schemes = known.ptr ? known.ptr : "";
  if (!scheme.len)
    bt_error_set(error, BT_INVALID, "--store has to be a URL whose scheme names the store; it knows: %s", schemes);
  else if (is_transport(scheme))
    bt_error_set(error, BT_INVALID,
                 "--store: %.*s:// does not say which store answers there; write %s+%.*s:// (it knows: %s)",
                 BT_FMT(scheme), kinds[0].name, BT_FMT(scheme), schemes);
  else
    bt_error_set(error, BT_INVALID, "--store: %.*s is not one that this version knows; it knows: %s", BT_FMT(scheme),
                 schemes);
  bt_buffer_dispose(&known);
  return BT_INVALID;
}

static size_t length_without_slashes(const char *url) {
  size_t length = strlen(url);
  while (length && url[length - 1] == '/') length--;
  return length;
}

static bool is_same_address(const char *a, const char *b) {
  return bt_str_equal((bt_str){a, length_without_slashes(a)}, (bt_str){b, length_without_slashes(b)});
}

/* ---- the settings ---- */

void bt_source_settings_take_address(bt_source_settings *settings) {
  if (settings->store || settings->tempo.url) return;
  const char *store = getenv("BETRACE_STORE"), *tempo = getenv("BETRACE_TEMPO_URL");
  if (store && store[0]) settings->store = store;
  if (tempo && tempo[0]) settings->tempo.url = tempo;
}

void bt_source_settings_use_environment(bt_source_settings *settings) {
  bt_tempo_settings_use_environment(&settings->tempo);
}

bt_status bt_source_settings_choose(bt_source_settings *settings, bt_error *error) {
  const char *tempo = settings->tempo.url;
  settings->kind = tempo ? the_tempo : NULL;
  settings->address = tempo;
  if (!settings->store) return BT_OK;
  size_t name_length = 0;
  bt_str scheme = scheme_of(settings->store);
  const bt_store_kind *kind = find_kind(scheme, &name_length);
  if (!kind) return refuse_url(scheme, error);
  settings->kind = kind;
  settings->address = settings->store + name_length;
  if (!tempo || (kind == the_tempo && is_same_address(tempo, settings->address))) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "--store and --tempo (BETRACE_STORE, BETRACE_TEMPO_URL) name two stores; give one of them");
}

bt_status bt_source_settings_open(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                                  bt_error *error) {
  *out = NULL;
  if (!settings->kind) return bt_error_set(error, BT_INVALID, "no store is named");
  return settings->kind->open(settings, client, out, error);
}

const char *bt_store_kind_name(const bt_store_kind *kind) {
  return kind->name;
}
