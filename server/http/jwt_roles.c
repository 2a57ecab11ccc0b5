/* The file of roles and tenants of JWTs. See jwt_roles.h. */
#include "server/http/jwt_roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json_members.h"
#include "server/json/json_memory.h"

typedef struct role_row {
  const char *claim[BT_JWT_MAX_DEPTH]; /* the way to it */
  size_t depth;
  bt_str value;
  bt_role role;        /* of a row of roles */
  bool every_tenant;   /* of a row of tenants, as those that follow */
  const bt_str *names; /* of tenants */
  size_t name_count;
} role_row;

typedef struct row_list {
  role_row *items;
  size_t count;
} row_list;

struct bt_jwt_roles {
  json_t *document; /* owns all texts */
  bt_arena arena;
  row_list roles, tenants;
  bool has_tenants; /* the file says what tenants there are */
  size_t name_count;
};

typedef struct row_reader {
  bt_jwt_roles *roles;
  const char *file, *section;
  size_t row; /* from 1 */
  bt_error *error;
} row_reader;

/* ---- reading ---- */

static bt_status refuse_row(const row_reader *reader, const char *expected) {
  return bt_error_set(reader->error, BT_INVALID, "%s: %s, row %zu: %s", reader->file, reader->section, reader->row,
                      expected);
}

static bool read_claim(const json_t *claim, role_row *row) {
  if (json_is_string(claim)) {
    row->claim[0] = json_string_value(claim);
    row->depth = 1;
    return row->claim[0][0] != '\0';
  }
  row->depth = json_array_size(claim);
  for (size_t i = 0; i < row->depth && i < BT_JWT_MAX_DEPTH; i++) {
    row->claim[i] = json_string_value(json_array_get(claim, i));
    if (!row->claim[i] || !row->claim[i][0]) return false;
  }
  return row->depth > 0 && row->depth <= BT_JWT_MAX_DEPTH;
}

static bt_status read_role(const row_reader *reader, const json_t *value, role_row *row) {
  bt_str name = bt_json_str(value);
  bool is_editor = bt_str_equal(name, BT_STR("editor"));
  row->role = is_editor ? BT_ROLE_EDITOR : BT_ROLE_VIEWER;
  if (is_editor || bt_str_equal(name, BT_STR("viewer"))) return BT_OK;
  return refuse_row(reader, "role has to be \"viewer\" or \"editor\"");
}

static bt_status read_tenants(const row_reader *reader, const json_t *value, role_row *row) {
  bt_jwt_roles *roles = reader->roles;
  row->every_tenant = bt_str_equal(bt_json_str(value), BT_STR("*"));
  if (row->every_tenant) return BT_OK;
  row->name_count = json_array_size(value);
  roles->name_count += row->name_count;
  if (roles->name_count > BT_JWT_MAX_TENANTS) return refuse_row(reader, "a file may name 500 tenants at most");
  bt_str *names = bt_arena_array(&roles->arena, row->name_count + 1, sizeof *names);
  if (!names) return bt_error_no_memory(reader->error);
  for (size_t i = 0; i < row->name_count; i++) {
    names[i] = bt_json_str(json_array_get(value, i));
    if (!bt_tenant_is_valid(names[i]) || bt_str_equal(names[i], BT_STR("*"))) row->name_count = 0;
  }
  row->names = names;
  if (row->name_count) return BT_OK;
  return refuse_row(reader, "tenants has to be a list of names of tenants, or \"*\" alone; a name is 1 to 150 letters, "
                            "digits and !-_.*'()");
}

static bt_status read_row(const row_reader *reader, const json_t *item, role_row *row) {
  bool is_of_roles = strcmp(reader->section, "roles") == 0;
  const json_t *given = json_object_get(item, is_of_roles ? "role" : "tenants");
  if (json_object_size(item) != 3 || !json_object_get(item, "claim") || !json_object_get(item, "value") || !given)
    return refuse_row(reader, is_of_roles ? "expected an object of claim, value and role"
                                          : "expected an object of claim, value and tenants");
  if (!read_claim(json_object_get(item, "claim"), row))
    return refuse_row(reader, "claim has to be a name, or a list of up to 8 names that lead to it");
  row->value = bt_json_str(json_object_get(item, "value"));
  if (!row->value.len) return refuse_row(reader, "value has to be a text that is not empty");
  return is_of_roles ? read_role(reader, given, row) : read_tenants(reader, given, row);
}

static bt_status read_rows(row_reader *reader, const char *section, row_list *out) {
  const json_t *list = json_object_get(reader->roles->document, section);
  size_t count = json_array_size(list);
  if (!count || count > BT_JWT_MAX_ROWS)
    return bt_error_set(reader->error, BT_INVALID, "%s: %s has to be a list of 1 to 1,000 rows", reader->file, section);
  out->items = bt_arena_array(&reader->roles->arena, count, sizeof *out->items);
  if (!out->items) return bt_error_no_memory(reader->error);
  reader->section = section;
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) {
    reader->row = i + 1;
    status = read_row(reader, json_array_get(list, i), &out->items[out->count++]);
  }
  return status;
}

