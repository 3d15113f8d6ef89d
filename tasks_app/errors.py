"""The situations the record foresees. Each has a code, facts, and what to do now."""

from http import HTTPStatus

from cpds.base.errors import CPDSError


class StaleDispatch(CPDSError):
    """The claim this write relied on is no longer held: stop the work and discard its result."""

    code = "stale_dispatch"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Task {task_id} is no longer held under dispatch {dispatch_id}: it was taken back, cancelled or "
        "finished meanwhile. Nothing was changed; stop this attempt."
    )


class NotFound(CPDSError):
    """Nothing here answers to that id."""

    code = "not_found"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "No {kind} is called {given!r}. List them with: {listing}"


class TaskNotFound(CPDSError):
    """No task of the caller's projects has that id: look at the lists of tasks. ``/api`` says it so."""

    code = "task_not_found"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "{told}"


class TaskNotPending(CPDSError):
    """There is no such task, or it is not to be had (any more): ask for what is pending again."""

    code = "task_not_pending"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "{told}"


class AmbiguousId(CPDSError):
    """A shortened id fits several objects: give more of it."""

    code = "ambiguous_id"
    http_status = HTTPStatus.CONFLICT
    sentence = "{given!r} fits several {kind}s ({candidates}). Give more characters of the id."


class InvalidWorkflow(CPDSError):
    """A workflow definition has problems; ``problems`` lists every one, each with its place."""

    code = "invalid_workflow"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The workflow has {count} problem(s). Correct them and send it again; nothing was stored."


class InvalidParams(CPDSError):
    """The parameters given do not fit the workflow; ``problems`` lists every one."""

    code = "invalid_params"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The parameters do not fit workflow {workflow!r}: {summary}. No instance was started."


class WorkflowInUse(CPDSError):
    """The workflow has unfinished instances: let them finish or cancel them first."""

    code = "workflow_in_use"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Workflow {workflow!r} has {count} unfinished instance(s) ({instances}). "
        "Wait for them or cancel them, then delete it."
    )


class WorkflowNeeded(CPDSError):
    """Tasks elsewhere need tasks of its instances: let those complete or prune them first."""

    code = "workflow_needed"
    http_status = HTTPStatus.CONFLICT
    sentence = "Workflow {workflow!r} cannot be deleted: {tasks} need(s) tasks of its instances."


class NothingToUndo(CPDSError):
    """No completed task of the instance says how it is undone: there is nothing to compensate."""

    code = "nothing_to_undo"
    http_status = HTTPStatus.CONFLICT
    sentence = "Instance {key} has nothing to undo: none of its completed tasks has 'compensate'."


class NoWorkflow(CPDSError):
    """The instance holds tasks that were created on their own: create or retry those."""

    code = "no_workflow"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Instance {instance} has no workflow to run again: its tasks were created on their own. "
        "Retry those that failed, or create them anew."
    )


class InvalidTasks(CPDSError):
    """Tasks that were to be created have problems; ``problems`` lists every one, each with its pointer."""

    code = "invalid_tasks"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The task(s) have {count} problem(s). Correct them and send them again; nothing was created."


class TaskIdTaken(CPDSError):
    """Another task of the project has that id: choose another, or look at the task there is."""

    code = "task_id_taken"
    http_status = HTTPStatus.CONFLICT
    sentence = "The project has a task {task_id!r} already. Choose another id; nothing was created."


class NotOffered(CPDSError):
    """The task is not to be had by a worker that speaks HTTP (any more): ask for what is pending again."""

    code = "not_offered"
    http_status = HTTPStatus.CONFLICT
    sentence = "Task {task_id!r} cannot be assigned: {why}. Ask for the pending tasks again."


class NotHeld(CPDSError):
    """The worker does not hold the task (any more): stop the work and discard its result."""

    code = "not_held"
    http_status = HTTPStatus.CONFLICT
    sentence = "Task {task_id!r} is not held by {worker!r}: it is {state}. Nothing was changed."


