/* What changed, for a pull request: as annotations of a workflow, as JUnit, and as Markdown for a comment. Thread: no
 * state. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_CHANGED_CI_H
#define BT_SERVER_CHANGED_CI_H

#include "server/query/changed.h"

/* Appends an annotation for each change, and one for what did not change or is not known; the latter is an error. */
bt_status bt_changed_annotate(const bt_changed *changed, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
/* A case that fails for each change, and one for the rest: what is not known is an error there and no pass. */
bt_status bt_changed_junit(const bt_changed *changed, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
/* Names that others wrote stand in code, where Markdown obeys nothing and names nobody. */
bt_status bt_changed_markdown(const bt_changed *changed, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
