"""A real Kafka and a real Redis as child processes: no container, no system Java, no root.

`stack.Stack` is the way in; `state.connect` is what every other command needs of it.
"""
