"""The tables of docs/capacity.md and docs/costs.md, as they are computed now.

python -m bench.pages            prints them
python -m bench.pages --write    writes the pages anew
"""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.capacity import CREDITS, LIMITS, MOST, ROOM, Plan, reach, simulate, use
from bench.cost import Deployment, month, per_million, prices, told_gb

DOCS = Path(__file__).parents[1] / "docs"
VOLUMES = (1e6, 5e6, 1e7, 1e8)
COST_VOLUMES = (1e5, 1e6, 5e6, 1e7)
PLANS: Mapping[str, Callable[[Plan], Plan]] = {
    "as assumed": lambda plan: plan,
    "two destinations for each event": lambda plan: replace(plan, destinations=2),
    "sent 20 in a request": lambda plan: replace(plan, batch=20),
    "one section that has nearly everything": lambda plan: replace(plan, sections=2, skew=6),
    "that, with 16 buckets": lambda plan: replace(plan, sections=2, skew=6, buckets=16),
    "a calmer day (peak 1.5 times the mean, no bursts)": lambda plan: replace(plan, evening=1.5, burst=1),
}
TOLD: Mapping[str, Callable[[Deployment], Deployment]] = {
    "every trace, as it is unless it is set": lambda one: replace(one, traces=1.0),
    "one trace in ten, as in production": lambda one: one,
    "one trace in a hundred": lambda one: replace(one, traces=0.01),
    "one trace in a hundred, no line of what went well": lambda one: replace(one, traces=0.01, lines=False),
}
DEPLOYMENTS: Mapping[str, Callable[[Deployment], Deployment]] = {
    "as assumed": lambda one: one,
    "two destinations for each event": lambda one: replace(one, plan=replace(one.plan, destinations=2)),
    "sent 20 in a request": lambda one: replace(one, plan=replace(one.plan, batch=20)),
    "half of what is sent are duplicates": lambda one: replace(one, duplicates=0.5),
    "instances of 512 MB": lambda one: replace(one, memory_mb=512, plan=replace(one.plan, cores=0.25)),
    "instances of 4,096 MB": lambda one: replace(one, memory_mb=4096, plan=replace(one.plan, cores=2)),
    "no instance that is always ready": lambda one: replace(one, always_ready=0),
    "events kept for 30 days": lambda one: replace(one, retention_days=30),
    "every trace is kept, without a cap": lambda one: replace(one, traces=1.0, daily_cap_gb=float("inf")),
}


def capacity() -> str:
    """The limits against events a day."""
    plans = [Plan(one) for one in VOLUMES]
    found = [use(plan, simulate(plan)) for plan in plans]
    heads = " | ".join(f"{one / 1e6:,.0f} million" for one in VOLUMES)
    lines = [f"| Limit | It takes | {heads} | Room until | What to change |", "|---" * 8 + "|"]
    for limit in LIMITS:
        cells = " | ".join(_percent(one[limit.name]) for one in found)
        told = f"[{limit.name}]({limit.source}) | {limit.most:,.0f} | {cells}"
        lines.append(f"| {told} | {_millions(reach(plans[0], limit))} | {limit.remedy} |")
    return _joined(lines)


def variants() -> str:
    """What other assumptions do to the first two limits."""
    lines = [
        "| What is different | Breaks first | Room until | With Premium, then | Room until |",
        "|---" * 5 + "|",
    ]
    for name, change in PLANS.items():
        plan = change(Plan(VOLUMES[0]))
        reaches = {limit: reach(plan, limit) for limit in LIMITS}
        first, then = (min(some, key=lambda one: reaches[one]) for some in (LIMITS, {*LIMITS} - {CREDITS}))
        told = (first.name, _millions(reaches[first]), then.name, _millions(reaches[then]))
        lines.append(f"| {name} | {' | '.join(told)} |")
    return _joined(lines)


