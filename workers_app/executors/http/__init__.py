"""``http_request``: public hosts only, bounded in time, size and redirects."""
