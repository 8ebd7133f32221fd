"""`python -m local_stack.turns SECONDS COMMAND…`: become a command that takes such turns.

For servers that do not ask the kernel themselves, as our own services do.
"""

import os
import sys

from shared.turns import ask_for_turns

if __name__ == "__main__":
    turn_s, *command = sys.argv[1:]
    ask_for_turns(float(turn_s))
    os.execvp(command[0], command)
