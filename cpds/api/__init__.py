"""What every HTTP door shares: envelopes, errors, JSON, paging, throttling, headers. No models."""
