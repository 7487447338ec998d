"""Where configuration and state live on this machine.

Source: XDG Base Directory Specification 0.8; a relative path in one of its variables is to be ignored.
"""

import os
from pathlib import Path


def config_path() -> Path:
    """Return where the configuration is looked for unless the owner names another file."""
    return _home("XDG_CONFIG_HOME", ".config") / "contactd" / "config.toml"


def state_home() -> Path:
    """Return where the state is kept unless the configuration names another folder."""
    return _home("XDG_STATE_HOME", ".local/state") / "contactd"


def expanded(text: str) -> str:
    """Return the text with the owner's home for a leading `~` or `~/`; any other text as it is."""
    if text == "~" or text.startswith("~/"):
        return str(Path(text).expanduser())
    return text


def _home(variable: str, fallback: str) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if Path(named).is_absolute() else Path.home() / fallback
