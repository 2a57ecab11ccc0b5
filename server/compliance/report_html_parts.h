/* What the sections of a report's page are made of: escaped texts, times, statuses and rows of facts, written to the
 * end of a buffer. A buffer without memory keeps that to itself until it is asked (dsl/base/text.h), so none of these
 * fails. Owns nothing. Thread: any. */
#ifndef BT_SERVER_COMPLIANCE_REPORT_HTML_PARTS_H
#define BT_SERVER_COMPLIANCE_REPORT_HTML_PARTS_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/text.h"

/* HTML as it stands. */
void bt_html_put(bt_buffer *out, const char *html);
/* Text that may come from outside: escaped, and in a <bdi>, so that letters that turn the direction of writing cannot
 * make one line look like another. */
void bt_html_put_text(bt_buffer *out, const char *text);
/* A member of an object, "—" where it is no text or an empty one. */
const char *bt_html_text_at(const json_t *object, const char *name);
/* RFC 3339 without what nobody reads on paper: "2026-03-09 12:00:00 UTC". */
void bt_html_put_time(bt_buffer *out, const json_t *time);
void bt_html_put_status(bt_buffer *out, const char *status);
/* A row of a table of facts: a name, and what stands between begin and end. */
void bt_html_begin_fact(bt_buffer *out, const char *name);
void bt_html_end_fact(bt_buffer *out);
void bt_html_put_fact(bt_buffer *out, const char *name, const char *text);
void bt_html_put_code_fact(bt_buffer *out, const char *name, const char *text);
/* A cell; "≥" before what is not exact. */
void bt_html_put_number(bt_buffer *out, const json_t *number, bool is_exact);

extern const char bt_report_html_style[]; /* the content of <style>, but for what is of one report */

void bt_report_html_rule(const json_t *rule, bt_buffer *out); /* the section of one rule: an entry's body */

#endif
