"""The results as JUnit's XML: one suite, a test case a run. The figures stand in system-out, as JSON."""

import datetime
import json
import re
import socket
import xml.etree.ElementTree as xml

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text):
    return NOT_XML.sub("?", text)


def _case(suite, result):
    case = xml.SubElement(suite, "testcase", classname="chaos", name=_clean(result.label), time=f"{result.seconds:.3f}")
    if result.status == "skipped":
        xml.SubElement(case, "skipped", message=_clean(result.skip_reason))
    elif result.status == "failed":
        bad = [line for line in result.output.splitlines() if line.startswith("FAIL")]
        failure = xml.SubElement(case, "failure", type="chaos", message=_clean(bad[0] if bad else "the scenario broke off"))
        failure.text = _clean(result.output)
    if result.figures:
        xml.SubElement(case, "system-out").text = _clean(json.dumps(result.figures, indent=2, ensure_ascii=False))


def write(results, path, now=None):
    now = now or datetime.datetime.now()
    count = {status: sum(result.status == status for result in results) for status in ("failed", "skipped")}
    top = xml.Element("testsuites")
    suite = xml.SubElement(
        top, "testsuite", name="chaos", tests=str(len(results)), failures=str(count["failed"]), errors="0",
        skipped=str(count["skipped"]), time=f"{sum(result.seconds for result in results):.3f}",
        timestamp=now.isoformat(timespec="seconds"), hostname=socket.gethostname())
    xml.SubElement(suite, "properties")
    for result in results:
        _case(suite, result)
    xml.SubElement(suite, "system-out")
    xml.SubElement(suite, "system-err")
    xml.indent(top)
    xml.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)
