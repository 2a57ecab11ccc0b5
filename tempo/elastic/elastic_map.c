/* Reading mappings. See elastic_map.h. The server is asked for the fields alone, and for what hides others: an index
 * may have a thousand. */
#include "tempo/elastic/elastic_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { DEEPEST = 24, LONGEST_LINE = 3500 };
static const size_t arena_max_bytes = (size_t)64 << 20;

typedef struct looking {
  bt_elastic_map *map;
  const bt_elastic_fields *fields;
  bt_json_place place;
  bt_str index;
  char path[2 * BT_ELASTIC_PATH_BYTES];
} looking;

/* ---- the fields of a query ---- */

static bool add_path(bt_elastic_map *map, const char *path) {
  for (size_t i = 0; i < map->path_count; i++)
    if (strcmp(map->paths[i], path) == 0) return true;
  void *paths = bt_grow_array(map->paths, map->path_count, &map->path_capacity, sizeof *map->paths);
  if (!paths) return false;
  map->paths = paths;
  memcpy(map->paths[map->path_count++], path, strlen(path) + 1);
  return true;
}

static bool add_paths(bt_elastic_map *map, const bt_elastic_fields *fields, const bt_filter *filter) {
  char paths[BT_ELASTIC_PATHS][BT_ELASTIC_PATH_BYTES];
  bool has_room = true;
  size_t count = filter->kind == BT_FILTER_TEST ? bt_elastic_paths_of(fields, &filter->test, paths) : 0;
  for (size_t i = 0; i < count; i++) has_room = has_room && add_path(map, paths[i]);
  for (uint32_t i = 0; i < filter->item_count; i++) has_room = has_room && add_paths(map, fields, filter->items[i]);
  return has_room;
}

static void write_filter_path(const char *path, bt_buffer *out) {
  bt_buffer_append(out, BT_STR(",*.mappings.properties."));
  for (; *path; path++)
    if (*path == '.')
      bt_buffer_append(out, BT_STR(".properties."));
    else
      bt_buffer_append_char(out, *path);
}

/* The trace's id shows each index, also one that has none of the others. A long line is refused, so then all is asked
 * for. */
static void write_question(const bt_elastic *elastic, const bt_elastic_fields *fields, const bt_elastic_map *map,
                           bt_buffer *out) {
  bt_buffer_printf(out,
                   "/%s/_mapping?" BT_ELASTIC_ALL_INDICES "&"
                   "filter_path=*.mappings.dynamic,*.mappings.enabled,*.mappings.**.dynamic,*.mappings.**.enabled",
                   elastic->index);
  size_t length = out->len;
  write_filter_path(fields->trace_id, out);
  for (size_t i = 0; i < map->path_count; i++) write_filter_path(map->paths[i], out);
  if (out->len < LONGEST_LINE) return;
  out->len = length;
  bt_buffer_append(out, BT_STR(",*.mappings.properties"));
}

/* ---- a mapping ---- */

typedef struct field {
  bt_str type, dynamic;
  uint64_t ignore_above;
  bool is_indexed, is_enabled, is_odd;
} field;

static bt_elastic_form form_of(const field *f) {
  static const struct {
    const char *type;
    bt_elastic_form form;
  } forms[] = {{"keyword", BT_ELASTIC_KEYWORD}, {"long", BT_ELASTIC_WHOLE},     {"integer", BT_ELASTIC_WHOLE},
               {"short", BT_ELASTIC_WHOLE},     {"byte", BT_ELASTIC_WHOLE},     {"double", BT_ELASTIC_DOUBLE},
               {"float", BT_ELASTIC_FLOAT},     {"boolean", BT_ELASTIC_BOOLEAN}};
  if (!f->is_indexed || !f->is_enabled || f->is_odd) return BT_ELASTIC_OTHER;
  for (size_t i = 0; i < COUNT(forms); i++)
    if (bt_str_equal(f->type, bt_str_from(forms[i].type))) return forms[i].form;
  return BT_ELASTIC_OTHER;
}

static bool add_index(bt_elastic_mapped *mapped, bt_str index) {
  if (mapped->index_count++) bt_buffer_append_char(&mapped->indices, ',');
  bt_elastic_quote(&mapped->indices, index);
  return !mapped->indices.failed;
}

