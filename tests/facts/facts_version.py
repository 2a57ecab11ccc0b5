"""How a Tempo says which version it is. tempo/api/tempo_version.c rests on it: what is asked, of whom, and how an answer is told from another program's."""
import json
import re
import unittest

import tempo_case as facts
from tempo_case import TempoServer
from run_tempo import config_text_of

BUILD, STATUS = "/api/status/buildinfo", "/status/version"


class VersionFacts(unittest.TestCase):
    def said(self, tempo, path=BUILD):
        status, headers, body = tempo.get(path)
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"), path)
        return json.loads(body)

    def test_both_paths_say_it_without_a_tenant(self):
        with TempoServer("fast", multitenant=True) as tempo:
            said = self.said(tempo)
            self.assertTrue(said["version"], "the linker tells it, as in official builds")
            self.assertTrue(said["goVersion"].startswith("go"), said)
            status, headers, body = tempo.get(STATUS)
            text = body.decode()
            self.assertEqual((status, headers["Content-Type"]), (200, "text/plain"))
            self.assertEqual(re.search(r"^tempo, version (\S*) \(", text, re.M)[1], said["version"])
            self.assertEqual(re.search(r"^ *go version: +(\S+)", text, re.M)[1], said["goVersion"])

    def test_a_prefix_of_the_api_is_one_of_the_first_path_alone(self):
        """So the first path lies where searches do, and the other one may not."""
        with TempoServer(config_text="http_api_prefix: /deep\n" + config_text_of("fast")) as tempo:
            self.assertTrue(self.said(tempo, "/deep" + BUILD)["version"])
            self.assertEqual([tempo.get(path)[0] for path in (BUILD, "/deep" + STATUS, STATUS)], [404, 404, 200])


if __name__ == "__main__":
    facts.main()
