"""Inputs that are guided by what they reach in our code: `python -m proof.guided TARGET SECONDS SEED FOLDER`.

The guide is libFuzzer, by way of atheris; it begins with the inputs in the folder, and ends the process itself. What is
a failure is said in `proof.fuzz`. An input that fails is printed.
"""

import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # it brings no types

with atheris.instrument_imports(include=["mappings", "connectors", "daemon"]):  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # idem
    from proof import fuzz

SIZE_BYTES_MAX = 4096
MEMORY_MIB_MAX = 2048


def main() -> None:
    """Feed one target for so long."""
    name, seconds, seed, inputs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        (target,) = (one for one in fuzz.targets(Path(folder)) if one.name == name)

        def feed(content: bytes) -> None:
            if what := fuzz.fault(target, content):
                raise AssertionError(f"{what}; {content!r}")

        limits = [f"-max_len={SIZE_BYTES_MAX}", f"-rss_limit_mb={MEMORY_MIB_MAX}", f"-timeout={fuzz.HANGS_S:.0f}"]
        # Zero would mean that it draws one itself.
        limits += [f"-max_total_time={seconds}", f"-seed={int(seed) % 2**31 + 1}", f"-artifact_prefix={folder}/"]
        atheris.Setup([sys.argv[0], *limits, inputs], feed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
