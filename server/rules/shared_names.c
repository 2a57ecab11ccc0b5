/* The names that a rule file gives. See shared_names.h. */
#include "server/rules/shared_names.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dsl/base/arena.h"

enum { MAX_BYTES = 64 * 1024 * 1024 };

struct bt_shared_names {
  atomic_uint users;
  bt_own_names names;
  bt_arena arena;
};

static bool copy_alias(bt_arena *arena, const bt_alias *from, bt_alias *to) {
  bt_str *keys = bt_arena_array(arena, from->key_count, sizeof *keys);
  bool ok = keys != NULL;
  for (uint32_t i = 0; ok && i < from->key_count; i++) ok = bt_arena_copy(arena, from->keys[i], &keys[i]);
  *to = (bt_alias){keys, from->key_count};
  return ok;
}

static bool copy_names(bt_arena *arena, const bt_own_names *from, bt_own_names *to) {
  bt_alias *aliases = bt_arena_array(arena, from->alias_count, sizeof *aliases);
  bool ok = aliases != NULL;
  for (size_t i = 0; ok && i < from->alias_count; i++) ok = copy_alias(arena, &from->aliases[i], &aliases[i]);
  bt_own_name *names = bt_arena_array(arena, from->name_count, sizeof *names);
  ok = ok && names;
  for (size_t i = 0; ok && i < from->name_count; i++)
    ok = bt_arena_copy(arena, from->names[i].word, &names[i].word) &&
         bt_arena_copy(arena, from->names[i].spans, &names[i].spans);
  *to = (bt_own_names){aliases, from->alias_count, names, from->name_count};
  return ok;
}

bt_status bt_shared_names_new(const bt_own_names *names, bt_shared_names **out, bt_error *error) {
  *out = NULL;
  bt_shared_names *shared = calloc(1, sizeof *shared);
  if (!shared) return bt_error_no_memory(error);
  bt_arena_init(&shared->arena, MAX_BYTES);
  atomic_init(&shared->users, 1);
  if (copy_names(&shared->arena, names, &shared->names)) {
    *out = shared;
    return BT_OK;
  }
  bt_shared_names_unref(shared);
  return bt_error_no_memory(error);
}

bt_shared_names *bt_shared_names_ref(bt_shared_names *shared) {
  if (shared) atomic_fetch_add(&shared->users, 1);
  return shared;
}

void bt_shared_names_unref(bt_shared_names *shared) {
  if (!shared || atomic_fetch_sub(&shared->users, 1) != 1) return;
  bt_arena_dispose(&shared->arena);
  free(shared);
}

const bt_own_names *bt_shared_names_get(const bt_shared_names *shared) {
  return shared ? &shared->names : NULL;
}
