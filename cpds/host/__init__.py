"""What stands above both apps: the web server, standalone mode, health checks."""
