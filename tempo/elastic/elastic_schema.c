/* The server, its indices and their mappings. See elastic_schema.h. An index is known by the fields that searches and
 * reads rest on, each with its type; what else it has does no harm. */
#include "tempo/elastic/elastic_schema.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/jaeger_json.h"
#include "tempo/wire/wall_clock.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { MOST_ROWS = 10000 };
static const int64_t second_ns = 1000000000, known_for_ns = 60000000000;
static const size_t arena_max_bytes = (size_t)64 << 20;

static const bt_elastic_schema schemas[] = {{.fields = &bt_elastic_data_prepper,
                                             .known_by = "traceId",
                                             .needed = {{"traceId", "keyword"},
                                                        {"spanId", "keyword"},
                                                        {"startTime", "date_nanos"},
                                                        {"endTime", "date_nanos"},
                                                        {"links", "nested"},
                                                        {"links.traceId", "keyword"},
                                                        {"kind", "keyword"},
                                                        {"durationInNanos", "long"}},
                                             .read = bt_data_prepper_read},
                                            {.fields = &bt_elastic_jaeger,
                                             .known_by = "traceID",
                                             .needed = {{"traceID", "keyword"},
                                                        {"spanID", "keyword"},
                                                        {"startTime", "long"},
                                                        {"duration", "long"},
                                                        {"references", "nested"},
                                                        {"references.traceID", "keyword"},
                                                        {"operationName", "keyword"}},
                                             .read = bt_jaeger_read_stored},
                                            {.fields = &bt_elastic_otel_native,
                                             .known_by = "trace_id",
                                             .needed = {{"trace_id", "keyword"},
                                                        {"span_id", "keyword"},
                                                        {"@timestamp", "date"},
                                                        {"kind", "keyword"},
                                                        {"duration", "long"},
                                                        {"links.trace_id", "keyword"}},
                                             .read = bt_otel_native_read}};
/* And what others are known by. */
static const struct {
  const char *path, *name;
} others[] = {{"span.attributes", "Data Prepper's older format"}, {"trace.id", "Elastic APM"}};
enum { SCHEMAS = COUNT(schemas), OTHERS = COUNT(others) };

typedef struct look {
  bt_elastic *elastic;
  bt_elastic_found *found;
  bt_json_place place;
  bt_build build;
  char index[100]; /* under the reader */
  bool has[SCHEMAS][BT_ELASTIC_NEEDED], is_known_by[SCHEMAS], is_other[OTHERS];
  bool keeps_source;
  bool makes_source,
      stores_source; /* by its settings: a mode that makes _source anew, and that it is stored all the same */
  size_t indices;
  char wrong[400]; /* of the first index that cannot be read, as a sentence; "": none */
} look;

static void say_wrong(look *l, const char *what) {
  if (!l->wrong[0]) snprintf(l->wrong, sizeof l->wrong, "the index %s %.250s", l->index, what);
}

static void name_index(look *l, bt_str name) {
  snprintf(l->index, sizeof l->index, "%.*s", (int)(name.len < 90 ? name.len : 90), name.ptr ? name.ptr : "");
  l->indices++;
}

/* ---- mappings ---- */

static void see_field(look *l, const char *path, bt_str type) {
  for (size_t i = 0; i < SCHEMAS; i++) {
    if (strcmp(schemas[i].known_by, path) == 0) l->is_known_by[i] = true;
    for (size_t j = 0; j < BT_ELASTIC_NEEDED && schemas[i].needed[j].path; j++)
      if (strcmp(schemas[i].needed[j].path, path) == 0 && bt_str_equal(bt_str_from(schemas[i].needed[j].type), type))
        l->has[i][j] = true;
  }
  for (size_t i = 0; i < OTHERS; i++)
    if (strcmp(others[i].path, path) == 0) l->is_other[i] = true;
}

/* The properties of one level, and of the next below those that are asked for. `outer` ends with a dot, or is "". */
static bt_status read_properties(look *l, const char *outer, bool is_outer);

static bt_status read_field(look *l, const char *path, bool is_outer) {
  static const bt_json_name names[] = {BT_JSON_NAME("type", 0), BT_JSON_NAME("properties", 1)};
  char inner[80];
  bt_str type = BT_STR("");
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  snprintf(inner, sizeof inner, "%.60s.", path);
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, names, COUNT(names), &seen, &bit)) {
    if (bit == 0)
      status = bt_json_read_text(&l->place, &type);
    else if (is_outer)
      status = read_properties(l, inner, false);
    else
      bt_json_skip(&l->place.json);
  }
  see_field(l, path, type);
  return bt_json_place_finish(&l->place, status);
}

