"""Whether the machine runs on battery, as Linux tells it; anything else counts as mains.

Source: the kernel's Documentation/ABI/testing/sysfs-class-power: a supply of type Mains or USB has `online`.
"""

from pathlib import Path

from daemon.schedule import SAVING

_SUPPLIES = Path("/sys/class/power_supply")


def slowness(supplies: Path = _SUPPLIES) -> float:
    """Return how many times longer intervals are now."""
    return SAVING if on_battery(supplies) else 1.0


def on_battery(supplies: Path) -> bool:
    """Tell whether there is a battery and nothing that feeds the machine."""
    try:
        kinds = [(_text(supply / "type"), _text(supply / "online")) for supply in sorted(supplies.iterdir())]
    except OSError:
        return False
    has_battery = any(kind == "Battery" for kind, _ in kinds)
    is_fed = any(online == "1" for kind, online in kinds if kind != "Battery")
    can_be_fed = any(kind != "Battery" for kind, _ in kinds)
    return has_battery and can_be_fed and not is_fed


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
