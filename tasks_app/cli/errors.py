"""The situations that only a command line meets."""

from cpds.base.errors import CPDSError


class UnusableInput(CPDSError):
    """A file named on the command line cannot be read: name another."""

    code = "unusable_input"
    sentence = "{file} cannot be read: {why}."


class InvalidParamsFile(CPDSError):
    """The file of parameters is not a mapping of names to values; ``problems`` lists what to correct."""

    code = "invalid_params_file"
    sentence = "The parameters in {file} cannot be used. No instance was started."


class UnknownStatus(CPDSError):
    """``--status`` names no state: use one of those listed."""

    code = "unknown_status"
    sentence = "There is no status {given!r}. Use one of: {allowed}."


class NotMigrated(CPDSError):
    """The database has no tables, or those of an older CPDS: migrate it."""

    code = "not_migrated"
    sentence = "The database is not set up for this version of CPDS. Run `manage.py migrate` first."


class DatabaseUnreachable(CPDSError):
    """The database does not answer: start it, or correct its address."""

    code = "database_unreachable"
    retryable = True
    sentence = (
        "The database cannot be used: {why}. Check DATABASE_URL and CPDS_STATE_DIR; "
        "for a new database, run `manage.py migrate` first."
    )


class NotConfirmed(CPDSError):
    """Somebody was asked and did not agree: ask again with ``--yes`` if it was meant."""

    code = "not_confirmed"
    sentence = "Nothing was {done}."


class NotAsked(CPDSError):
    """There is no terminal to ask on: say ``--yes`` if it is meant, or ``--dry-run`` to see only."""

    code = "not_asked"
    sentence = "Nothing was {done}: say --yes to do it without being asked, or --dry-run to see only."


class WrongUsage(CPDSError):
    """The arguments do not go together: see the command's help."""

    code = "usage"
    sentence = "{message}"


class WaitTimedOut(CPDSError):
    """The instance has not ended in the time given; it goes on. Wait again, or look at its status."""

    code = "wait_timed_out"
    retryable = True
    sentence = (
        "Instance {instance} is still {status} after {timeout}. It goes on; see: "
        "manage.py instance status {instance}."
    )


class WaitInterrupted(CPDSError):
    """Waiting was stopped from the keyboard; the instance goes on without it."""

    code = "wait_interrupted"
    retryable = True
    sentence = "Stopped waiting. Instance {instance} goes on; see: manage.py instance status {instance}."


class Interrupted(CPDSError):
    """The command was stopped from the keyboard."""

    code = "interrupted"
    sentence = "Interrupted."
