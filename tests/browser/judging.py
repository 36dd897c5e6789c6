"""What is asked of every state of the page, by axe-core and by a ruler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.javascript import WEB

if TYPE_CHECKING:
    from tests.browser.drivers.with_playwright import PlaywrightTab

AXE = WEB / "node_modules/axe-core/axe.min.js"

# All rules of axe-core are asked, experimental ones too, but for these.
NOT_ASKED = {
    "color-contrast-enhanced": "the page keeps to 4.5:1 of WCAG AA; 7:1 would leave no quiet words",
}

# The viewer's opaque origin doesn't let axe-core speak across it, so each document is asked by
# itself, and what they answer is judged as one page.
OPTIONS = """const asked = axe.getRules().map(({ ruleId }) => ruleId);
const values = asked.filter((id) => !notAsked.includes(id));
const options = { runOnly: { type: "rule", values }, resultTypes: ["violations"] };"""
ASK_PAGE = f"""async (notAsked) => {{
  {OPTIONS}
  const contexts = axe.utils.getFrameContexts(undefined, options);
  const frames = contexts.map(({{ frameContext }}) => frameContext);
  return {{ frames, answer: await axe.runPartial(options) }};
}}"""
ASK_FRAME = f"""async ([context, notAsked]) => {{
  {OPTIONS}
  return axe.runPartial(context, options);
}}"""
JUDGE = f"""async ([answers, notAsked]) => {{
  {OPTIONS}
  const {{ violations }} = await axe.finishRun(answers, options);
  return violations.flatMap(({{ id, nodes }}) =>
    nodes.map(({{ html, failureSummary }}) => `${{id}}: ${{html}}\\n${{failureSummary}}`));
}}"""

# What can be reached by scrolling sideways alone; the page is to have nothing of the kind.
BEYOND = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > root.clientWidth + 0.5);
  return [`${root.scrollWidth} px`, ...wide.map((each) => each.outerHTML.slice(0, 200))];
}"""


def violations(tab: PlaywrightTab) -> list[str]:
    """What axe-core finds in the page and in its frames."""
    page, *frames = tab.page.frames
    for frame in tab.page.frames:
        if not frame.evaluate("() => 'axe' in window"):
            frame.evaluate(AXE.read_text())
    not_asked = [*NOT_ASKED]
    asked = page.evaluate(ASK_PAGE, not_asked)
    assert len(asked["frames"]) == len(frames)
    answers = [
        frame.evaluate(ASK_FRAME, [context, not_asked])
        for frame, context in zip(frames, asked["frames"], strict=True)
    ]
    found: list[str] = page.evaluate(JUDGE, [[asked["answer"], *answers], not_asked])
    return found


def beyond(tab: PlaywrightTab) -> list[str]:
    """What sticks out of the page or of a frame, to the right."""
    return [each for frame in tab.page.frames for each in frame.evaluate(BEYOND)]
