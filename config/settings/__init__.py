"""One settings module per mode: standalone, cloud, test; base is what they share."""
