"""The plugin that shows BeTrace's pages in Kibana or in OpenSearch Dashboards, as a zip that the plugin tool of exactly that version installs:

    make_plugin.py kibana 8.12.2 [FOLDER]        betrace-kibana-8.12.2.zip
    make_plugin.py dashboards 2.8.0 [FOLDER]     betrace-dashboards-2.8.0.zip

Behind `make kibana` and `make dashboards`. Nothing is compiled for a release of theirs: names and the version are put into the files of plugin/. The pages are those
of grafana-betrace-app/dist-ui (`make ui`; BETRACE_PAGES names another folder). The bytes depend on these files and SOURCE_DATE_EPOCH alone. Standard library only."""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
import zip_plugin  # noqa: E402

PRODUCTS = {
    "kibana": {
        "top": "kibana", "manifest": "kibana.json", "version_field": "kibanaVersion", "PRODUCT": "Kibana", "SCOPE": "@kbn", "STORE": "elasticsearch",
        "BUNDLES": "__kbnBundles__", "XSRF": "kbn-xsrf", "WHO_PATH": "/_security/_authenticate", "WHO_FIELD": "username", "SETTINGS_FILE": "kibana.yml"},
    "dashboards": {
        "top": "opensearch-dashboards", "manifest": "opensearch_dashboards.json", "version_field": "opensearchDashboardsVersion", "PRODUCT": "OpenSearch Dashboards",
        "SCOPE": "@osd", "STORE": "opensearch", "BUNDLES": "__osdBundles__", "XSRF": "osd-xsrf", "WHO_PATH": "/_plugins/_security/authinfo", "WHO_FIELD": "user_name",
        "SETTINGS_FILE": "opensearch_dashboards.yml"},
}
# What the pages do not ask: spans are pushed by whoever makes them, a rollout asks its gate, assistants for suggestions, and a stream has no end.
NOT_OF_PAGES = {("POST", "/v1/spans"), ("POST", "/v1/traces"), ("GET", "/v1/gate"), ("POST", "/v1/gate"), ("GET", "/v1/suggestions"), ("GET", "/v1/replays/{id}/events")}


def operations(contract):
    """Of docs/openapi.yaml, whose layout is by lines: [{method, path, role}] of what the pages may ask."""
    found, path, method = [], "", ""
    for line in contract.split("\npaths:\n", 1)[1].splitlines():
        if line and line[0] not in " #":
            break
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (get|post|put|delete|patch):", line):
            method = match[1].upper()
        elif match := re.fullmatch(r"      x-betrace-role: (\w+)", line):
            if path.startswith("/v1/") and (method, path) not in NOT_OF_PAGES:
                found.append({"method": method, "path": path, "role": match[1]})
    return found


def manifest(product, version):
    kibana = product["manifest"] == "kibana.json"
    return {"id": "betrace", "version": version if kibana else f"{version}.0", product["version_field"]: version, "server": True, "ui": True, "requiredPlugins": [],
            **({"owner": {"name": "BeTrace"}, "optionalPlugins": ["features"]} if kibana else {})}


def fill(text, product):
    return re.sub("@([A-Z_]+)@", lambda match: product[match[1]], text)


def stage(folder, name, version, pages):
    """Everything of the zip below its top folder."""
    product = PRODUCTS[name]
    about = manifest(product, version)
    for source, target in (("public/plugin.js", "target/public/betrace.plugin.js"), *((f"server/{one}.js", f"server/{one}.js") for one in ("index", "routes", "upstream", "pages"))):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(fill((HERE / "plugin" / source).read_text(encoding="utf-8"), product), encoding="utf-8")
    contract = (ROOT / "docs/openapi.yaml").read_text(encoding="utf-8")
    for target, content in ((product["manifest"], about), ("package.json", {"name": "betrace", "version": about["version"], "private": True}),
                            ("server/operations.json", operations(contract))):
        (folder / target).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    shutil.copytree(pages, folder / "pages", ignore=shutil.ignore_patterns("*.gz", "*.map"))
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")


def main(name, version="", out=str(ROOT / "build/dist")):
    if name not in PRODUCTS or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"expected kibana or dashboards, and the exact version that runs, as in: make {name} VERSION=8.12.2; not {name} {version or '(none)'}")
    pages = pathlib.Path(os.environ.get("BETRACE_PAGES") or ROOT / "grafana-betrace-app/dist-ui")
    if not (pages / "index.html").exists():
        sys.exit(f"{pages} holds no index.html: `make ui` builds the pages, which need Node 20 and npm")
    target = pathlib.Path(out) / f"betrace-{name}-{version}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="betrace-plugin-") as folder:
        stage(pathlib.Path(folder) / "betrace", name, version, pages)
        zip_plugin.main(folder, PRODUCTS[name]["top"], target)
    print(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
