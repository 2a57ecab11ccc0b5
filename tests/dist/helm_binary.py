"""Helm, built once from its Go module. require() gives its path, or ends the program as skipped. `python3 tests/dist/helm_binary.py` prints the path."""
import go_tool

VERSION = "v3.18.6"
# A Helm that is built by `go install` believes in Kubernetes 1.20; releases set this while linking.
KUBERNETES_MINOR = "33"


def command(go, _folder):
    package = "helm.sh/helm/v3/pkg/chartutil"
    flags = f"-s -w -X {package}.k8sVersionMajor=1 -X {package}.k8sVersionMinor={KUBERNETES_MINOR}"
    return [go, "install", "-p", "2", "-ldflags", flags, f"helm.sh/helm/v3/cmd/helm@{VERSION}"]


def require():
    return go_tool.require("Helm", lambda: go_tool.built("helm", f"{VERSION}-{KUBERNETES_MINOR}", command, None))


if __name__ == "__main__":
    print(require())
