/* Revisions of the protocol. See era.h. Source: modelcontextprotocol.io/specification/2026-07-28, "Versioning",
 * "Streamable HTTP" and "Caching". */
#include "server/mcp/era.h"

#include <stdio.h>
#include <string.h>

#include "server/json/json_values.h"
#include "server/mcp/dialogue.h"

/* The newest first. */
static const char modern[] = "2026-07-28";
static const char *const legacy[] = {"2025-11-25", "2025-06-18", "2025-03-26"};
enum { LEGACY_COUNT = sizeof legacy / sizeof *legacy };

static const char VERSION_KEY[] = "io.modelcontextprotocol/protocolVersion";
static const char CAPABILITIES_KEY[] = "io.modelcontextprotocol/clientCapabilities";

const char *bt_mcp_legacy_version(const char *asked) {
  for (size_t i = 0; asked && i < LEGACY_COUNT; i++)
    if (strcmp(legacy[i], asked) == 0) return legacy[i];
  return legacy[0];
}

bool bt_mcp_has_version(bt_str version) {
  for (size_t i = 0; i < LEGACY_COUNT; i++)
    if (bt_str_equal(version, bt_str_from(legacy[i]))) return true;
  return bt_mcp_is_modern_version(version);
}

bool bt_mcp_takes_batches(bt_str version) {
  return bt_str_equal(version, BT_STR("2025-03-26"));
}

bool bt_mcp_is_modern_version(bt_str version) {
  return bt_str_equal(version, bt_str_from(modern));
}

static json_t *served_versions(void) {
  json_t *list = json_pack("[s]", modern);
  for (size_t i = 0; list && i < LEGACY_COUNT; i++) bt_json_append(list, json_string(legacy[i]));
  return list;
}

/* ---- what a request says of itself ---- */

static json_t *declared_version(json_t *params) {
  return json_object_get(json_object_get(params, "_meta"), VERSION_KEY);
}

bool bt_mcp_is_modern(json_t *params) {
  return declared_version(params) != NULL;
}

static json_t *refuse_version(json_t *id, const char *asked) {
  json_t *error = bt_mcp_error(id, BT_MCP_OTHER_VERSION,
                               "This protocol version is not served; data.supported names those that are. Versions of "
                               "2025 begin with initialize.");
  bt_json_set(json_object_get(error, "error"), "data",
              json_pack("{s:o, s:s}", "supported", served_versions(), "requested", asked));
  return error;
}

json_t *bt_mcp_refuse_meta(json_t *id, json_t *params) {
  json_t *version = declared_version(params);
  if (!json_is_string(version))
    return bt_mcp_error(id, BT_MCP_INVALID_PARAMS,
                        "_meta has to have io.modelcontextprotocol/protocolVersion, a string.");
  if (strcmp(json_string_value(version), modern) != 0) return refuse_version(id, json_string_value(version));
  if (!json_is_object(json_object_get(json_object_get(params, "_meta"), CAPABILITIES_KEY)))
    return bt_mcp_error(id, BT_MCP_INVALID_PARAMS,
                        "_meta has to have io.modelcontextprotocol/clientCapabilities, an object; it may be empty.");
  return NULL;
}

/* ---- headers ---- */

/* What the header Mcp-Name repeats; NULL: nothing. */
static const char *find_header_name(const char *method, json_t *params) {
  static const struct {
    const char *method, *member;
  } rows[] = {{"tools/call", "name"}, {"prompts/get", "name"}, {"resources/read", "uri"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].method, method) == 0) return json_string_value(json_object_get(params, rows[i].member));
  return NULL;
}

json_t *bt_mcp_refuse_headers(json_t *id, const char *method, json_t *params, const bt_mcp_headers *headers) {
  const char *version = json_string_value(declared_version(params)), *name = find_header_name(method, params);
  const char *wrong = NULL;
  if (version && !bt_str_equal(headers->version, bt_str_from(version))) wrong = "MCP-Protocol-Version";
  if (!wrong && !bt_str_equal(headers->method, bt_str_from(method))) wrong = "Mcp-Method";
  if (!wrong && name && !bt_str_equal(headers->name, bt_str_from(name))) wrong = "Mcp-Name";
  if (!wrong) return NULL;
  char text[160];
  snprintf(text, sizeof text, "The header %s has to be there and to say what the message says.", wrong);
  return bt_mcp_error(id, BT_MCP_HEADER_MISMATCH, text);
}

/* ---- results ---- */

json_t *bt_mcp_discovery(json_t *capabilities, const char *instructions) {
  return json_pack("{s:o, s:o, s:s}", "supportedVersions", served_versions(), "capabilities", capabilities,
                   "instructions", instructions);
}

enum { HOUR_MS = 3600000, TOOLS_MS = 300000 };

/* Which results may be kept, by whom and for how long. The tools depend on who may write; what is read, on the rules.
 */
static const struct {
  const char *method;
  json_int_t ttl_ms;
  const char *scope;
} kept[] = {{"server/discover", HOUR_MS, "public"},
            {"tools/list", TOOLS_MS, "private"},
            {"prompts/list", HOUR_MS, "public"},
            {"resources/list", HOUR_MS, "public"},
            {"resources/templates/list", HOUR_MS, "public"},
            {"resources/read", 0, "private"}};

void bt_mcp_complete(json_t *result, const char *method, const char *program_version) {
  json_t *meta =
      json_pack("{s:{s:s, s:s}}", "io.modelcontextprotocol/serverInfo", "name", "betrace", "version", program_version);
  bt_json_set(result, "resultType", json_string("complete"));
  bt_json_set(result, "_meta", meta);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (strcmp(kept[i].method, method) != 0) continue;
    bt_json_set(result, "ttlMs", json_integer(kept[i].ttl_ms));
    bt_json_set(result, "cacheScope", json_string(kept[i].scope));
  }
}
