"""What openings that nobody went on with have left on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from otv_client.errors import LocalError
from otv_client.files.saving import remove_partial

if TYPE_CHECKING:
    from otv_client.records import OpeningRecord
    from otv_client.state import StateFolder
    from otv_client.world import World

# A clock that is wrong is mostly so by a time zone, and those lie up to 26 hours apart; what is
# removed a day and a bit too late does no harm.
_GRACE_S = 27 * 3600


def prune(world: World, *, but: OpeningRecord) -> None:
    """Forget openings whose lease is over, and remove what they left.

    Not the one that is being opened: whether its lease is over, its server says. And none that
    another process holds, whatever the clock here says.
    """
    if world.state is None:
        return
    latest = world.now().timestamp() - _GRACE_S
    for record in world.state.openings():
        is_this = (record.server, record.id) == (but.server, but.id)
        if record.lease_until < latest and not is_this:
            _remove(world.state, record, latest)


def _remove(state: StateFolder, record: OpeningRecord, latest: float) -> None:
    # What is left over keeps nobody from opening something else.
    with suppress(LocalError), state.opening_lock(record.server, record.id):
        current = state.opening(record.server, record.id)
        # Its holder may have changed it before it let go.
        if current is not None and current.lease_until < latest:
            remove_partial(Path(current.destination), current.partial)
            state.forget_opening(current)
