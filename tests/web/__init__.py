"""The score API and the page, over real sockets and a real Redis."""
