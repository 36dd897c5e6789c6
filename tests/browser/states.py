"""The one list of the page's states, read by what judges the page and by what takes pictures."""

from __future__ import annotations

from typing import Final

from tests.browser.states_end import ENDS
from tests.browser.states_open import CONTENTS, OPENING, VIEWING
from tests.browser.states_send import SENDING, SENT

STATES = (*SENDING, *SENT, *OPENING, *CONTENTS, *VIEWING, *ENDS)
WIDTHS_PX: Final = (320, 768, 1280)
SCHEMES: Final = ("light", "dark")
