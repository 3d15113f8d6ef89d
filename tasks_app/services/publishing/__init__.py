"""From ready rows to published messages: limits, the publish window, the pump."""
