"""Names, outputs, answers, errors: whatever they hold, a page shows it as text."""

import pytest

from tasks_app.models import Event, ExecutionRecord, Instance, Task, WorkflowVersion
from tests.admin.rows import MODELS, everything, page

pytestmark = pytest.mark.django_db
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("model", MODELS)
def test_no_page_of_any_model_lets_markup_through(admin_client, model):
    everything(2, text=ATTACK)
    addresses = [page(model), *(page(model, "change", row.pk) for row in model.objects.all())]

    for address in addresses:
        html = admin_client.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("model", [Task, Event, ExecutionRecord, Instance, WorkflowVersion])
def test_the_markup_is_there_to_be_read(admin_client, model):
    everything(2, text=ATTACK)

    html = admin_client.get(page(model, "change", model.objects.order_by("pk").first().pk)).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("name", ["instance", "task", "worker", "kind", "q"])
def test_an_address_lets_no_markup_through(admin_client, name):
    html = admin_client.get(page(Event), {name: ATTACK}).content.decode()

    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_an_answer_keeps_its_lines_and_its_script(admin_client):
    everything(2)
    answer = "\n第一行\n    indented\n\n“最后”"
    ExecutionRecord.objects.update(answer=answer)

    html = admin_client.get(page(ExecutionRecord, "change", ExecutionRecord.objects.first().pk)).content

    assert f'<pre class="cpds-text" tabindex="0">\n{answer}</pre>' in html.decode()


def test_what_a_rehearsal_made_says_so(admin_client):
    instance = everything(2)
    record = ExecutionRecord.objects.first()

    for address in (
        page(ExecutionRecord),
        page(ExecutionRecord, "change", record.pk),
        page(Task, "change", record.task_id),
        page(Instance, "change", instance.pk),
    ):
        assert "◇ simulated" in admin_client.get(address).content.decode()


def test_a_very_long_output_is_cut_and_says_so(admin_client):
    everything(2)
    record = ExecutionRecord.objects.first()
    ExecutionRecord.objects.update(output={"lines": ["x" * 99] * 20_000}, answer="y" * 300_000)

    html = admin_client.get(page(ExecutionRecord, "change", record.pk)).content.decode()

    assert len(html) < 100_000
    assert html.count("Only the first 20,000 characters are shown.") == 2