static bool add_mapped(looking *l, size_t path, const field *f) {
  bt_elastic_map *map = l->map;
  bt_elastic_form form = form_of(f);
  uint32_t ignore_above = f->ignore_above < UINT32_MAX ? (uint32_t)f->ignore_above : 0;
  for (size_t i = 0; i < map->mapped_count; i++) {
    bt_elastic_mapped *m = &map->mapped[i];
    if (m->path == path && m->form == form && m->ignore_above == ignore_above) return add_index(m, l->index);
  }
  void *mapped = bt_grow_array(map->mapped, map->mapped_count, &map->mapped_capacity, sizeof *map->mapped);
  if (!mapped) return false;
  map->mapped = mapped;
  map->mapped[map->mapped_count] = (bt_elastic_mapped){.path = path, .form = form, .ignore_above = ignore_above};
  return add_index(&map->mapped[map->mapped_count++], l->index);
}

/* `inner` lies in `outer`, or is it. The whole document is "". */
static bool lies_in(const char *inner, const char *outer) {
  size_t length = strlen(outer);
  return !length || (strncmp(inner, outer, length) == 0 && (!inner[length] || inner[length] == '.'));
}

/* What an object does not map is there all the same, unless it maps whatever comes, or refuses it. */
static void see_object(looking *l, const field *f) {
  bool maps = !f->dynamic.len || bt_str_equal(f->dynamic, BT_STR("true")) ||
              bt_str_equal(f->dynamic, BT_STR("strict")) || bt_str_equal(f->dynamic, BT_STR("strict_allow_templates"));
  if (maps && f->is_enabled) return;
  const char *span = l->fields->span, *resource = l->fields->resource;
  if (span && (lies_in(l->path, span) || lies_in(span, l->path))) l->map->hides_span = true;
  if (resource && (lies_in(l->path, resource) || lies_in(resource, l->path))) l->map->hides_resource = true;
}

static bt_status read_properties(looking *l, int depth);

/* True and false stand there with quotes or without. */
static bt_status read_word(looking *l, bt_str *out) {
  bool is_true = false;
  if (bt_json_peek(&l->place.json) != BT_JSON_BOOL) return bt_json_read_text(&l->place, out);
  bt_json_bool(&l->place.json, &is_true);
  *out = is_true ? BT_STR("true") : BT_STR("false");
  return bt_json_place_status(&l->place);
}

enum { HAS_TYPE, HAS_PROPERTIES, HAS_IGNORE_ABOVE, HAS_INDEX, HAS_ENABLED, HAS_DYNAMIC, HAS_NORMALIZER, HAS_PATH };
static const bt_json_name field_names[] = {BT_JSON_NAME("type", HAS_TYPE),
                                           BT_JSON_NAME("properties", HAS_PROPERTIES),
                                           BT_JSON_NAME("index", HAS_INDEX),
                                           BT_JSON_NAME("ignore_above", HAS_IGNORE_ABOVE),
                                           BT_JSON_NAME("enabled", HAS_ENABLED),
                                           BT_JSON_NAME("dynamic", HAS_DYNAMIC),
                                           BT_JSON_NAME("normalizer", HAS_NORMALIZER),
                                           BT_JSON_NAME("path", HAS_PATH)};

static bt_status read_field_member(looking *l, unsigned bit, int depth, field *f) {
  bt_str word = BT_STR("");
  bt_status status = BT_OK;
  switch (bit) {
  case HAS_TYPE: return bt_json_read_text(&l->place, &f->type);
  case HAS_PROPERTIES: return read_properties(l, depth + 1);
  case HAS_IGNORE_ABOVE: return bt_json_read_uint64(&l->place, "expected how long a text may be", &f->ignore_above);
  case HAS_DYNAMIC: return read_word(l, &f->dynamic);
  case HAS_INDEX:
  case HAS_ENABLED:
    status = read_word(l, &word);
    *(bit == HAS_INDEX ? &f->is_indexed : &f->is_enabled) = bt_str_equal(word, BT_STR("true"));
    return status;
  default: /* another text is indexed than came, or another field */ f->is_odd = true; bt_json_skip(&l->place.json);
  }
  return bt_json_place_status(&l->place);
}

