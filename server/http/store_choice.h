/* Which of the service's stores a request asks: the one that it names, else the service's own. Thread: workers; reads
 * what stays as it is. */
#ifndef BT_SERVER_HTTP_STORE_CHOICE_H
#define BT_SERVER_HTTP_STORE_CHOICE_H

#include <jansson.h>

#include "server/http/call.h"
#include "server/http/service.h"

/* What the service's own store is called where there are others. */
#define BT_OWN_STORE "default"

/* Borrowed, never NULL. By the field `store`; a name that there is not is an error, which lists the names, and then it
 * is the service's own. */
bt_source *bt_body_store(const bt_service *service, json_t *body, bt_field_errors *errors);
/* Borrowed. By the parameter `store`. NULL: answered. */
bt_source *bt_query_store(const bt_service *service, bt_call *call);
/* Where what a rule costs on that store is added to. NULL: nowhere, because what is kept is of the service's own. */
bt_price_table *bt_store_prices(const bt_service *service, const bt_source *source);

#endif
