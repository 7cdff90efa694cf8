"""How one comes into the demonstration's farm: a link that signs in once, and a key for the demonstration itself.

Both are written into the demonstration's own database, so its farm is never open to anybody, not even on this machine.
"""

from scheduler.farm import open_store
from trellis.config import load_configuration
from web.demo_configuration import DemoFarm
from web.people import make_key, make_link

#: An administrator without a password; only links sign it in.
USER = "demo"
_KEY = "the demonstration itself"
_DAYS = 30.0


class DemoDoor:
    """Makes links and a key for one farm.

    Args:
        farm: The demonstration's farm.
    """

    def __init__(self, farm: DemoFarm) -> None:
        self._farm = farm
        self._configuration = load_configuration(farm.config)

    def key(self) -> str:
        """The demonstration's key; those of earlier runs are taken back."""
        with open_store(self._configuration) as store:
            for old in store.api_keys():
                if old.name == _KEY:
                    store.remove_key(old.id)
            if store.user(USER) is None:
                store.add_user(USER, "administrator", None)
            return make_key(store, _KEY, ("read", "work"), _DAYS)[0]

    def link(self) -> str:
        """An address that opens the dashboard, once, within a day."""
        with open_store(self._configuration) as store:
            return self._farm.web_url + make_link(store, USER, hours=24.0)