def telemetry() -> str:
    """How much is told in a day, against the cap."""
    heads = " | ".join(f"{one / 1e6:,.0f} million" for one in VOLUMES)
    lines = [f"| What is kept | {heads} | A GB is reached at |", "|---" * (len(VOLUMES) + 2) + "|"]
    for name, change in TOLD.items():
        told = [told_gb(change(Deployment(Plan(one)))) for one in VOLUMES]
        cells = " | ".join(_gb(one) for one in told)
        lines.append(f"| {name} | {cells} | {_millions(VOLUMES[0] / told[0])} |")
    return _joined(lines)


def costs() -> str:
    """A month by part, and a million events, for some volumes."""
    deployments = [Deployment(Plan(one)) for one in COST_VOLUMES]
    months = [month(one) for one in deployments]
    heads = " | ".join(f"{one / 1e6:g} million" for one in COST_VOLUMES)
    lines = [f"| USD a month, at so many events a day | {heads} |", "|---" * (len(months) + 1) + "|"]
    lines += [f"| {part} | {' | '.join(_usd(one[part]) for one in months)} |" for part in months[0]]
    lines.append(f"| **Together** | {' | '.join(f'**{_usd(sum(one.values()))}**' for one in months)} |")
    millions = [_usd(sum(per_million(one).values())) for one in deployments]
    lines.append(f"| **A million events** | {' | '.join(f'**{one}**' for one in millions)} |")
    return _joined(lines)


def parameters() -> str:
    """What a million events cost where something is different, at a million a day."""
    lines = ["| What is different | USD for a million events |", "|---|---|"]
    for name, change in DEPLOYMENTS.items():
        lines.append(f"| {name} | {_usd(sum(per_million(change(Deployment())).values()))} |")
    return _joined(lines)


def price_list() -> str:
    """The prices, where they are published, and where they were seen."""
    lines = ["| USD | for a | Published at | Seen at |", "|---|---|---|---|"]
    for one in prices()["prices"].values():
        seen = f"[here]({one['seen']})" if one["seen"] else "nowhere: from memory"
        usd = f"{one['usd']:f}".rstrip("0").rstrip(".")
        lines.append(f"| {usd} | {one['per']} | [price page]({one['source']}) | {seen} |")
    return _joined(lines)


MARKS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "capacity": ("capacity.md", capacity),
    "variants": ("capacity.md", variants),
    "telemetry": ("capacity.md", telemetry),
    "costs": ("costs.md", costs),
    "parameters": ("costs.md", parameters),
    "prices": ("costs.md", price_list),
}
"""By the mark that a table stands behind, the page and what makes the table."""


def rewritten(mark: str, text: str) -> str:
    """A page's text with that table as it is computed now."""
    _, make = MARKS[mark]
    return between(mark).sub(lambda _: make(), text)


def between(mark: str) -> re.Pattern[str]:
    """What stands between a mark and its end."""
    return re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)


def _percent(share: float) -> str:
    text = f"{share:.0%}" if share >= 0.01 else "under 1%"
    return f"**{text}**" if share > ROOM else text


def _millions(events: float) -> str:
    if events > MOST * 0.95:
        return "over 1,000 million"
    millions = events / 1e6
    if millions < 1:
        return f"{millions:.2f} million"
    return f"{millions:.1f} million" if millions < 10 else f"{float(f'{millions:.2g}'):,.0f} million"


def _gb(amount: float) -> str:
    text = f"{amount:,.0f} GB" if amount >= 10 else f"{amount:.2g} GB"
    return f"**{text}**" if amount > Deployment().daily_cap_gb else text


def _usd(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}"


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def main(*, write: bool) -> None:
    """Print every table, or write the pages."""
    for mark, (name, make) in MARKS.items():
        if write:
            page = DOCS / name
            page.write_text(rewritten(mark, page.read_text()))
        else:
            print(make())


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    asked.add_argument("--write", action="store_true", help="write the pages anew")
    main(write=asked.parse_args().write)
