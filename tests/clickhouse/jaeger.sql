-- Jaeger's spans (v2, August 2026): attributes by type, as lists of keys beside lists of values; TTL is left out.
CREATE DATABASE IF NOT EXISTS {database};
CREATE TABLE IF NOT EXISTS {database}.spans (
  id String, trace_id String, trace_state String, parent_span_id String, name String, kind String,
  start_time DateTime64(9), status_code String, status_message String, duration Int64,
  bool_attributes Nested(key String, value Bool), double_attributes Nested(key String, value Float64),
  int_attributes Nested(key String, value Int64), str_attributes Nested(key String, value String),
  complex_attributes Nested(key String, value String),
  events Nested(name String, timestamp DateTime64(9),
    bool_attributes Nested(key String, value Bool), double_attributes Nested(key String, value Float64),
    int_attributes Nested(key String, value Int64), str_attributes Nested(key String, value String),
    complex_attributes Nested(key String, value String)),
  links Nested(trace_id String, span_id String, trace_state String,
    bool_attributes Nested(key String, value Bool), double_attributes Nested(key String, value Float64),
    int_attributes Nested(key String, value Int64), str_attributes Nested(key String, value String),
    complex_attributes Nested(key String, value String)),
  service_name String,
  resource_bool_attributes Nested(key String, value Bool), resource_double_attributes Nested(key String, value Float64),
  resource_int_attributes Nested(key String, value Int64), resource_str_attributes Nested(key String, value String),
  resource_complex_attributes Nested(key String, value String),
  scope_name String, scope_version String,
  scope_bool_attributes Nested(key String, value Bool), scope_double_attributes Nested(key String, value Float64),
  scope_int_attributes Nested(key String, value Int64), scope_str_attributes Nested(key String, value String),
  scope_complex_attributes Nested(key String, value String),
  INDEX idx_trace_id trace_id TYPE bloom_filter GRANULARITY 1,
  INDEX idx_duration duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(start_time) ORDER BY (service_name, name, toDateTime(start_time));
CREATE TABLE IF NOT EXISTS {database}.trace_id_timestamps (trace_id String, start DateTime64(9), end DateTime64(9))
  ENGINE = MergeTree PARTITION BY toDate(start) ORDER BY trace_id;
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.trace_id_timestamps_mv TO {database}.trace_id_timestamps AS
  SELECT trace_id, min(start_time) AS start, max(start_time) AS end FROM {database}.spans GROUP BY trace_id;
