"""What a lens cannot do, named by what the caller does next."""


class MappingError(Exception):
    """The root of everything that `mappings` raises."""


class UnreadableNote(MappingError):
    """The note is not ours to guess: skip it, report it, touch nothing in it."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class UnreadableRecord(MappingError):
    """The provider's data is not understood: hold the person, keep the raw reply."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class EditRefused(MappingError):
    """The wanted values cannot be written without doubt: hold these fields, say why, go on with the rest."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
