"""The certificate as one page that needs nothing else."""

from collections.abc import Iterator
from html import escape

from autofutures.processes.parity.certificate import KINDS, Certificate, Finding, Spread

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.same { color: #0a7d4f } .other { color: #b3261e } .quiet { color: #5b6675 }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600 }
td, th { padding: .3rem .6rem; border-bottom: 1px solid #e3e7ec; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
section.finding { border-left: 4px solid #b3261e; padding: .2rem 1rem; margin: 1rem 0; break-inside: avoid }
code { font: 12.5px/1.45 ui-monospace, monospace; overflow-wrap: anywhere }
.bar { background: #4c7bd9; height: .8rem; display: inline-block; min-width: 1px }
@media print { body { margin: 0; max-width: none; font-size: 11px } }
"""


def page_of(certificate: Certificate) -> str:
    """The whole page."""
    body = "\n".join(_body(certificate))
    title = f"Parity of {certificate.day}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _body(certificate: Certificate) -> Iterator[str]:
    found = len(certificate.findings)
    verdict = f"{found} finding{'s' * (found > 1)}" if found else "identical"
    yield f'<h1>Parity of {certificate.day}: <span class="{"other" if found else "same"}">{verdict}</span></h1>'
    yield f'<p class="quiet">{escape(certificate.run)}</p>'
    rows = [
        ("Decisions that are the same", f"{certificate.decisions:,}"),
        ("Words of the trader that are the same", f"{certificate.messages:,}"),
        ("Inputs heard again", f"{certificate.inputs:,}, {certificate.market_events:,} of them the market's"),
        ("Lives of the trader", f"{certificate.lives}"),
        ("All of the day", "yes" if certificate.whole else "no: see findings and notes"),
        ("Sources", certificate.code),
        ("Settings", certificate.settings),
        ("Market compared with", certificate.market),
    ]
    cells = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    yield f"<table>{cells}</table>"
    for finding in certificate.findings:
        yield _finding(finding)
    yield from _measured(certificate)
    for note in certificate.notes:
        yield f'<p class="quiet">{escape(note)}</p>'


def _finding(finding: Finding) -> str:
    place = finding.place
    where = f"{place.at}, input {place.event:,} of life {place.life}"
    if place.market_event:
        where += f", market event {place.market_event:,}"
    more = f"; {finding.count:,} such" if finding.count > 1 else ""
    return (
        f'<section class="finding"><h2>{finding.kind}: {escape(finding.what)}</h2>'
        f'<p class="quiet">{where}{more}. {KINDS[finding.kind]}.</p>'
        f"<table><tr><th>recorded</th><td><code>{escape(finding.recorded)}</code></td></tr>"
        f"<tr><th>expected</th><td><code>{escape(finding.expected)}</code></td></tr></table></section>"
    )


def _measured(certificate: Certificate) -> Iterator[str]:
    measured = certificate.measured
    yield "<h2>Measured beside the model</h2><table>"
    heads = "".join(f'<th class="n">{name}</th>' for name in ("count", "p50", "p95", "p99", "most"))
    yield f"<tr><th></th>{heads}</tr>"
    yield _row("Market event heard after its stamp, ms", measured.feed_ms)
    yield _row("Decision after its event's stamp, ms", measured.decision_ms)
    yield _row("Order until the event that it acted before, ms", measured.order_ms)
    yield _row("Order until its answer was heard, ms", measured.answer_ms)
    yield _row("Fill later than the model's, ms", measured.fill_late_ms)
    yield _row("Contract worse than the model's, ticks", measured.slippage_ticks)
    yield "</table>"
    if measured.slippage:
        most = max(measured.slippage.values())
        yield "<h2>Contracts by ticks worse than the model</h2><table>"
        for ticks, count in measured.slippage.items():
            bar = f'<span class="bar" style="width:{60 * count / most:.1f}%"></span>'
            yield f'<tr><td class="n">{ticks:+d}</td><td class="n">{count}</td><td style="width:80%">{bar}</td></tr>'
        yield "</table>"
    if measured.latency_ms is not None and measured.explained is not None:
        yield (
            f"<p>The model's order latency is {measured.model_latency_ms:g} ms; {measured.latency_ms:g} ms explains "
            f"{measured.explained:.0%} of the orders.</p>"
        )


def _row(name: str, values: Spread) -> str:
    figures = (values.p50, values.p95, values.p99, values.most)
    cells = "".join(f'<td class="n">{"–" if figure is None else f"{figure:,.3f}"}</td>' for figure in figures)
    return f'<tr><td>{name}</td><td class="n">{values.count:,}</td>{cells}</tr>'
