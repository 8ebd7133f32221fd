"""What all tables have in common."""

from sqlalchemy import DateTime, MetaData, Text, func

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

now = func.now()


def bytewise() -> Text:
    """Text that is compared byte by byte, as in URLs."""
    return Text(collation="C")


def moment() -> DateTime:
    """A point in time."""
    return DateTime(timezone=True)
