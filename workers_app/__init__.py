"""The hands: the fleet of workers and the executors that perform tasks."""