class ChangedUpstream(CPDSError):
    """What a rerun would share differs in that version: begin further up, at one of the tasks named."""

    code = "changed_upstream"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Version {version} has other tasks upstream of {task!r} than {origin} ran ({changed}), so their "
        "results cannot be shared. Rerun from one of those, or with the version of the origin."
    )


class NotScheduled(CPDSError):
    """The workflow starts by hand only: give it a ``schedule`` and upload it again."""

    code = "not_scheduled"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "Workflow {workflow!r} has no schedule; `manage.py schedule list` names those that have one."


class NotFired(CPDSError):
    """The schedule was asked to start an instance and did not: ``why`` tells the rule that kept it."""

    code = "not_fired"
    http_status = HTTPStatus.CONFLICT
    sentence = "The schedule of workflow {workflow!r} started nothing: {why}."


class IllegalMove(CPDSError):
    """A state change that the table of legal moves forbids."""

    code = "illegal_move"
    http_status = HTTPStatus.CONFLICT
    sentence = "{kind} {key} is {state} and cannot become {wanted}."


class CheckpointAnswered(CPDSError):
    """Somebody has decided otherwise, or the time ran out; the first answer stands."""

    code = "checkpoint_answered"
    http_status = HTTPStatus.CONFLICT
    sentence = "The approval of {task!r} was {state} by {answered_by} at {answered_at}; that answer stands."


class CheckpointClosed(CPDSError):
    """The task does not wait for an answer any more: it was cancelled, or its instance has ended."""

    code = "checkpoint_closed"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "{task!r} does not wait for an approval any more. "
        "Look at it with: manage.py instance status {instance}"
    )


class NoCheckpoint(CPDSError):
    """Nothing waits for an answer there (yet)."""

    code = "no_checkpoint"
    http_status = HTTPStatus.NOT_FOUND
    sentence = "{what} asks for no approval. Look at it with: manage.py instance status {instance}"


class SeveralCheckpoints(CPDSError):
    """Several tasks of the instance wait for an answer: name the one that is meant."""

    code = "several_checkpoints"
    http_status = HTTPStatus.CONFLICT
    sentence = "Instance {instance} waits for several approvals ({tasks}). Name the task that is meant."


class AnswerNotAllowed(CPDSError):
    """The question was put to others."""

    code = "answer_not_allowed"
    http_status = HTTPStatus.FORBIDDEN
    sentence = "{by!r} may not answer for {task!r}; that is up to: {allowed}."


class InvalidAnswer(CPDSError):
    """The values given do not fit the form; ``problems`` lists every one."""

    code = "invalid_answer"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The values given for {task!r} do not fit its form: {summary}. Nothing was answered."


class RetryTheParent(CPDSError):
    """The instance was started by a task of another one: retry that, and it goes on with this one."""

    code = "retry_the_parent"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "Instance {instance} belongs to {parent}. Retry that one: it goes on with this one where it stopped."
    )


class TooDeep(CPDSError):
    """Workflows start one another without end, or nearly."""

    code = "too_deep"
    http_status = HTTPStatus.CONFLICT
    sentence = "At most {limit} instances may be inside one another; this would be one more: {path}."


class WaitsForItself(CPDSError):
    """The child could start only after the instance that waits for it has ended."""

    code = "waits_for_itself"
    http_status = HTTPStatus.CONFLICT
    sentence = (
        "At most {limit} instance(s) of {workflow!r} run at once, "
        "and those that wait for this one are as many: it could never start."
    )


class BadItem(CPDSError):
    """A stream emitted what cannot be handed on: emit JSON, and keep what is large in files."""

    code = "bad_item"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The item cannot be handed on: {found}."


class StaleDelivery(CPDSError):
    """The lease this delivery relied on is no longer held: stop, another one goes on from where this was."""

    code = "stale_delivery"
    http_status = HTTPStatus.CONFLICT
    sentence = "Listener {listener!r} is told of instance {instance_id} by another worker now."


