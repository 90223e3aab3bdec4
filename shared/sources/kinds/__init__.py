"""The kinds of senders: a module here is one, and nothing else is ever loaded as a kind."""
