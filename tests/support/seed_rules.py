"""The rules of the SRE quick start, as their curl calls send them."""

SLOW_DB = {
    "id": "slow-db-no-retry",
    "name": "Slow DB Query Without Retry",
    "description": "Detects database queries taking >1s without retry spans",
    "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")',
    "severity": "warning",
    "enabled": True,
}
INCIDENT = {
    "id": "incident-pattern",
    "name": "Incident Pattern Detection",
    "dsl": 'trace.has(span.name == "payment.process" and span.status == "error") and trace.has(span.attributes["user.region"] == "eu-west-1")',
    "severity": "critical",
}
PII_AUDIT = {
    "id": "pii-audit-soc2-cc6.1",
    "name": "PII Access Requires Audit Log (SOC2 CC6.1)",
    "dsl": 'trace.has(span.attributes["data.classification"] == "PII") and not trace.has(span.name == "audit.log")',
    "severity": "critical",
    "annotations": {"soc2_control": "CC6.1", "compliance_framework": "SOC2"},
}
# What `betrace generate --truth` calls the traces that each of them has to find.
TRUTH = {"slow-db-no-retry": "slow-db-no-retry", "incident-pattern": "incident-pattern", "pii-audit-soc2-cc6.1": "pii-audit"}
