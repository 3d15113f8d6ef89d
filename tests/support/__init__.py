"""What the tests stand on: servers, processes, waiting, builders."""