class StillRunning(CPDSError):
    """A wait was over before what it waited for: wait longer, or look why it takes so long."""

    code = "still_running"
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    retryable = True
    sentence = (
        "Instance {instance} has not ended within {seconds:g} s; it goes on. "
        "Wait again, or see why: manage.py instance why {instance}"
    )


class InvalidContract(CPDSError):
    """A contract has problems; ``problems`` lists every one, each with its pointer."""

    code = "invalid_contract"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The contract has {count} problem(s). Correct them and send it again; nothing was stored."


class ScheduleChanged(CPDSError):
    """Somebody has changed the schedule since it was read: read it again."""

    code = "schedule_changed"
    http_status = HTTPStatus.PRECONDITION_FAILED
    sentence = (
        "The schedule of workflow {workflow!r} is not what If-Match says any more. Read it again; nothing "
        "was changed."
    )


class ContractIncomplete(CPDSError):
    """A contract cannot be approved yet; ``problems`` lists everything that is missing."""

    code = "contract_incomplete"
    http_status = HTTPStatus.CONFLICT
    sentence = "Contract {contract} cannot be approved: it has {count} problem(s). Update it first."


class ContractExists(CPDSError):
    """The feature has a contract already: update that one."""

    code = "contract_exists"
    http_status = HTTPStatus.CONFLICT
    sentence = "Feature {feature_id!r} has the contract {contract} already. Update that one."


class ContractChanged(CPDSError):
    """Somebody has changed the contract since it was read: read it again."""

    code = "contract_changed"
    http_status = HTTPStatus.CONFLICT
    sentence = "Contract {contract} is in version {version}, not {given}. Read it again; nothing was changed."


class ContractNotApproved(CPDSError):
    """The contract is a draft: approve it first."""

    code = "contract_not_approved"
    http_status = HTTPStatus.CONFLICT
    sentence = "Contract {contract} is a draft and cannot be implemented. Approve it first."


class Forbidden(CPDSError):
    """The caller's role does not reach for this: ask an admin of the project for another."""

    code = "forbidden"
    http_status = HTTPStatus.FORBIDDEN
    sentence = "This needs the role {needed!r}{where}; {caller} has {has}."


class WrongKindOfToken(CPDSError):
    """A worker's token was shown where people come in, or the other way round: use one of the other kind."""

    code = "wrong_kind_of_token"
    http_status = HTTPStatus.FORBIDDEN
    sentence = "A {kind} token is not for this address. Use a {wanted} token."


class ProjectNotNamed(CPDSError):
    """The caller belongs to several projects, or to none: name the one that is meant."""

    code = "project_not_named"
    http_status = HTTPStatus.BAD_REQUEST
    sentence = (
        "Name the project, with the header X-CPDS-Project, with ?project= or the key project. "
        "Yours are: {projects}."
    )


class BadCredentials(CPDSError):
    """Name and password, or the refresh token, are not good: log in again."""

    code = "bad_credentials"
    http_status = HTTPStatus.UNAUTHORIZED
    sentence = "{what} Log in again at /api/v1/auth/token."


class NameInUse(CPDSError):
    """There is one of this name already: choose another."""

    code = "name_in_use"
    http_status = HTTPStatus.CONFLICT
    sentence = "There is a {kind} {name!r} already. Choose another name."


class LastAdmin(CPDSError):
    """The project would be left without an admin: make somebody else one first."""

    code = "last_admin"
    http_status = HTTPStatus.CONFLICT
    sentence = "{user!r} is the last admin of project {project!r}. Make somebody else an admin first."


class KeyReused(CPDSError):
    """The idempotency key stands for another request: use a new one."""

    code = "idempotency_key_reused"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "Idempotency-Key {key!r} was used for another request to this address. Use a new key."
