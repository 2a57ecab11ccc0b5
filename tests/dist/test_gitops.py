"""distribution/gitops: Argo CD's and Flux's own definitions accept the files, and what they bring has the label that the chart looks for."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "requirements.txt")
import jsonschema  # noqa: E402
import yaml  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from custom_resources import check, definition, module  # noqa: E402

GITOPS = ROOT / "distribution/gitops"
ARGO, SOURCES, KUSTOMIZATIONS = ("github.com/argoproj/argo-cd/v2@v2.14.10", "github.com/fluxcd/source-controller@v1.8.5",
                                 "github.com/fluxcd/kustomize-controller@v1.7.3")


def documents(name):
    return list(yaml.safe_load_all((GITOPS / name).read_text(encoding="utf-8")))


class GitOpsTest(unittest.TestCase):
    def accepts(self, document, schema):
        check(document, schema)
        document["spec"]["prun"] = True
        self.assertRaises(jsonschema.ValidationError, check, document, schema)

    def test_argo_accepts_its_file(self):
        (application,) = documents("argocd-application.yaml")
        self.accepts(application, definition(module(ARGO) / "manifests/crds/application-crd.yaml", "Application"))

    def test_flux_accepts_its_file(self):
        bases = pathlib.Path("config/crd/bases")
        repository, kustomization = documents("flux.yaml")
        self.accepts(repository, definition(module(SOURCES) / bases / "source.toolkit.fluxcd.io_gitrepositories.yaml", "GitRepository"))
        self.accepts(kustomization, definition(module(KUSTOMIZATIONS) / bases / "kustomize.toolkit.fluxcd.io_kustomizations.yaml", "Kustomization"))

    def test_they_name_the_folder_that_is_there(self):
        (application,), (repository, kustomization) = documents("argocd-application.yaml"), documents("flux.yaml")
        for folder in (application["spec"]["source"]["path"], kustomization["spec"]["path"]):
            self.assertTrue((GITOPS / folder / "kustomization.yaml").is_file(), folder)
        self.assertEqual(kustomization["spec"]["sourceRef"]["name"], repository["metadata"]["name"])

    def test_the_config_map_has_the_label_of_the_chart_and_one_name(self):
        (made,) = documents("betrace/kustomization.yaml")
        sidecar = yaml.safe_load((ROOT / "distribution/helm/betrace/values.yaml").read_text(encoding="utf-8"))["rules"]["sidecar"]
        self.assertEqual(made["generatorOptions"], {"disableNameSuffixHash": True, "labels": {sidecar["label"]: sidecar["labelValue"]}})
        (generator,) = made["configMapGenerator"]
        self.assertEqual({GITOPS / "betrace" / name for name in generator["files"]}, set((GITOPS / "betrace/rules").iterdir()))

    def test_its_rules_pass(self):
        done = run_cli("test", str(GITOPS / "betrace/rules"))
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "2 tests: 2 passed, 0 failed, 0 errors"), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
