#!/usr/bin/env python3
"""Drives a page of `lir-eval --report` in a headless Chromium, over the browser's debugging pipe.

    drive_report.py FILE.html CHECK        # runs the check CHECK below on the page
    drive_report.py FILE.html --shot PNG [--dark] [--width N] [--height N] [--scroll SELECTOR]
                              [--open ID]

Exit status: 0 what was checked is so, 1 it is not, 77 there is no Chromium.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]


class Browser:
    """One page in a browser. Commands and events are JSON, ended by NUL, on descriptors 3 and 4."""

    def __init__(self, program: str, profile: str) -> None:
        commands, self.to_browser = os.pipe()
        self.from_browser, events = os.pipe()

        def connect() -> None:
            # Copies first: the pipes may have the numbers 3 and 4 themselves.
            reading, writing = os.dup(commands), os.dup(events)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(events)
        self.rest, self.number, self.problems = b"", 0, []  # type: bytes, int, List[str]
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session: Optional[str] = self.send(
            "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    session = None

    def receive(self) -> Dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.from_browser, 1 << 16)
            if not more:
                raise RuntimeError("the browser went away")
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(line)
        self.note(message)
        return message

    def note(self, message: Dict[str, Any]) -> None:
        """Keeps what the page must not do: fail, complain, or ask for anything but itself."""
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {parameters['exceptionDetails']}")
        elif message.get("method") == "Log.entryAdded":
            self.problems.append(f"log: {parameters['entry']['text']}")
        elif message.get("method") == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {parameters['message']}")
            self.number += 1
            self.write({"id": self.number, "method": "Page.handleJavaScriptDialog",
                        "params": {"accept": True}})
        elif message.get("method") == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if parameters.get("type") != "Document":
                self.problems.append(f"request: {url}")

    def write(self, message: Dict[str, Any]) -> None:
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")

    def send(self, method: str, **parameters: Any) -> Dict[str, Any]:
        self.number += 1
        number = self.number
        self.write({"id": number, "method": method, "params": parameters})
        while True:
            message = self.receive()
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, page: Path) -> None:
        self.send("Page.navigate", url=page.resolve().as_uri())
        while self.receive().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        if not self.run(f"(e => e ? (e.click(), true) : false)"
                        f"(document.querySelector({json.dumps(selector)}))"):
            raise RuntimeError(f"nothing to click at {selector}")

    def key(self, name: str, text: str = "") -> None:
        code = {"Enter": 13, "Tab": 9}[name]
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text,
                      windowsVirtualKeyCode=code)

    def texts(self, selector: str) -> List[str]:
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})]"
                        ".map(e => e.textContent)")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def expect(what: str, wanted: Any, found: Any) -> None:
    if wanted != found:
        print(f"drive_report: {what}: expected {wanted!r}, found {found!r}", file=sys.stderr)
        sys.exit(1)


IDS = "#perquery tbody tr[data-query] .id"


def check_two(browser: Browser) -> None:
    """Two runs: `base` and `<b>new` of the case eval-report."""
    expect("runs", ["basebaseline", "<b>new"],
           [t.replace(" ", "") for t in browser.texts("#runs tbody th")])
    # Sorting what is there already: numbers fall first.
    browser.click("#runs thead th:nth-child(2) button")
    expect("runs by RR", ["<b>new", "base baseline"], browser.texts("#runs tbody th"))
    expect("aria-sort", "descending",
           browser.run("document.querySelector('#runs th:nth-child(2)').ariaSort"))
    browser.click("#runs thead th:nth-child(2) button")
    expect("runs by RR, rising", ["base baseline", "<b>new"], browser.texts("#runs tbody th"))
    # Queries: in the order of the run, then by the difference.
    expect("queries", ["q1", "q2", "q10", "<script>alert(1)</script>"], browser.texts(IDS))
    browser.click("#perquery thead th:nth-child(1) button")
    expect("queries by id", ["<script>alert(1)</script>", "q1", "q2", "q10"], browser.texts(IDS))
    browser.click("#perquery thead th:nth-child(4) button")
    expect("queries by difference", "q2", browser.texts(IDS)[0])
    expect("differences", ["+0.6667", "+0.5000", "0.0000", "−0.5000"],
           browser.texts("#perquery tbody td:last-child"))
    # Another measure.
    browser.run("(s => { s.value = '1'; s.dispatchEvent(new Event('change')); })"
                "(document.querySelector('#measure'))")
    expect("values by P@1", ["+1.0000", "+1.0000", "0.0000", "−1.0000"],
           browser.texts("#perquery tbody td:last-child"))
    # Open a query by the keyboard.
    browser.run("document.querySelector('tr[data-query=q2] button').focus()")
    browser.key("Enter", "\r")
    expect("expanded", "true",
           browser.run("document.querySelector('tr[data-query=q2] button').ariaExpanded"))
    expect("documents", ["d3", "d2", "d1", "d1", "d2", "</script><i>d4"],
           browser.texts("tr.open li .id"))
    expect("grades", ["grade 0", "not judged", "grade 2", "grade 2", "not judged", "not judged"],
           browser.texts("tr.open li .grade"))
    expect("ranks in the baseline",
           ["score 3 · baseline #3", "score 2 · baseline #2", "score 1 · not in the baseline"],
           browser.texts("tr.open .drill > div:nth-child(2) .sub"))
    expect("texts", "<img src=x onerror=alert(2)> & \"one\"", browser.texts("tr.open li p")[2])
    expect("query's text", "  second <em>query</em>",
           browser.texts("tr[data-query=q2] th .id + span")[0])
    browser.key("Enter", "\r")
    expect("closed", 0, browser.run("document.querySelectorAll('tr.open').length"))
    # Find by words.
    browser.run("(s => { s.value = 'second'; s.dispatchEvent(new Event('input')); })"
                "(document.querySelector('#find'))")
    expect("found", ["q2"], browser.texts(IDS))
    expect("count", "1 of 4 queries", browser.texts("#count")[0])
    # What stands in the data made no elements.
    expect("strange elements", 0, browser.run("document.querySelectorAll('main em, main img').length"))
    expect("plots", 3, browser.run("document.querySelectorAll('svg').length"))
    browser.run("(s => { s.value = '1'; s.dispatchEvent(new Event('change')); })"
                "(document.querySelector('#plotted'))")
    expect("plot of the measure", [True, False],
           browser.run("[...document.querySelectorAll('.plots[data-measure]')].map(e => e.hidden)"))


def check_one(browser: Browser) -> None:
    """One run, two of its queries with documents, one document each."""
    expect("comparison", 0, browser.run("document.querySelectorAll('#comparison').length"))
    expect("columns", ["query", "base"], browser.texts("#perquery thead th"))
    browser.click("tr[data-query=q2] button")
    expect("documents", ["d3"], browser.texts("tr.open li .id"))
    browser.click("tr[data-query=q1] button")
    expect("documents not there", ["The documents of this query are not on the page."],
           browser.texts("tr.open .lead")[:1])


CHECKS = {"two": check_two, "one": check_one}


def main() -> int:
    parser = argparse.ArgumentParser(description="Drive a report in a browser.")
    parser.add_argument("page", type=Path)
    parser.add_argument("check", nargs="?", choices=list(CHECKS))
    parser.add_argument("--shot", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=1400)
    parser.add_argument("--scroll", default="body", help="element that is at the top")
    parser.add_argument("--open", default=None, help="query that is open")
    arguments = parser.parse_args()
    program = next((p for p in map(shutil.which, BROWSERS) if p), None)
    if program is None:
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            if arguments.dark:
                browser.send("Emulation.setEmulatedMedia",
                             features=[{"name": "prefers-color-scheme", "value": "dark"}])
            browser.send("Emulation.setDeviceMetricsOverride", width=arguments.width, height=arguments.height,
                         deviceScaleFactor=1, mobile=False)
            browser.open(arguments.page)
            if arguments.open:
                browser.click(f"tr[data-query={json.dumps(arguments.open)}] button")
            if arguments.check:
                CHECKS[arguments.check](browser)
            if arguments.shot:
                browser.run(f"document.querySelector({json.dumps(arguments.scroll)})"
                            ".scrollIntoView()")
                picture = browser.send("Page.captureScreenshot")
                arguments.shot.write_bytes(base64.b64decode(picture["data"]))
            expect("problems", [], browser.problems)
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
