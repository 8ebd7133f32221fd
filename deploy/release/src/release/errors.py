"""What can go wrong, in words for the person who typed the command."""


class ReleaseError(Exception):
    """A step cannot be done; the message says why."""


class CommandError(ReleaseError):
    """Docker has refused something; the message ends with what it said."""
