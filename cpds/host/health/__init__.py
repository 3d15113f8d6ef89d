"""Is it alive, can it serve: what probes, load balancers and the curious ask."""
