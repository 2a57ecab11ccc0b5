/* Choosing a store by its name. See store_choice.h. */
#include "server/http/store_choice.h"

#include "server/http/body_fields.h"

/* NULL: there is none. */
static bt_source *find_store(const bt_service *service, bt_str name) {
  if (bt_str_equal(name, BT_STR(BT_OWN_STORE))) return service->source;
  for (size_t i = 0; i < service->named_count; i++)
    if (bt_str_equal(name, bt_str_from(service->named[i].name))) return service->named[i].source;
  return NULL;
}

/* What has to be said of a name that there is not, behind the word `store`. */
static void write_unknown(const bt_service *service, bt_str name, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("has to be one of the stores of this service: " BT_OWN_STORE));
  for (size_t i = 0; i < service->named_count; i++) bt_buffer_printf(out, ", %s", service->named[i].name);
  if (!service->named_count) bt_buffer_append(out, BT_STR(" alone (--named-store adds others)"));
  bt_buffer_printf(out, "; \"%.*s\" came", BT_FMT(name));
}

bt_source *bt_body_store(const bt_service *service, json_t *body, bt_field_errors *errors) {
  const char *name = bt_body_text(body, "store", errors);
  bt_source *source = name ? find_store(service, bt_str_from(name)) : service->source;
  if (source) return source;
  bt_buffer text = {0};
  write_unknown(service, bt_str_from(name), &text);
  bt_field_errors_add(errors, "store", "%s", text.ptr ? text.ptr : "");
  bt_buffer_dispose(&text);
  return service->source;
}

bt_source *bt_query_store(const bt_service *service, bt_call *call) {
  bt_str name = {0};
  if (!bt_call_query(call, "store", &name)) return service->source;
  bt_source *source = find_store(service, name);
  if (source) return source;
  bt_buffer text = {0};
  write_unknown(service, name, &text);
  bt_call_problem(call, 400, "invalid-parameter", "store %s.", text.ptr ? text.ptr : "");
  bt_buffer_dispose(&text);
  return NULL;
}

bt_price_table *bt_store_prices(const bt_service *service, const bt_source *source) {
  return source == service->source ? service->prices : NULL;
}
