"""What greet is in Rust, in Python: two commands of my:cli/plugin@0.2.0."""

import wit_world
from componentize_py_types import Err
from wit_world import Command, Error_UnknownCommand, Error_Usage, Output

COMMANDS = {"greet": "Greets each name", "shout": "Greets each name, loudly"}


class WitWorld(wit_world.WitWorld):
    def commands(self) -> list[Command]:
        return [Command(name, summary) for name, summary in COMMANDS.items()]

    def run(self, cmd: str, args: list[str]) -> Output:
        if cmd not in COMMANDS:
            raise Err(Error_UnknownCommand(cmd))
        if not args:
            raise Err(Error_Usage(f"{cmd} NAME..."))
        stdout = "".join(f"hello {name}\n" for name in args)
        return Output(stdout.upper() if cmd == "shout" else stdout, "", 0)
