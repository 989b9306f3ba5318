"""pytest plugin that writes how many tests passed and failed to the file LOOM_TEST_COUNTS.

A file that could not be collected, or a failing fixture, counts as one failure, like in
count-reporter.mjs. Loaded by pytest.mjs (`-p count_tests`).
"""

import json
import os


class Counts:
    def __init__(self):
        self.passed = set()
        self.failed = set()

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def pytest_sessionfinish(self):
        counts = {"passed": len(self.passed - self.failed), "failed": len(self.failed)}
        with open(os.environ["LOOM_TEST_COUNTS"], "w") as file:
            json.dump(counts, file)


def pytest_configure(config):
    config.pluginmanager.register(Counts())
