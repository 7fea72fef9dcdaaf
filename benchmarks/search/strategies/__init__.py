"""One file a strategy. A file that registers a class with `@strategy(...)` is found by its being here."""
