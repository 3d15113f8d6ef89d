"""What every HTTP endpoint shares: envelopes, errors, JSON, paging, throttling, headers. No models."""
