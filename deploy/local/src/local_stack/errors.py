"""What can go wrong, in words for the person who typed the command."""


class StackError(Exception):
    """The stack cannot do what was asked; the message says why and what to do about it."""


class AlreadyRunningError(StackError):
    """A stack runs in this home already."""


class NotReadyError(StackError):
    """A program did not come up in time, or came up and died."""


class SettingsError(StackError):
    """The environment does not make valid settings; `problems` has one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(["wrong settings:", *(f"  - {line}" for line in problems)]))
