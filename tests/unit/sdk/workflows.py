"""Any workflow that is valid: drawn as plain values, so that what is read from them holds every key."""

from hypothesis import strategies as st

from tests.unit.planning.builders import SmallCatalog

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(
    [
        "no",
        "010",
        "1e5",
        "1_000",
        "~",
        "null",
        "true",
        "1.0",
        "2026-01-01",
        "12:30:45",
        "<<",
        "=",
        "- a",
        "a: b",
        "a #b",
        " a",
        "a ",
        "a\n",
        "\na",
        "a\n\n b\n",
        " a\nb",
        "a\tb",
        "#",
        "'",
        '"',
        "\\",
        "---",
        "...",
        "{a}",
        "a\x85b",
        "a\u2028b\nc",
        "\ufeff",
        "\r\n",
        "a\r",
        "%a",
        "@a",
        "`",
        "!x",
        "&x",
        "*x",
        "|",
        ">",
        "?",
        "\x1b",
    ]
)
PLAIN_TEXT = (TEXT | WORDS).filter(lambda text: not any(mark in text for mark in ("{{", "{%", "{#")))
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN_TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(PLAIN_TEXT, children, max_size=3),
    max_leaves=8,
)
SPANS = st.sampled_from([1, 0.5, "30s", "1h30m", 1 / 3, 299])
NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8) | st.sampled_from(
    ["no", "1e5", "a b", "it's", '"x"', "提取", "null", "x" * 150]
)
RETRIES = st.integers(0, 100) | st.fixed_dictionaries(
    {"count": st.integers(0, 100)},
    optional={
        "interval": st.sampled_from([5, 0.5, "7s"]),
        "backoff": st.sampled_from(["fixed", "linear", "exponential"]),
        "max_interval": st.sampled_from([60, "10m"]),
        "jitter": st.booleans(),
        "on": st.lists(st.sampled_from(["timeout", "rate_limit"]), unique=True),
    },
)
APPROVALS = st.fixed_dictionaries(
    {},
    optional={
        "by": st.lists(st.sampled_from(["lead", "no"]), unique=True),
        "expires": SPANS,
        "default": st.sampled_from(["approve", "reject"]),
        "form": st.sampled_from([{}, {"properties": {"why": {"type": "string"}}, "required": ["why"]}]),
    },
)
ARGUMENTS = st.dictionaries(PLAIN_TEXT, JSON_VALUES, max_size=3)


@st.composite
def tasks(draw, name, above, is_last):
    """Draw one task, which may need and read those above it; the last may be a stream, which nobody needs."""
    needs = draw(st.lists(st.sampled_from(above), unique=True, max_size=3)) if above else []
    readable = [f"{{{{ tasks[{need!r}].output }}}}" for need in needs]
    expressions = st.sampled_from(["{{ instance.id }}", *readable])
    optional = {
        "description": PLAIN_TEXT,
        "priority": st.sampled_from(["low", "critical", 0, 8]),
        "requires": st.lists(st.sampled_from(["git", "python-3.11"]), unique=True, max_size=2),
        "tags": st.lists(PLAIN_TEXT.filter(bool), max_size=2),
        "timeout": SPANS,
        "retry": RETRIES,
        "allow_failure": st.booleans(),
        "when": st.booleans() | PLAIN_TEXT | expressions,
    }
    joins = ["all", "all_done", *(["any", {"at_least": len(needs)}] if needs else [])]
    optional["join"] = st.sampled_from(joins)
    with_ = draw(ARGUMENTS)
    with_["template"] = draw(expressions)
    task = {"name": name, "needs": needs, "with": with_}
    kind = draw(st.sampled_from(["run", "workflow", *(["continuous"] if is_last else [])]))
    if kind == "continuous":
        task["mode"] = kind
        optional |= {"buffer_size": st.integers(1, 5000), "flush_interval": SPANS}
    else:
        undoing = st.fixed_dictionaries({"run": st.just("extract_data")}, optional={"with": ARGUMENTS})
        optional |= {"approval": APPROVALS, "compensate": undoing}
        if draw(st.booleans()):
            task["for_each"] = draw(expressions | st.lists(JSON_VALUES, max_size=3))
            with_["item"] = "{{ item }} {{ index }}"
            optional["max_parallel"] = st.integers(1, 10_000)
    task |= {"workflow": "another"} if kind == "workflow" else {"run": "extract_data"}
    return task | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def workflows(draw):
    """Draw a workflow as a mapping that loads."""
    names = draw(st.lists(NAMES, unique_by=lambda name: name.casefold(), min_size=1, max_size=4))
    drawn = [
        draw(tasks(name, names[:place], is_last=place + 1 == len(names))) for place, name in enumerate(names)
    ]
    schedules = st.sampled_from(["@daily", "0 0 2 * * *", "*/5 * * * *"]) | st.fixed_dictionaries(
        {"cron": st.just("0 2 * * MON")},
        optional={
            "timezone": st.sampled_from(["UTC", "Asia/Shanghai"]),
            "overlap": st.sampled_from(["skip", "queue", "cancel_running", "allow"]),
            "catchup": st.sampled_from(["none", "latest", "all"]),
            "paused": st.booleans(),
            "params": st.fixed_dictionaries({}, optional={"n": st.integers(1, 9)}),
        },
    )
    params = st.dictionaries(st.from_regex(r"[a-m]{1,4}", fullmatch=True), JSON_VALUES, max_size=2).map(
        lambda plain: plain | {"n": {"type": "integer", "default": 5, "minimum": 1}}
    )
    return draw(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["w", "no", "1e5", "nightly-etl"]), "params": params},
            optional={
                "description": PLAIN_TEXT,
                "schedule": schedules,
                "max_parallel": st.integers(2, 10_000),
                "max_instances": st.integers(1, 10_000),
                "timeout": SPANS,
                "on_failure": st.sampled_from(["stop", "continue", "compensate"]),
                "defaults": st.fixed_dictionaries({}, optional={"timeout": SPANS}),
            },
        )
    ) | {"tasks": drawn}


class AnyFleet(SmallCatalog):
    """What a process knows of its workers, for builders that are not given a catalog."""

    def slots(self) -> int:
        return 1
