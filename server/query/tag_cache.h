/* Names and values of the traces, kept for some seconds: an editor asks at every keystroke, and the store need not be.
 * What could not be had is kept too, so that a store that is away costs one wait and not one a key. Bounded in entries,
 * bytes and requests at once. Thread: any; nothing is held while a source is asked. */
#ifndef BT_SERVER_QUERY_TAG_CACHE_H
#define BT_SERVER_QUERY_TAG_CACHE_H

#include "dsl/base/error.h"
#include "tempo/wire/source.h"
#include "tempo/wire/tags.h"

enum { BT_TAG_CACHE_ENTRIES = 64 };

typedef struct bt_tag_cache bt_tag_cache;
/* new. BT_NO_MEMORY alone. */
bt_status bt_tag_cache_new(bt_tag_cache **out, bt_error *error) BT_MUST_CHECK;
void bt_tag_cache_free(bt_tag_cache *cache); /* NULL is fine */

typedef struct bt_cached_tags bt_cached_tags; /* shared */
/* request->key, scope and tenant say what is asked; prefix has to be empty. Shared. NULL: no memory. */
bt_cached_tags *bt_tag_cache_get(bt_tag_cache *cache, bt_source *source, const bt_tag_request *request);
/* NULL: the source could not say; *problem is why. */
const bt_tag_list *bt_cached_tags_list(const bt_cached_tags *tags, const char **problem);
void bt_cached_tags_unref(bt_cached_tags *tags); /* NULL is fine */

#endif
