"""The local stack: qck's services and real servers for them, on one machine, without Docker."""