static bt_status read_properties(look *l, const char *outer, bool is_outer) {
  bt_str key;
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_key(&l->place.json, &key)) {
    char path[140];
    snprintf(path, sizeof path, "%.61s%.*s", outer, (int)(key.len < 60 ? key.len : 60), key.ptr);
    status = read_field(l, path, is_outer);
  }
  return bt_json_place_finish(&l->place, status);
}

/* {"enabled":true} is as good as none. Anything else may leave out a part. */
static bt_status read_source_setting(look *l) {
  bt_str key;
  bool is_enabled = true;
  bt_json_open_object(&l->place.json);
  while (bt_json_next_key(&l->place.json, &key)) {
    bool is_plain = bt_str_equal(key, BT_STR("enabled")) && bt_json_peek(&l->place.json) == BT_JSON_BOOL &&
                    bt_json_bool(&l->place.json, &is_enabled) && is_enabled;
    if (is_plain) continue;
    l->keeps_source = false;
    if (is_enabled) bt_json_skip(&l->place.json);
  }
  return bt_json_place_status(&l->place);
}

/* The first of several has the say. */
static void take_schema(look *l, const bt_elastic_schema *schema) {
  char what[250];
  const bt_elastic_schema *first = l->found->schema;
  if (!first) l->found->schema = schema;
  if (!first || first == schema) return;
  snprintf(what, sizeof what, "has the schema of %s, and another index of the pattern that of %s: name those of one",
           schema->fields->schema, first->fields->schema);
  say_wrong(l, what);
}

static void judge_index(look *l) {
  char what[250] = "";
  size_t schema = 0, lacking = 0, other = 0;
  while (schema < SCHEMAS && !l->is_known_by[schema]) schema++;
  while (other < OTHERS && !l->is_other[other]) other++;
  const bt_elastic_schema *known = schema < SCHEMAS ? &schemas[schema] : &schemas[0];
  while (lacking < BT_ELASTIC_NEEDED && known->needed[lacking].path && l->has[known - schemas][lacking]) lacking++;
  bool lacks_field = lacking < BT_ELASTIC_NEEDED && known->needed[lacking].path;
  if (other < OTHERS && (schema == SCHEMAS || strcmp(others[other].path, "trace.id") != 0))
    snprintf(what, sizeof what, "has the schema of %s (it maps %s), which this version does not read",
             others[other].name, others[other].path);
  else if (lacks_field)
    snprintf(what, sizeof what, "does not map %s as %s, as %s does", known->needed[lacking].path,
             known->needed[lacking].type, known->fields->schema);
  else if (!l->keeps_source)
    snprintf(what, sizeof what, "does not keep all of _source (mapping), which spans are read from");
  if (what[0])
    say_wrong(l, what);
  else
    take_schema(l, known);
}

/* A field that a script makes at query time answers in place of an indexed one of its name. */
static bt_status read_made_fields(look *l) {
  char what[200];
  bt_str name;
  bt_json_open_object(&l->place.json);
  while (bt_json_next_key(&l->place.json, &name)) {
    snprintf(
        what, sizeof what,
        "has fields that are made at query time (runtime, derived), as %.*s, which may answer in place of what was "
        "indexed: take them out of its mapping",
        (int)(name.len < 60 ? name.len : 60), name.ptr);
    say_wrong(l, what);
    bt_json_skip(&l->place.json);
  }
  return bt_json_place_finish(&l->place, BT_OK);
}

static bt_status read_index_mapping(look *l) {
  static const bt_json_name outer[] = {BT_JSON_NAME("mappings", 0)};
  static const bt_json_name inner[] = {BT_JSON_NAME("properties", 0), BT_JSON_NAME("_source", 1),
                                       BT_JSON_NAME("runtime", 2), BT_JSON_NAME("derived", 3)};
  uint32_t seen = 0, seen_inside = 0;
  unsigned bit;
  bt_status status = BT_OK;
  memset(l->has, 0, sizeof l->has);
  memset(l->is_known_by, 0, sizeof l->is_known_by);
  memset(l->is_other, 0, sizeof l->is_other);
  l->keeps_source = true;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, outer, 1, &seen, &bit)) {
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_known(&l->place.json, inner, COUNT(inner), &seen_inside, &bit))
      status = bit == 0 ? read_properties(l, "", true) : bit == 1 ? read_source_setting(l) : read_made_fields(l);
  }
  if (status == BT_OK) judge_index(l);
  return bt_json_place_finish(&l->place, status);
}

