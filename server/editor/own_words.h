/* Names that a rule's text and its file give, in an editor: what stands behind a word, and what could be written. The
 * text need not be a rule yet. Pure: libc and dsl/. Thread: no state. */
#ifndef BT_SERVER_EDITOR_OWN_WORDS_H
#define BT_SERVER_EDITOR_OWN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/rule/own_names.h"

/* What the text says by @alias and @name, as far as it can be read, and `beside`, which may be NULL. Of one word that
 * both say the text's comes first. All is in the arena, or borrowed from `beside`. BT_NO_MEMORY alone. */
bt_status bt_own_words_find(bt_str text, const bt_own_names *beside, bt_arena *arena, bt_own_names *out,
                            bt_error *error) BT_MUST_CHECK;

typedef struct bt_own_word {
  bt_range range;           /* where it stands; of an alias with `span.` and the like in front of it */
  bool is_alias;            /* else a name */
  bt_str word;              /* a slice of the text, an alias without what is in front */
  bt_buffer signature, doc; /* what stands behind it, and what that means */
} bt_own_word;

/* The word at an offset of the text (in bytes), outside strings and comments. False: it is none of these names. */
bool bt_own_word_at(bt_str text, size_t offset, const bt_own_names *names, bt_own_word *out);
/* Both in one, for who asks once; the offset is in bytes. *found says whether there is one; dispose of it then.
 * BT_NO_MEMORY alone. */
bt_status bt_own_word_of(bt_str text, size_t offset, const bt_own_names *beside, bool *found, bt_own_word *out,
                         bt_error *error) BT_MUST_CHECK;
void bt_own_word_dispose(bt_own_word *word);

/* Append what stands behind them: "span(k == 1)", and "gen_ai.tool.name, tool.name". */
void bt_own_name_say(const bt_own_name *name, bt_buffer *out);
void bt_own_alias_say(const bt_alias *alias, bt_buffer *out);

#endif
