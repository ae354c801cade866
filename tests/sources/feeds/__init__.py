"""One local feed per source: it replays recorded frames over the source's own protocol, and knows what must arrive."""