/* ---- settings ---- */

enum { SET_REFRESH, SET_ROWS, SET_MODE, SET_MAPPING, SET_DERIVED, SET_CLOSED };
static const bt_json_name setting_names[] = {BT_JSON_NAME("refresh_interval", SET_REFRESH),
                                             BT_JSON_NAME("max_result_window", SET_ROWS),
                                             BT_JSON_NAME("mode", SET_MODE),
                                             BT_JSON_NAME("mapping", SET_MAPPING),
                                             BT_JSON_NAME("derived_source", SET_DERIVED),
                                             BT_JSON_NAME("verified_before_close", SET_CLOSED)};

/* "30s", "-1". False: it is no time. */
static bool parse_interval(bt_str text, int64_t *out_ns) {
  static const struct {
    const char *unit;
    int64_t ns;
  } units[] = {{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}};
  char copy[24], *end;
  snprintf(copy, sizeof copy, "%.*s", BT_FMT(text));
  long long number = strtoll(copy, &end, 10);
  *out_ns = -1;
  if (number < 0) return true;
  if (number == 0 && !*end) return *out_ns = 0, true;
  for (size_t i = 0; i < COUNT(units); i++)
    if (strcmp(end, units[i].unit) == 0) return !__builtin_mul_overflow((int64_t)number, units[i].ns, out_ns);
  return false;
}

static void take_refresh(look *l, bt_str text) {
  int64_t refresh_ns;
  bt_elastic_found *found = l->found;
  if (!parse_interval(text, &refresh_ns)) {
    say_wrong(l, "has a refresh_interval that is not understood");
    return;
  }
  if (refresh_ns > found->refresh_ns) found->refresh_ns = refresh_ns;
  if (refresh_ns < 0 && !found->lacks[0])
    snprintf(found->lacks, sizeof found->lacks,
             "the index %s is never refreshed (refresh_interval -1), so it shows nothing that came since", l->index);
}

/* {"source":{"mode":"synthetic"}}, or {"enabled":"true"}: said anew from what the index keeps, it is not what was sent.
 */
static bt_status read_source_mode(look *l, bool is_derived) {
  static const bt_json_name outer[] = {BT_JSON_NAME("source", 0), BT_JSON_NAME("enabled", 1)};
  static const bt_json_name inner[] = {BT_JSON_NAME("mode", 0)};
  uint32_t seen = 0, seen_inside = 0;
  unsigned bit;
  bt_str text = BT_STR("");
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, outer, 2, &seen, &bit)) {
    if (bit == 1) {
      status = bt_json_read_text(&l->place, &text);
      if (is_derived && !bt_str_equal(text, BT_STR("false"))) say_wrong(l, "keeps no _source (derived_source)");
      continue;
    }
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_known(&l->place.json, inner, 1, &seen_inside, &bit))
      status = bt_json_read_text(&l->place, &text);
    l->stores_source = bt_str_equal_nocase(text, BT_STR("stored"));
    if (text.len && !bt_str_equal_nocase(text, BT_STR("stored")))
      say_wrong(l, "keeps no stored _source (index.mapping.source.mode), which spans are read from");
  }
  return bt_json_place_finish(&l->place, status);
}

static bt_status read_setting(look *l, unsigned bit) {
  bt_str text = BT_STR("");
  if (bit == SET_MAPPING || bit == SET_DERIVED) return read_source_mode(l, bit == SET_DERIVED);
  bt_status status = bt_json_read_text(&l->place, &text);
  if (status != BT_OK) return status;
  if (bit == SET_REFRESH) take_refresh(l, text);
  if (bit == SET_MODE) l->makes_source = !bt_str_equal_nocase(text, BT_STR("standard"));
  if (bit == SET_CLOSED) say_wrong(l, "is closed, so its spans are not seen: open it, or leave it out of the pattern");
  if (bit == SET_ROWS) {
    char copy[24];
    snprintf(copy, sizeof copy, "%.*s", BT_FMT(text));
    unsigned long most = strtoul(copy, NULL, 10);
    if (most && most < l->found->most_rows) l->found->most_rows = (uint32_t)most;
  }
  return BT_OK;
}

