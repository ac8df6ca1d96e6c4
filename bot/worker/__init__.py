"""Does what was promised, as durable jobs, on as many machines as are wanted."""
