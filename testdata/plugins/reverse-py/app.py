"""A plugin of the first contract in Python: joins its arguments and reverses the text by characters."""

import wit_world
from componentize_py_types import Err


class WitWorld(wit_world.WitWorld):
    def run(self, args: list[str]) -> str:
        if not args:
            raise Err("reverse TEXT...")
        return " ".join(args)[::-1]