static bt_status read_index_settings(look *l) {
  static const bt_json_name outer[] = {BT_JSON_NAME("settings", 0)}, middle[] = {BT_JSON_NAME("index", 0)};
  uint32_t seen = 0, seen_index = 0, seen_inside = 0;
  unsigned bit;
  bt_status status = BT_OK;
  l->makes_source = l->stores_source = false;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, outer, 1, &seen, &bit)) {
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_known(&l->place.json, middle, 1, &seen_index, &bit)) {
      bt_json_open_object(&l->place.json);
      while (status == BT_OK &&
             bt_json_next_known(&l->place.json, setting_names, COUNT(setting_names), &seen_inside, &bit))
        status = read_setting(l, bit);
    }
  }
  if (l->makes_source && !l->stores_source)
    say_wrong(l, "has an index.mode that makes _source anew (set index.mapping.source.mode to stored)");
  return bt_json_place_finish(&l->place, status);
}

/* ---- aliases ---- */

/* Whether one of the joined patterns of the URL names it. */
static bool is_named(const char *patterns, bt_str name) {
  char pattern[300], text[300];
  snprintf(text, sizeof text, "%.*s", BT_FMT(name));
  for (const char *at = patterns; *at;) {
    size_t length = strcspn(at, ",");
    snprintf(pattern, sizeof pattern, "%.*s", (int)length, at);
    if (fnmatch(pattern, text, 0) == 0) return true;
    at += length + (at[length] == ',');
  }
  return false;
}

static bt_status read_alias(look *l, bt_str name) {
  static const bt_json_name names[] = {BT_JSON_NAME("filter", 0)};
  char what[300];
  uint32_t seen = 0;
  unsigned bit;
  bool has_filter = false;
  bt_json_open_object(&l->place.json);
  while (bt_json_next_known(&l->place.json, names, 1, &seen, &bit)) {
    has_filter = true;
    bt_json_skip(&l->place.json);
  }
  const char *asked = l->elastic->index;
  if (has_filter && is_named(asked, name) && !is_named(asked, bt_str_from(l->index))) {
    snprintf(what, sizeof what, "is asked for by its alias %.*s, whose filter hides spans: name the index instead",
             (int)(name.len < 80 ? name.len : 80), name.ptr);
    say_wrong(l, what);
  }
  return bt_json_place_finish(&l->place, BT_OK);
}

/* An index that is asked for by its own name, too, is seen whole. */
static bt_status read_index_aliases(look *l) {
  static const bt_json_name outer[] = {BT_JSON_NAME("aliases", 0)};
  uint32_t seen = 0;
  unsigned bit;
  bt_str name;
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, outer, 1, &seen, &bit)) {
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_key(&l->place.json, &name)) status = read_alias(l, name);
  }
  return bt_json_place_finish(&l->place, status);
}

/* ---- the server ---- */

static bt_status read_version(look *l) {
  static const bt_json_name outer[] = {BT_JSON_NAME("version", 0)};
  static const bt_json_name inner[] = {BT_JSON_NAME("number", 0), BT_JSON_NAME("distribution", 1)};
  uint32_t seen = 0, seen_inside = 0;
  unsigned bit;
  bt_str texts[2] = {BT_STR(""), BT_STR("")};
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, outer, 1, &seen, &bit)) {
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_known(&l->place.json, inner, COUNT(inner), &seen_inside, &bit))
      status = bt_json_read_text(&l->place, &texts[bit]);
  }
  bt_elastic_found *found = l->found;
  found->is_opensearch = bt_str_equal(texts[1], BT_STR("opensearch"));
  found->is_checked = found->is_opensearch && bt_str_starts_with(texts[0], BT_STR("2.19."));
  snprintf(found->version, sizeof found->version, "%s %.*s", found->is_opensearch ? "OpenSearch" : "Elasticsearch",
           (int)(texts[0].len < 40 ? texts[0].len : 40), texts[0].ptr);
  if (!found->is_checked)
    snprintf(found->note, sizeof found->note, "not among the versions that were checked (OpenSearch 2.19)");
  if (status == BT_OK && !texts[0].len) return bt_json_place_stop(&l->place, "expected the version of the store");
  return bt_json_place_finish(&l->place, status);
}

/* ---- asking ---- */

/* An object with a member for each index. */
static bt_status read_indices(look *l, bt_status (*read)(look *l)) {
  bt_str name;
  bt_status status = BT_OK;
  l->indices = 0;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_key(&l->place.json, &name)) {
    name_index(l, name);
    status = read(l);
  }
  return bt_json_place_finish(&l->place, status);
}

static bt_status read_mappings(look *l) {
  return read_indices(l, read_index_mapping);
}

