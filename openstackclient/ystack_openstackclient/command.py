"""The one command, which hands everything over to openstack-ystack."""

import argparse
import os
import shutil
import subprocess
import sys

from osc_lib.command import command

PROGRAM = "openstack-ystack"


class Ystack(command.Command):
    """Images and machines for Kubernetes on OpenStack (runs openstack-ystack)"""

    auth_required = False  # the program logs in by itself

    def get_parser(self, prog_name):
        return _Everything(self, prog=prog_name, add_help=False)

    def take_action(self, parsed_args):
        return self.run_program(parsed_args.argv)

    def run_program(self, arguments):
        program = shutil.which(PROGRAM)
        if not program:
            print(f"{PROGRAM} is not in PATH; install it, for instance to /usr/local/bin", file=sys.stderr)
            return 127
        argv, environment = [program, *arguments], self.environment()
        if self.app.interactive_mode or os.name == "nt":
            return subprocess.call(argv, env=environment)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(program, argv, environment)  # signals and the exit status are the program's own

    def environment(self):
        """The options before `ystack`, as the OS_* variables that stand for them."""
        environment = dict(os.environ)
        for action in self.app.parser._actions:
            value = getattr(self.app.options, action.dest, None)
            if not isinstance(value, str) or not value or value == action.default:
                continue
            for option in action.option_strings:
                if option.startswith("--os-"):
                    environment[option[2:].upper().replace("-", "_")] = value
        if getattr(self.app.options, "insecure", None):
            environment["OS_INSECURE"] = "true"
        return environment


class _Everything(argparse.ArgumentParser):
    """Takes all arguments as they are, --help too."""

    def __init__(self, runner, **settings):
        super().__init__(**settings)
        self.runner = runner

    def parse_args(self, args=None, namespace=None):
        return argparse.Namespace(argv=list(args or []))

    def print_help(self, file=None):  # openstack help ystack image list
        words = getattr(self.runner.app_args, "cmd", None) or []
        sys.exit(self.runner.run_program([*words, "--help"]))