/* One field, or an object with others; the whole document, too. */
static bt_status read_field(looking *l, int depth) {
  field f = {.type = BT_STR(""), .dynamic = BT_STR(""), .is_indexed = true, .is_enabled = true};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_known(&l->place.json, field_names, COUNT(field_names), &seen, &bit))
    status = read_field_member(l, bit, depth, &f);
  bool is_object = !f.type.len || bt_str_equal(f.type, BT_STR("object")) || bt_str_equal(f.type, BT_STR("nested"));
  if (is_object) see_object(l, &f);
  for (size_t i = 0; bt_str_equal(f.type, BT_STR("nested")) && i < l->map->mapped_count; i++)
    if (lies_in(l->map->paths[l->map->mapped[i].path], l->path)) l->map->mapped[i].form = BT_ELASTIC_OTHER;
  for (size_t i = 0; status == BT_OK && !is_object && i < l->map->path_count; i++)
    if (strcmp(l->map->paths[i], l->path) == 0 && !add_mapped(l, i, &f)) status = bt_error_no_memory(l->place.error);
  return bt_json_place_finish(&l->place, status);
}

/* A name that is too long for a path is none that is asked for. */
static bt_status read_properties(looking *l, int depth) {
  bt_str key;
  bt_status status = BT_OK;
  size_t length = strlen(l->path);
  if (depth > DEEPEST) return bt_json_place_stop(&l->place, "expected a mapping of less than 24 levels");
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_key(&l->place.json, &key)) {
    if (length + key.len + 2 > sizeof l->path) {
      bt_json_skip(&l->place.json);
      continue;
    }
    snprintf(l->path + length, sizeof l->path - length, "%s%.*s", length ? "." : "", BT_FMT(key));
    status = read_field(l, depth);
    l->path[length] = '\0';
  }
  return bt_json_place_finish(&l->place, status);
}

static bt_status read_indices(looking *l) {
  static const bt_json_name names[] = {BT_JSON_NAME("mappings", 0)};
  bt_status status = BT_OK;
  bt_json_open_object(&l->place.json);
  while (status == BT_OK && bt_json_next_key(&l->place.json, &l->index)) {
    uint32_t seen = 0;
    unsigned bit;
    l->map->index_count++;
    bt_json_open_object(&l->place.json);
    while (status == BT_OK && bt_json_next_known(&l->place.json, names, 1, &seen, &bit)) status = read_field(l, 0);
  }
  return bt_json_place_finish(&l->place, status);
}

/* ---- asking ---- */

static bt_status read_answer(looking *l, bt_remote_answer *answer, bt_error *error) {
  bt_build build;
  bt_error why = {0};
  bt_build_init(&build, arena_max_bytes);
  l->place = (bt_json_place){.build = &build, .error = &why};
  bt_json_init(&l->place.json, bt_buffer_str(&answer->response.body), &build.arena);
  bt_status status = read_indices(l);
  if (status == BT_NO_MEMORY)
    status = bt_error_no_memory(error);
  else if (status != BT_OK || !l->map->index_count)
    bt_remote_fail(answer, status != BT_OK ? why.message : "the store does not say how its indices map fields");
  bt_build_dispose(&build);
  return status == BT_NO_MEMORY ? status : BT_OK;
}

bt_status bt_elastic_map_ask(bt_elastic *elastic, const bt_remote_question *ask, const bt_elastic_fields *fields,
                             bt_query query, bt_elastic_map *map, bt_remote_answer *answer, bt_error *error) {
  looking l = {.map = map, .fields = fields};
  bt_remote_question question = *ask;
  bt_buffer path = {0};
  bt_status status = BT_OK;
  *map = (bt_elastic_map){0};
  *answer = (bt_remote_answer){.outcome = BT_REMOTE_ANSWERED};
  if (query.filter && !add_paths(map, fields, query.filter)) return bt_error_no_memory(error);
  if (!map->path_count) return BT_OK;
  write_question(elastic, fields, map, &path);
  question.method = "GET";
  question.path = path.ptr;
  question.body = (bt_str){0};
  status = path.failed ? bt_error_no_memory(error) : bt_elastic_ask(elastic, &question, answer, error);
  if (status == BT_OK && answer->outcome == BT_REMOTE_ANSWERED) status = read_answer(&l, answer, error);
  bt_buffer_dispose(&path);
  return status;
}

void bt_elastic_map_dispose(bt_elastic_map *map) {
  for (size_t i = 0; i < map->mapped_count; i++) bt_buffer_dispose(&map->mapped[i].indices);
  free(map->mapped);
  free(map->paths);
  *map = (bt_elastic_map){0};
}