static bt_status read_document(row_reader *reader) {
  bt_jwt_roles *roles = reader->roles;
  const char *name;
  json_t *value;
  if (!json_is_object(roles->document))
    return bt_error_set(reader->error, BT_INVALID,
                        "%s: expected a JSON object with roles and tenants, and no name in it twice", reader->file);
  json_object_foreach(roles->document, name, value) {
    if (strcmp(name, "roles") != 0 && strcmp(name, "tenants") != 0)
      return bt_error_set(reader->error, BT_INVALID, "%s: expected roles and tenants alone; something else came too",
                          reader->file);
  }
  bt_status status = read_rows(reader, "roles", &roles->roles);
  roles->has_tenants = json_object_get(roles->document, "tenants") != NULL;
  if (!status && roles->has_tenants) status = read_rows(reader, "tenants", &roles->tenants);
  return status;
}

bt_status bt_jwt_roles_parse(bt_str text, const char *file, bt_jwt_roles **out, bt_error *error) {
  *out = NULL;
  bt_jwt_roles *roles = calloc(1, sizeof *roles);
  if (!roles) return bt_error_no_memory(error);
  bt_arena_init(&roles->arena, 2 * (size_t)BT_JWT_ROLES_MAX_BYTES);
  row_reader reader = {.roles = roles, .file = file, .error = error};
  bt_json_memory_begin();
  roles->document = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
  bt_status status = bt_json_memory_failed() ? bt_error_no_memory(error) : read_document(&reader);
  if (status)
    bt_jwt_roles_free(roles);
  else
    *out = roles;
  return status;
}

bt_status bt_jwt_roles_read(const char *file, bt_jwt_roles **out, bt_error *error) {
  *out = NULL;
  char *text = malloc(BT_JWT_ROLES_MAX_BYTES + 1);
  if (!text) return bt_error_no_memory(error);
  errno = 0;
  FILE *stream = fopen(file, "re");
  size_t length = stream ? fread(text, 1, BT_JWT_ROLES_MAX_BYTES + 1, stream) : 0;
  bt_status status = BT_OK;
  if (!stream || ferror(stream))
    status = bt_error_set(error, BT_IO, "the file of roles %s cannot be read: %s", file, strerror(errno));
  else if (length > BT_JWT_ROLES_MAX_BYTES)
    status = bt_error_set(error, BT_LIMIT, "the file of roles %s is larger than 1 MiB", file);
  else
    status = bt_jwt_roles_parse((bt_str){text, length}, file, out, error);
  if (stream) fclose(stream);
  free(text);
  return status;
}

void bt_jwt_roles_free(bt_jwt_roles *roles) {
  if (!roles) return;
  json_decref(roles->document);
  bt_arena_dispose(&roles->arena);
  free(roles);
}

/* ---- use ---- */

static bool row_holds(const role_row *row, const json_t *claims) {
  const json_t *value = claims;
  for (size_t i = 0; i < row->depth; i++) value = json_object_get(value, row->claim[i]);
  if (json_is_string(value)) return bt_str_equal(bt_json_str(value), row->value);
  for (size_t i = 0; i < json_array_size(value); i++) {
    const json_t *one = json_array_get(value, i);
    if (json_is_string(one) && bt_str_equal(bt_json_str(one), row->value)) return true;
  }
  return false;
}

static void add_tenant(bt_jwt_granted *out, bt_str name) {
  for (size_t i = 0; i < out->tenant_count; i++)
    if (bt_str_equal(out->tenants[i], name)) return;
  out->tenants[out->tenant_count++] = name; /* a file names no more than there is room for */
}

void bt_jwt_roles_grant(const bt_jwt_roles *roles, const json_t *claims, bt_jwt_granted *out) {
  out->has_role = out->every_tenant = false;
  out->has_tenants = !roles->has_tenants;
  out->role = BT_ROLE_VIEWER;
  out->tenant_count = 0;
  for (size_t i = 0; i < roles->roles.count; i++) {
    const role_row *row = &roles->roles.items[i];
    if (!row_holds(row, claims)) continue;
    out->has_role = true;
    if (row->role < out->role) out->role = row->role;
  }
  for (size_t i = 0; i < roles->tenants.count; i++) {
    const role_row *row = &roles->tenants.items[i];
    if (!row_holds(row, claims)) continue;
    out->has_tenants = true;
    out->every_tenant = out->every_tenant || row->every_tenant;
    for (size_t k = 0; k < row->name_count; k++) add_tenant(out, row->names[k]);
  }
  if (out->every_tenant) out->tenant_count = 0;
}

static bool have_same_claim(const role_row *a, const role_row *b) {
  bool is_same = a->depth == b->depth;
  for (size_t i = 0; is_same && i < a->depth; i++) is_same = strcmp(a->claim[i], b->claim[i]) == 0;
  return is_same;
}

static bool is_named_before(const row_list *rows, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (have_same_claim(&rows->items[i], &rows->items[at])) return true;
  return false;
}

void bt_jwt_roles_name_claims(const bt_jwt_roles *roles, bool is_of_tenants, char *out, size_t size) {
  const row_list *rows = is_of_tenants ? &roles->tenants : &roles->roles;
  size_t length = 0;
  out[0] = '\0';
  for (size_t i = 0; i < rows->count && length < size; i++) {
    if (is_named_before(rows, i)) continue;
    for (size_t k = 0; k < rows->items[i].depth && length < size; k++)
      length += (size_t)snprintf(out + length, size - length, "%s%s",
                                 k        ? "."
                                 : length ? ", "
                                          : "",
                                 rows->items[i].claim[k]);
  }
}
