"""What all pages share: the frame of HTML, its one style sheet, and the headers that let nothing else in."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

STYLE = """
:root{color-scheme:light dark;--page:#fff;--text:#1b1f24;--quiet:#4d5560;--line:#d0d5db;--code:#f3f5f7;--link:#0a52a3}
@media (prefers-color-scheme:dark){
:root{--page:#14171b;--text:#e6e9ed;--quiet:#aab2bc;--line:#3a414a;--code:#1f242a;--link:#8ab8f5}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--page);padding:.5rem}
main,footer{max-width:60rem;margin:0 auto;padding:0 1rem}
a{color:var(--link)}a:focus-visible{outline:3px solid var(--link);outline-offset:2px}
h1,h2,h3,h4{line-height:1.25;margin:2rem 0 .5rem}h3,h4{scroll-margin-top:1rem}
h3{border-top:1px solid var(--line);padding-top:1.5rem;overflow-wrap:anywhere}
h4{font-size:1rem;margin-top:1.25rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em;background:var(--code)}
code{padding:.1em .25em;overflow-wrap:break-word}
pre{padding:.75rem;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line)}pre code{padding:0}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--quiet)}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
ul{padding-left:1.25rem}footer{color:var(--quiet);padding:2rem 1rem}
@media (max-width:40rem){body{font-size:.9rem}th,td{padding-right:.4rem}}
@media print{nav,.skip{display:none}}
"""
"""Colours keep a contrast of 4.5 to 1 and more (https://www.w3.org/TR/WCAG22/#contrast-minimum); a test computes it."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
GUARDS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""A page is text, its own style sheet and an empty icon; whatever else might get into it is not loaded and does not run
(https://www.w3.org/TR/CSP3/)."""


def framed(title: str, body: str) -> str:
    """A whole page. `title` is text, `body` is HTML that begins with the page's h1."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body>'
        f'<a class="skip" href="#main">To the content</a><main id="main">{body}</main>'
        '<footer><a href="/reference">Reference</a> · <a href="/problems">Problems</a> · '
        '<a href="/openapi.json">OpenAPI</a> · <a href="/llms.txt">llms.txt</a></footer></body></html>\n'
    )


def prose(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are HTML, each row headed by its first; nothing where there is no row."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{one}</td>" for one in rest)}</tr>'
        for first, *rest in rows
    )
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
