/* A rule in the body of a request: read, checked, compiled, or answered with what is wrong. What is returned is new
 * (bt_rule_definition_unref). Thread: workers. */
#ifndef BT_SERVER_HTTP_RULE_BODY_H
#define BT_SERVER_HTTP_RULE_BODY_H

#include "server/http/call.h"
#include "server/http/service.h"
#include "server/rules/rule_definition.h"

/* path_id: the id that the path names (the body may leave it out or say the same), or NULL. NULL: answered already
 * (400, 422). */
bt_rule_definition *bt_rule_body_read(const bt_service *service, bt_call *call, const char *path_id);
/* A definition for a text alone (ad-hoc rules): answers 422 like the above. NULL: answered. */
bt_rule_definition *bt_rule_body_adhoc(bt_call *call, const char *dsl);

#endif
