"""How the host writes its log: a wide line of the app as its level and its JSON, all else as it was said."""

import logging
from typing import Final

import azure_functions_runtime as runtime

from local.host.worker import invocation_id
from shared.logs import Said

_PLAIN: Final = logging.Formatter("%(levelname)s %(name)s [%(call)s] %(message)s")
_WIDE: Final = logging.Formatter("%(levelname)s %(message)s")


class Records(logging.Formatter):
    """Lines of the app name their trace, the others the call that they belong to."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        if isinstance(record.msg, Said):
            return _WIDE.format(record)
        # Sync functions run in threads, where only the runtime's own variable is set.
        record.call = invocation_id.get() or runtime.invocation_id_cv.get() or "-"
        return _PLAIN.format(record)
