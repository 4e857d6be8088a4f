"""The results as one HTML page: no script, no network, nothing beside it. Light and dark, for phones and wide screens."""

import datetime
import html
import pathlib

import table
import timeline

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbfa; --card: #fff; --ink: #1d1f23; --soft: #62666e; --line: #d9dbdf;
  --good: #1b7f4b; --bad: #c0272d; --skip: #7a6a16; --server: #7f8896; --load: #3572c6; --fault: #c0272d; --recovery: #1b7f4b;
  --rate: #3572c6; --p99: #a3560c; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15171a; --card: #1d2024; --ink: #e7e8ea; --soft: #9ba1aa; --line: #363b42;
    --good: #54c58a; --bad: #ff7b78; --skip: #d9c25c; --server: #8b95a5; --load: #6fa8f5; --fault: #ff7b78; --recovery: #54c58a;
    --rate: #6fa8f5; --p99: #eda057; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 20px 16px 48px; max-width: 1080px; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 4px } h2 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere }
p { margin: 4px 0 } .soft { color: var(--soft) } a { color: inherit }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .9rem; white-space: nowrap; margin: 16px 0 }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
th { color: var(--soft); font-weight: 500 } th:first-child, td:first-child { text-align: left; padding-left: 0 }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; margin: 16px 0 }
.word { font-weight: 650 } .passed { color: var(--good) } .failed { color: var(--bad) } .skipped { color: var(--skip) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 10px; margin: 12px 0 }
dl div { border-left: 3px solid var(--line); padding-left: 10px } dt { color: var(--soft); font-size: .85rem }
dd { margin: 0 } dd b { font-size: 1.15rem } dd small { color: var(--soft); display: block; overflow-wrap: anywhere }
svg { display: block; width: 100%; min-width: 660px; height: auto; font: 13px system-ui, sans-serif }
.label { fill: var(--ink) } .small { fill: var(--soft); font-size: 11px } .lane { stroke: var(--line) }
.tick { stroke: var(--line); stroke-dasharray: 2 4 } rect.server { fill: var(--server) } rect.load { fill: var(--load) }
rect.fault { fill: var(--fault) } rect.recovery { fill: var(--recovery) } rect.mark { stroke: var(--card); stroke-width: .6 }
path { fill: none; stroke-width: 1.6; stroke-linejoin: round } .rate { stroke: var(--rate) } .p99 { stroke: var(--p99) }
details { margin-top: 10px } summary { cursor: pointer; color: var(--soft) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; margin: 8px 0 0 }
@media print { section { break-inside: avoid } body { max-width: none } }
"""


def _escape(text):
    return html.escape(str(text), quote=True)


def _ms(value):
    return "not measured" if value is None else f"{value:,} ms"


def _tile(name, value, note):
    return f"<div><dt>{name}</dt><dd><b>{_escape(value)}</b><small>{_escape(note)}</small></dd></div>"


def _tiles(result):
    if not result.figures:
        return ""
    fault, radius, recovery, residue = (result.figures[part] for part in ("fault", "blast_radius", "recovery", "residue"))
    of = f" of {radius['clients']:,}" if radius.get("clients") else ""
    back = recovery["p99_back_ms"]
    back = f"p99 back to 1.5x: {_ms(back)}" + (f" ({recovery['p99_back_how']})" if back is None else "")
    left = "not compared" if residue["descriptors"] is None else \
        f"{residue['descriptors']:+d} descriptors, {residue['processes']:+d} processes, {residue['memory_kb']:+,d} KB"
    return "<dl>" + "".join((
        _tile("fault", f"{fault['times']:,}x", fault["shown"] or "not shown"),
        _tile("blast radius", f"{radius['hit']} clients{of}", f"{radius['expected']} had to be hit"),
        _tile("first good reply", _ms(recovery["first_good_ms"]), f"{recovery['first_good_how']}; {back}"),
        _tile("residue", left, f"{residue['processes_at_end']} processes left after the end"))) + "</dl>"


def _section(result):
    drawing = timeline.svg(result.facts(), f"timeline of {result.name}")
    reason = f'<p class="soft">{_escape(result.skip_reason)}</p>' if result.status == "skipped" else ""
    checks = f"<details{' open' if result.status == 'failed' else ''}><summary>checks</summary><pre>{_escape(result.output)}</pre></details>"
    return (f'<section id="{_anchor(result)}"><h2>{_escape(result.label)} <span class="word {result.status}">{result.status}</span></h2>'
            f'<p>{_escape(result.text)}</p><p class="soft">{result.seconds} s, seed {result.seed}</p>{reason}{_tiles(result)}'
            + (f'<div class="scroll">{drawing}</div>' if drawing else "") + (checks if result.output else "") + "</section>")


def _anchor(result):
    return _escape(f"{result.name}-{result.run}")


def _row(result):
    cells = table.cells(result.name, [result])[3:]
    return (f'<tr><td><a href="#{_anchor(result)}">{_escape(result.label)}</a></td><td class="word {result.status}">{result.status}</td>'
            + "".join(f"<td>{_escape(cell)}</td>" for cell in cells) + "</tr>")


def write(results, path, now=None):
    now = now or datetime.datetime.now()
    count = {status: sum(result.status == status for result in results) for status in ("passed", "failed", "skipped")}
    words = ", ".join(f'<span class="word {status}">{number} {status}</span>' for status, number in count.items() if number)
    head = "".join(f"<th>{cell}</th>" for cell in (table.HEAD[0], "", *table.HEAD[3:]))
    page = (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>chaos: {count["passed"]} of {len(results)} passed</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n<body>'
            f'<h1>Chaos</h1><p>{words}</p><p class="soft">{now:%Y-%m-%d %H:%M}; a mark of a timeline says what it is when pointed at</p>'
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(map(_row, results))}</tbody></table></div>\n'
            + "\n".join(map(_section, results)) + "\n</body></html>\n")
    pathlib.Path(path).write_text(page)
