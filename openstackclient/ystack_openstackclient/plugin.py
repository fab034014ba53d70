"""What the openstack client asks of every extension, and the place where we cut its command line.

The client parses the whole command line for its own options before it looks for a command. It would take --help, -v,
--debug and every --os-… that stands behind `ystack`, and whatever could be an abbreviation of its own options. All of that
is the binary's, so its parser gets to see only what stands before the word.
"""

API_NAME = "ystack"
API_VERSION_OPTION = "os_ystack_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = {"1": "ystack_openstackclient.plugin"}

WORD = "ystack"


def make_client(instance):
    """There is no client in Python: the binary is one."""
    return None


def build_option_parser(parser):
    whole = parser.parse_known_args

    def parse_known_args(args=None, namespace=None):
        argv = list(args or [])
        for at in (n for n, word in enumerate(argv) if word == WORD):
            before = _options(parser, whole, argv[:at], namespace)
            if before is not None:
                return before, argv[at:]
        return whole(args, namespace)

    parser.parse_known_args = parse_known_args
    return parser


def _options(parser, parse, argv, namespace):
    """The parsed options, or None if what comes after argv is not a command: `--os-cloud ystack` names a cloud."""
    error, parser.error = parser.error, _incomplete
    try:
        options, rest = parse(argv, namespace)
    except _Incomplete:
        return None
    finally:
        parser.error = error
    return None if rest else options


class _Incomplete(Exception):
    pass


def _incomplete(message):
    raise _Incomplete(message)