static bt_status read_settings(look *l) {
  return read_indices(l, read_index_settings);
}

static bt_status read_aliases(look *l) {
  return read_indices(l, read_index_aliases);
}

static bt_status ask_store(look *l, const char *path, const bt_cancel *cancel, bt_status (*read)(look *l),
                           bt_error *error) {
  bt_remote_answer answer = {0};
  bt_error why = {0};
  bt_remote_question question = {
      .method = "GET", .path = path, .kind = BT_HTTP_OTHER, .cancel = cancel, .priority = BT_PRIORITY_PEOPLE};
  bt_status status = bt_elastic_ask(l->elastic, &question, &answer, error);
  bt_build_init(&l->build, arena_max_bytes);
  l->place = (bt_json_place){.build = &l->build, .error = &why};
  bt_json_init(&l->place.json, bt_buffer_str(&answer.response.body), &l->build.arena);
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED) {
    status = read(l);
    if (status != BT_OK && status != BT_NO_MEMORY)
      status = bt_error_set(error, BT_UNAVAILABLE, "what the store says of itself cannot be read: %.300s", why.message);
  } else if (status == BT_OK) {
    int code = answer.response.status;
    bool is_refused = code >= 400 && code < 500 && code != 429;
    status = bt_error_set(error, is_refused ? BT_REFUSED : BT_UNAVAILABLE, "%s", answer.reason);
  }
  bt_build_dispose(&l->build);
  bt_remote_answer_dispose(&answer);
  return status;
}

static bt_status ask_indices(look *l, const char *what, const bt_cancel *cancel, bt_status (*read)(look *l),
                             bt_error *error) {
  bt_buffer path = {0};
  bt_buffer_printf(&path, "/%s/%s?expand_wildcards=open,closed&allow_no_indices=false&ignore_unavailable=false",
                   l->elastic->index, what);
  bt_status status = path.failed ? bt_error_no_memory(error) : ask_store(l, path.ptr, cancel, read, error);
  bt_buffer_dispose(&path);
  if (status != BT_OK) return status;
  if (!l->indices) return bt_error_set(error, BT_REFUSED, "no index is named like %.80s", l->elastic->index);
  return l->wrong[0] ? bt_error_set(error, BT_REFUSED, "%s", l->wrong) : BT_OK;
}

static bt_status find_all(bt_elastic *elastic, bt_elastic_found *found, const bt_cancel *cancel, bt_error *error) {
  look l = {.elastic = elastic, .found = found};
  *found = (bt_elastic_found){.most_rows = MOST_ROWS, .refresh_ns = second_ns};
  bt_status status = ask_store(&l, "/", cancel, read_version, error);
  if (status == BT_OK) status = ask_indices(&l, "_settings", cancel, read_settings, error);
  if (status == BT_OK) status = ask_indices(&l, "_alias", cancel, read_aliases, error);
  if (status == BT_OK) status = ask_indices(&l, "_mapping", cancel, read_mappings, error);
  if (status == BT_OK) {
    size_t length = strlen(found->version);
    snprintf(found->version + length, sizeof found->version - length, " (%s)", found->schema->fields->schema);
  }
  if (elastic->rows_per_answer && elastic->rows_per_answer < found->most_rows)
    found->most_rows = elastic->rows_per_answer;
  found->is_known = true;
  found->asked_ns = bt_clock_steady_ns();
  return status;
}

bt_status bt_elastic_find_out(bt_elastic *elastic, const bt_cancel *cancel, bt_elastic_found *out, bt_error *error) {
  pthread_mutex_lock(&elastic->store.mutex);
  bt_status status = BT_OK;
  bool is_old = bt_clock_steady_ns() - elastic->found.asked_ns > known_for_ns;
  if (!elastic->found.is_known || is_old) {
    bt_elastic_found found;
    status = find_all(elastic, &found, cancel, error);
    if (status == BT_OK) elastic->found = found;
    if (status == BT_OK) elastic->fields = found.schema->fields;
    if (status == BT_OK && !elastic->lacks[0]) memcpy(elastic->lacks, found.lacks, sizeof elastic->lacks);
  }
  *out = elastic->found;
  pthread_mutex_unlock(&elastic->store.mutex);
  return status;
}

bt_elastic_found bt_elastic_known(bt_elastic *elastic) {
  bt_elastic_found found = {0};
  if (pthread_mutex_trylock(&elastic->store.mutex) == 0) {
    found = elastic->found;
    pthread_mutex_unlock(&elastic->store.mutex);
  }
  return found;
}
