from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks_app", "0010_requirements")]

    operations = [
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["workflow", "-finished_at"],
                name="instance_recent",
            ),
        ),
    ]
