/* What the files of completion.h share. Pure. Thread: no state. */
#ifndef BT_SERVER_EDITOR_COMPLETION_PARTS_H
#define BT_SERVER_EDITOR_COMPLETION_PARTS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/editor/completion.h"
#include "server/editor/context.h"

#define BT_CLASS(name) (1U << BT_WORD_##name)

/* What is offered at one place; after a failure nothing more is. */
typedef struct bt_offering {
  bt_completion *out;
  const bt_context *context;
  bt_error *error;
  bt_status status;
} bt_offering;

/* completion.c. Nothing that does not fit what was typed is added. */
void bt_offer_item(bt_offering *o, bt_completion_kind kind, bt_str label, bt_str insert, const char *detail,
                   const char *doc);
/* A word of the language by its name, behind `front`. */
void bt_offer_named(bt_offering *o, bt_str front, const char *name);
void bt_offer_function(bt_offering *o, const char *name);
void bt_offer_functions(bt_offering *o, bt_function_class class); /* all of this class */
/* All words of these classes whose name begins with `head`; the head stands in `front` already when `is_cut`. */
void bt_offer_words(bt_offering *o, unsigned classes, const char *head, bt_str front, bool is_cut);
void bt_offer_bindings(bt_offering *o);
/* Behind a dot: what belongs to its head. */
void bt_offer_dotted(bt_offering *o);
void bt_offer_want(bt_offering *o, bt_completion_want want);
/* `front` and the text, in the completion's memory. */
bt_str bt_offer_joined(bt_offering *o, bt_str front, const char *text);

/* completion_value.c */
void bt_offer_value(bt_offering *o);
void bt_offer_durations(bt_offering *o);
/* Whether the brackets behind the path hold the key of an attribute, and not a vendor of the trace state. */
bool bt_index_is_attributes(bt_str path);
/* Whose attributes `path`, as in span.attributes, means; the head may be a binding's. */
bt_want_of bt_index_attributes(const bt_context *context, bt_str path);

/* completion_item.c: adds a copy of the item, with its rank, unless its label does not fit what was typed. BT_NO_MEMORY
 * alone. */
bt_status bt_completion_offer(bt_completion *completion, const bt_completion_item *item, bt_error *error) BT_MUST_CHECK;
/* Where names of spans or attributes are wanted: the names and aliases of the text, and of `beside`. BT_NO_MEMORY
 * alone. */
bt_status bt_completion_offer_own(bt_completion *completion, bt_str text, const bt_own_names *beside,
                                  bt_error *error) BT_MUST_CHECK;

#endif
