#!/usr/bin/env python3
"""Opens pages in headless Chromium and looks at them as a reader would: on a telephone, on a desk, light, dark, on paper.

    browser.py FOLDER PAGE...      a picture of each view goes to FOLDER, and what is not readable to stdout; then exit 1
    browser.py --selfcheck         a page on which everything is wrong: exit 0 if all of it is found

Chromium is spoken to over a pipe (its DevTools protocol); nothing listens anywhere.
"""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 30
# name, width, height, what the reader's system prefers, paper: A4 without its margins is 718 px wide, and white all the same
VIEWS = (("phone-light", 390, 844, "light", False), ("phone-dark", 390, 844, "dark", False),
         ("desktop-light", 1280, 900, "light", False), ("desktop-dark", 1280, 900, "dark", False),
         ("paper", 718, 1000, "dark", True))

# Everything that can be read: its colour against what lies behind it, its size, and whether it is all there.
LOOK = """
(() => {
  const found = [], numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  if (document.documentElement.scrollWidth > innerWidth)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide and the window ${innerWidth}`);
  if (PAPER)
    for (const box of document.querySelectorAll("div, pre"))
      if (box.scrollWidth > box.clientWidth + 1) found.push(`cut off on paper: ${box.textContent.slice(0, 40)}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faulty = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element), svg = element.closest("svg");
    const words = walker.currentNode.data.trim().slice(0, 40);
    if (!words || element.closest("title, style")) continue;
    const one = light(svg ? style.fill : style.color), two = light(behind(svg ? svg.parentElement : element));
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (contrast < 4.5) faulty.add(`contrast of ${contrast.toFixed(1)}: ${words}`);
    if (size < SMALLEST) faulty.add(`letters of ${size.toFixed(1)} px: ${words}`);
  }
  for (const svg of document.querySelectorAll("figure svg")) {
    const frame = svg.getBoundingClientRect(), boxes = [...svg.querySelectorAll("text")].map((t) => [t, t.getBoundingClientRect()]);
    if (frame.width < 100 || !svg.querySelector("path.line, rect.heat")) faulty.add("an empty chart");
    boxes.forEach(([text, box], i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1)
        faulty.add(`beyond its chart: ${text.textContent}`);
      for (const [other, rest] of boxes.slice(i + 1))
        if (box.left < rest.right - 1 && rest.left < box.right - 1 && box.top < rest.bottom - 3 && rest.top < box.bottom - 3)
          faulty.add(`one over the other: ${text.textContent}, ${other.textContent}`);
    });
  }
  return {found: found.concat([...faulty]), paper: light(behind(document.body)), height: document.documentElement.scrollHeight};
})()
"""

WRONG_PAGE = """<!doctype html><body style="background:#fff"><script src="http://127.0.0.1:9/x.js"></script>
<p style="color:#bbb">pale</p><p style="font-size:5px">tiny</p><pre style="width:100px;overflow:auto">much too long for it</pre>
<div style="width:2000px">wide</div><figure><svg width="200" viewBox="0 0 200 20"></svg></figure>
<figure><svg width="200" viewBox="0 0 200 20"><path class="line" d="M0 0H9"/><text x="190" y="15">beyond</text>
<text y="15">one</text><text y="15">two</text></svg></figure>"""
WRONG_THINGS = ("contrast of", "letters of", "cut off on paper", "the page is", "an empty chart", "beyond its chart",
                "one over the other", "asks for http", "not dark")


class Chromium:
    """One browser, one tab."""

    def __init__(self, folder):
        ours_out, theirs_in = self.pipe()[::-1]
        theirs_out, ours_in = self.pipe()[::-1]
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                   "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--disable-quic", f"--user-data-dir={folder}/profile",
                   "--remote-debugging-pipe", "about:blank"]

        def place():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        with open(f"{folder}/chromium.log", "wb") as log:
            self.process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=place, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, "HOME": folder})
        os.close(theirs_in)
        os.close(theirs_out)
        self.out, self.incoming = ours_out, ours_in
        self.number, self.session, self.buffer, self.events = 0, None, b"", []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    @staticmethod
    def pipe():
        """Both ends above 4: what chromium gets as 3 and 4 must not be one of them."""
        ends = os.pipe()
        kept = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
        for end in ends:
            os.close(end)
        return kept

    def read(self):
        """The next message, whatever it is."""
        end = time.monotonic() + DEADLINE_S
        while b"\0" not in self.buffer:
            if not select.select([self.incoming], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"chromium said nothing for {DEADLINE_S} s")
            part = os.read(self.incoming, 1 << 20)
            if not part:
                raise EOFError("chromium has ended")
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read())

    def close(self):
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            self.session = None
            self.call("Browser.close")
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def look(browser, page, view, folder):
    """What is wrong with this view of the page."""
    name, width, height, scheme, is_paper = view
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Emulation.setEmulatedMedia", media="print" if is_paper else "screen",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.events.clear()
    browser.call("Page.navigate", url=page.as_uri())
    browser.wait("Page.loadEventFired")
    script = LOOK.replace("PAPER", str(is_paper).lower()).replace("SMALLEST", "6" if is_paper else "9")
    result = browser.call("Runtime.evaluate", expression=script, returnByValue=True)
    if "exceptionDetails" in result:
        return [f"looking at it failed: {result['exceptionDetails']}"]
    seen = result["result"]["value"]
    found = seen["found"] + unwanted(browser.events)
    tone = "light" if is_paper else scheme
    if (seen["paper"] < 0.2) != (tone == "dark"):
        found.append(f"not {tone}: its paper has {seen['paper']:.2f} of white")
    clip = {"x": 0, "y": 0, "width": width, "height": min(seen["height"], 6000), "scale": 1}
    keep(folder / f"{page.stem}-{name}.png", browser.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True))
    if is_paper:
        printed = browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        keep(folder / f"{page.stem}.pdf", printed)
    return found


def keep(path, answer):
    path.write_bytes(base64.b64decode(answer["data"]))


def unwanted(events):
    """What a page that needs nothing must not make the browser say or do."""
    found = []
    for event in events:
        url = event.get("params", {}).get("request", {}).get("url", "file:")
        if event["method"] == "Network.requestWillBeSent" and not url.startswith(("file:", "data:")):
            found.append(f"asks for {url}")
        if event["method"] == "Runtime.exceptionThrown":
            found.append(f"a script failed: {event['params']['exceptionDetails']['text']}")
        if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            found.append(f"an error: {event['params']['entry']['text']}")
    return found


def look_at_all(pages, folder):
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        browser = Chromium(scratch)
        try:
            for page in pages:
                for view in VIEWS:
                    found += [f"{page.name}, {view[0]}: {words}" for words in look(browser, page, view, folder)]
        finally:
            browser.close()
    return found


def selfcheck():
    with tempfile.TemporaryDirectory() as scratch:
        page = pathlib.Path(scratch, "wrong.html")
        page.write_text(WRONG_PAGE)
        found = "\n".join(look_at_all([page], pathlib.Path(scratch)))
    missed = [words for words in WRONG_THINGS if words not in found]
    print("\n".join(f"not found: {words}" for words in missed) or "all of it was found")
    return 1 if missed else 0


def main(arguments):
    if arguments == ["--selfcheck"]:
        return selfcheck()
    folder, *pages = map(lambda word: pathlib.Path(word).resolve(), arguments)
    found = look_at_all(pages, folder)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
