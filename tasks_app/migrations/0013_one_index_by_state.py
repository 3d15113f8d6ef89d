from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks_app", "0012_loose")]

    operations = [
        migrations.RemoveIndex(model_name="task", name="task_by_status"),
        migrations.RemoveIndex(model_name="task", name="task_by_stage"),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["instance", "status", "stage", "stage_position"], name="task_by_status"
            ),
        ),
    ]
